"""Faults that come to others while these are at work: what is checked, and how it is said, is as in a scenario's file.

The text is one fault as it stands in `faults`, a list of them, or a whole scenario of which only the faults are taken.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..faults.rule import Rule
from .expand import expanded
from .futile import OF_RULES
from .include import Reader
from .models import Entry
from .nodes import Node, Slot, node_of
from .problems import Diagnostic, Problem, Refusal, Sources, unread
from .reading import LIMIT, decoded
from .variables import escaped
from .yaml_tree import read

MOST = 200
"""Faults that there may be at once."""

_PARTITIONS = 10_000
"""As many as a scenario may have: the traffic is not that of a workload, so any of them may be there."""

_NUMBER = re.compile(r"faults\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Added:
    """The rules that a text means, each with its entry as plain values, and what is in vain about them."""

    rules: tuple[Rule, ...]
    entries: tuple[Entry, ...]
    warnings: tuple[Diagnostic, ...]


def added(content: bytes, standing: Sequence[Entry], *, seed: int = 0, name: str = "fault") -> Added:
    """The faults in the bytes of a text that messages call `name`, beside those that are there already.

    Raises ScenarioError with every problem.
    """
    if len(content) > LIMIT:
        raise Refusal([unread(name, f"larger than {LIMIT // 1024} KiB", "A fault is a small YAML text.")])
    sources = Sources()
    items, root, problems = _items(content, name, sources)
    if root is None:
        raise Refusal(sources.diagnostics(problems))
    if len(standing) + len(items) > MOST:
        raise Refusal([unread(name, f"more than {MOST} faults at once", "Remove those that are done.")])
    before = [Slot(str(n), 0, _escaped(node_of(dict(entry), 0))) for n, entry in enumerate(standing)]
    faults = Node("list", root.at, slots=[*before, *items])
    topic = node_of({"topic": {"partitions": _PARTITIONS}}, 0)
    keys = [*root.slots, Slot("seed", 0, node_of(seed, 0)), Slot("workload", 0, topic), Slot("faults", root.at, faults)]
    whole = Node("mapping", root.at, slots=[Slot("version", 0, node_of(1, 0)), *keys])
    scenarios, found = expanded(whole, sources, (), file=None, name="live", content=b"-")
    told = [_own(problem, len(standing)) for problem in [*problems, *found]]
    errors = [problem for problem in told if problem.severity == "error"]
    if errors:
        raise Refusal(sources.diagnostics(errors))
    made = scenarios[0]
    warnings = [each for each in sources.diagnostics(told) if each.code in OF_RULES]
    return Added(made.rules[len(standing) :], made.entries[len(standing) :], tuple(warnings))


def _items(content: bytes, name: str, sources: Sources) -> tuple[list[Slot], Node | None, list[Problem]]:
    """The faults of the text as items of a list; a mapping of what else it says of them; and what is wrong with it."""
    source = sources.add(name, decoded(content, name))
    root, problems = read(source.text, source.base)
    if root is None or problems:
        return [], None, problems
    if root.kind == "list":
        return [Slot(str(n), slot.at, slot.node) for n, slot in enumerate(root.slots)], _nothing(root), []
    if root.kind == "mapping" and root.find("faults") is not None:
        return _of_scenario(content, name, sources)
    return [Slot("0", root.at, root)], _nothing(root), []


def _of_scenario(content: bytes, name: str, sources: Sources) -> tuple[list[Slot], Node | None, list[Problem]]:
    """The faults of a whole scenario, which may have variables, and includes nothing: it may come from elsewhere."""
    reader = Reader(sources)
    root = reader.tree(name, content, None)
    if root is None or reader.problems:
        return [], None, reader.problems
    faults = root.find("faults")
    kept = Node("mapping", root.at, slots=[slot for slot in root.slots if slot.key == "variables"])
    found = [] if faults is None else faults.node.slots if faults.node.kind == "list" else [faults]
    return [Slot(str(n), slot.at, slot.node) for n, slot in enumerate(found)], kept, []


def _nothing(root: Node) -> Node:
    return Node("mapping", root.at)


def _escaped(node: Node) -> Node:
    for each in node.scalars():
        if isinstance(each.value, str):
            each.value = escaped(each.value)
    return node


def _own(problem: Problem, standing: int) -> Problem:
    """The problem with the faults of the text counted from 0."""

    def own(number: re.Match[str]) -> str:
        return f"faults[{int(number[1]) - standing}]" if int(number[1]) >= standing else number[0]

    return dataclasses.replace(problem, text=_NUMBER.sub(own, problem.text, count=1))
