"""`--set`: values that the command line gives, by a path into the scenario or by the name of a variable.

A path is `workload.records`, `faults[0].when.nth`, or `faults[lose the third ack].when.nth`. What is in brackets may
hold dots: `workload.client_config[queue.buffering.max.ms]`. A value that begins with `[`, `{`, `"` or `'` is YAML, any
other is one plain scalar as it stands, so that `>= 1` and `*` need no second quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .complaint import Step, nearest, shortened
from .nodes import Kind, Node, Slot
from .problems import Problem, Sources
from .repair import place_of
from .scalars import resolve
from .vocabulary import arm_name
from .yaml_tree import MAX_DEPTH, read

_STEP = re.compile(r"(?:\.|\A)(?P<word>[^.\[\]=]+)|\[(?P<bracket>[^\]]+)\]")
_FORM = "for example: --set faults[0].when.nth=5, or --set records=50 for a variable"
_LONGEST_LIST = 200
_LISTS = (("faults",), ("arms",))
"""Lists whose items have names."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for the place at the end of `steps`; `ats` are the places of the steps in what was typed."""

    steps: tuple[Step, ...]
    ats: tuple[int, ...]
    value: Node

    @property
    def at(self) -> int:
        """The place that a problem with the whole is told at."""
        return self.ats[0]


class Unfit(Exception):
    """A path that leads nowhere; `problem` says why and where."""

    def __init__(self, at: int, text: str, hint: str | None = None, code: str = "set") -> None:
        super().__init__(text)
        self.problem = Problem(at, text, hint, code)

    @classmethod
    def of(cls, problem: Problem) -> Unfit:
        """One that says what the problem does."""
        return cls(problem.at, problem.text, problem.hint, problem.code)


def read_all(texts: Iterable[str], sources: Sources) -> tuple[list[Setting], list[Problem]]:
    """The options `PATH=VALUE` or `NAME=VALUE`, and what is wrong with them."""
    settings: list[Setting] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            settings.append(_setting(text, sources))
        except Unfit as unfit:
            problems.append(unfit.problem)
    return settings, problems


def _setting(text: str, sources: Sources) -> Setting:
    text = text.encode("utf-8", "backslashreplace").decode()
    found, end = _path(text)
    name = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:end] or text)
    source = sources.add(f"--set {shortened(name.strip(), 80)}", text, option=True)
    if not found or text[end : end + 1] != "=":
        raise Unfit(source.base + end, "expected PATH=VALUE or NAME=VALUE", _FORM)
    if len(found) > MAX_DEPTH:
        raise Unfit(source.base + found[MAX_DEPTH][1], f"a path of more than {MAX_DEPTH} steps")
    value = _value(source.text[end + 1 :], source.base + end + 1, len(found))
    return Setting(tuple(step for step, _ in found), tuple(source.base + at for _, at in found), value)


def steps_of(text: str) -> tuple[Step, ...] | None:
    """The steps of a path; None where it is none."""
    found, end = _path(text)
    return tuple(step for step, _ in found) if found and end == len(text) else None


def _path(text: str) -> tuple[list[tuple[Step, int]], int]:
    """The steps that a text begins with, each with its place, and where they end."""
    steps: list[tuple[Step, int]] = []
    end = 0
    while (match := _STEP.match(text, end)) and (steps or match["word"]):
        word = match["word"]
        inner = match["bracket"] if word is None else word.strip()
        step: Step = int(inner) if word is None and inner.isdecimal() and len(inner) < 7 else inner
        steps.append((step, match.start("bracket" if word is None else "word")))
        end = match.end()
    return steps, end


def _value(text: str, at: int, depth: int) -> Node:
    if not text.lstrip().startswith(("[", "{", '"', "'")):
        text = text.strip()
        return Node("scalar", at, resolve(text), text=text)
    node, problems = read(text, at, depth)
    if node is None or problems:
        raise Unfit.of(problems[0])
    return node


def normal(root: Node, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with the names of list items replaced by their numbers, as far as they lead somewhere."""
    result: list[Step] = []
    node: Node | None = root
    for step in steps:
        slot = _slot(node, step, result[:1] == ["expect"]) if node else None
        if slot is not None and node is not None and node.kind == "list":
            step = node.live().index(slot)
        result.append(step)
        node = slot.node if slot else None
    return tuple(result)


def apply(root: Node, setting: Setting) -> None:
    """Put the value into the tree. A key that is missing on the way is made. Raises Unfit, and nothing is made then."""
    made: list[tuple[Node, Slot]] = []
    try:
        _apply(root, setting, made)
    except Unfit:
        for node, slot in made:
            node.slots.remove(slot)
        raise


def _apply(root: Node, setting: Setting, made: list[tuple[Node, Slot]]) -> None:
    node = root
    for depth, step in enumerate(setting.steps):
        at = setting.ats[depth]
        last = depth == len(setting.steps) - 1
        slot = _slot(node, step, setting.steps[:depth] == ("expect",))
        if slot is None:
            slot = _made(node, step, at, setting.steps[:depth])
            made.append((node, slot))
        if last:
            slot.at, slot.node = at, setting.value.clone()
        elif slot.node.kind == "scalar" and slot.node.value is None:
            listed = isinstance(setting.steps[depth + 1], int) or setting.steps[: depth + 1] in _LISTS
            kind: Kind = "list" if listed else "mapping"
            slot.at, slot.node = at, Node(kind, at)
        node = slot.node


def _slot(node: Node, step: Step, arm: bool) -> Slot | None:
    if node.kind == "list" and isinstance(step, str):
        return next((slot for slot in node.live() if _name(slot) == arm_name(step)), None)
    if node.kind == "mapping" and isinstance(step, int):
        step = str(step)
    return node.find(arm_name(step) if arm and isinstance(step, str) else step)


def _name(slot: Slot) -> str | None:
    """What an item of `faults` or `arms` is called."""
    name = slot.node.find("name")
    return arm_name(name.node.text or str(name.node.value)) if name else None


def _made(node: Node, step: Step, at: int, above: tuple[Step, ...]) -> Slot:
    place = place_of(above)
    count = len(node.live())
    if node.kind == "scalar":
        raise Unfit(at, f"{place} is a single value, which has nothing in it", _FORM)
    if node.kind == "list" and isinstance(step, str):
        names = [name for slot in node.live() if (name := _name(slot)) is not None]
        near = nearest(step, names)
        hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(names) or 'none with a name'}"
        if step.removeprefix("-").isdecimal():
            hint = f"items are counted from 0, and their number stands in brackets: {place}[0]"
        raise Unfit(at, f"{place}: nothing in this list is called {shortened(step)!r}", hint)
    if node.kind == "list" and (step != count or count >= _LONGEST_LIST):
        raise Unfit(at, f"{place}: no item {step}: the list has {count}, counted from 0")
    key = arm_name(str(step)) if above == ("expect",) else str(step)
    slot = Slot(key, at, Node("scalar", at))
    node.append(slot)
    return slot
