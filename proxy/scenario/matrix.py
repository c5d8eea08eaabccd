"""`matrix`: one scenario for each combination of values.

A key is `producer`, a word of `workload.config`, a variable, a top key such as `seed`, or a path as `--set` has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import product
from math import prod

from .complaint import Step, nearest, shortened
from .language import keys
from .nodes import Node, Slot
from .problems import Problem
from .scalars import resolve
from .sets import Setting, normal, steps_of
from .spec import ConfigSpec, ScenarioSpec
from .variables import inner_problem, inner_variable

MAX_COMBINATIONS = 64
MAX_VALUES = 100_000
"""Values of the scenario, times its combinations."""

RESERVED = frozenset({"version", "include", "variables", "matrix"})
"""Top keys that belong to a file and not to what is run."""

_FOR_EXAMPLE = "for example: matrix: {acks: [all, 1]}"
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied: the key as it is written, what it means (a path, or one word that is a variable), its values."""

    key: str
    at: int
    steps: tuple[Step, ...]
    variable: bool
    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Combination:
    """One value for each axis."""

    axes: tuple[Axis, ...]
    values: tuple[Node, ...]

    def settings(self) -> list[Setting]:
        """The values that have a place in the tree."""
        pairs = zip(self.axes, self.values, strict=True)
        return [Setting(axis.steps, (axis.at,) * len(axis.steps), value) for axis, value in pairs if not axis.variable]

    def variables(self) -> dict[str, Node]:
        """The values of variables."""
        return {axis.key: value for axis, value in zip(self.axes, self.values, strict=True) if axis.variable}

    def texts(self) -> tuple[tuple[str, str], ...]:
        """Each key with its value, as `--set` takes them."""
        return tuple((axis.key, text_of(value)) for axis, value in zip(self.axes, self.values, strict=True))


def is_path(steps: tuple[Step, ...]) -> bool:
    """Whether `--set` with these steps means a place in the tree: several steps, or a top key of the language."""
    return len(steps) > 1 or steps[0] in keys(ScenarioSpec)


def axes_of(root: Node, variables: Collection[str]) -> tuple[list[Axis], list[Problem]]:
    """The top key `matrix`, taken out of the tree, and what is wrong with it."""
    slot = root.take("matrix")
    if slot is None:
        return [], []
    if slot.node.kind != "mapping":
        text = "matrix: expected a mapping of keys to lists of values"
        return [], [Problem(slot.value_at, text, _FOR_EXAMPLE)]
    axes: list[Axis] = []
    problems: list[Problem] = []
    for each in slot.node.live():
        steps, variable = _meaning(each.key, root, variables)
        if steps is None:
            problems.append(_unknown(each.key, each.at, variables))
        elif each.node.kind != "list" or not each.node.slots:
            problems.append(Problem(each.node.at, f"matrix.{each.key}: expected a list of values", _FOR_EXAMPLE))
        else:
            values = tuple(item.node for item in each.node.slots)
            problems += _wrong_values(each.key, values, variable)
            problems += [
                _twice(each, steps, axis) for axis in axes if axis.variable == variable and _overlap(axis.steps, steps)
            ]
            axes.append(Axis(each.key, each.at, steps, variable, values))
    many = prod(len(axis.values) for axis in axes)
    if many > MAX_COMBINATIONS:
        problems.append(Problem(slot.at, f"matrix: {many} combinations, of {MAX_COMBINATIONS} at most", code="matrix"))
    return axes, problems


def combinations(axes: Iterable[Axis]) -> list[Combination]:
    """Every combination, the last axis changing fastest; without an axis the one that has no value."""
    axes = tuple(axes)
    return [Combination(axes, values) for values in product(*(axis.values for axis in axes))]


def names(name: str, found: list[Combination]) -> list[str]:
    """A name for each combination, fit for a folder and a topic, and no two alike."""
    result: list[str] = []
    for number, combination in enumerate(found, 1):
        parts = [name, *(_part(key, text) for key, text in combination.texts())]
        full = "-".join(parts)
        taken = len(full) > _NAME_LENGTH or full.casefold() in (other.casefold() for other in result)
        result.append(f"{full[: _NAME_LENGTH - 3]}-{number}" if taken else full)
    return result


def text_of(node: Node) -> str:
    """A value as `--set` takes it."""
    value = node.data()
    if node.kind == "scalar":
        for text in (node.text, str(value)):
            if text == text.strip() and not text.startswith(("[", "{", '"', "'")) and _same(resolve(text), value):
                return text
    return json.dumps(value, ensure_ascii=False)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _part(key: str, text: str) -> str:
    """A value in a name; the key says nothing beside the name of a producer."""
    word = re.split(r"[.\[]", key.rstrip("]"))[-1]
    text = re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:24]
    return text if key in ("producer", "workload.producer") else re.sub(r"[^A-Za-z0-9_]+", "-", f"{word}-{text}")


def _meaning(key: str, root: Node, variables: Collection[str]) -> tuple[tuple[Step, ...] | None, bool]:
    steps = steps_of(key)
    if steps is None or steps[0] in RESERVED:
        return None, False
    if len(steps) > 1:
        return normal(root, steps), False
    if key in variables:
        return (key,), True
    if key == "producer":
        return ("workload", "producer"), False
    if key in keys(ConfigSpec):
        return ("workload", "config", key), False
    return (steps, False) if key in keys(ScenarioSpec) else (None, False)


def _unknown(key: str, at: int, variables: Collection[str]) -> Problem:
    if key.split(".")[0].split("[")[0] in RESERVED:
        hint = "it belongs to the file, and not to what is run"
        return Problem(at, f"matrix: {shortened(key)!r} cannot be varied", hint, "unknown-key")
    known = ["producer", *keys(ConfigSpec), *sorted(variables)]
    near = nearest(key, known)
    hint = f"did you mean {near!r}? " if near else ""
    hint += f"expected a variable, a path such as workload.records, or one of: {', '.join(known[:24])}"
    return Problem(at, f"matrix: unknown key {shortened(key)!r}", hint, "unknown-key")


def _overlap(one: tuple[Step, ...], other: tuple[Step, ...]) -> bool:
    """Whether they are one path, or one leads into what the other varies."""
    return one[: len(other)] == other[: len(one)]


def _twice(slot: Slot, steps: tuple[Step, ...], axis: Axis) -> Problem:
    key, other = f"{shortened(slot.key)!r}", f"{shortened(axis.key)!r}"
    text = f"{key} means what {other} does" if steps == axis.steps else f"{key} and {other}: one is a part of the other"
    return Problem(slot.at, f"matrix: {text}", code="duplicate-key")


def _wrong_values(key: str, values: tuple[Node, ...], variable: bool) -> list[Problem]:
    problems = []
    seen: list[str] = []
    for node in values:
        text = text_of(node)
        if node.kind == "scalar" and node.value is None:
            problems.append(Problem(node.at, f"matrix.{key}: this item of the list has no value", code="no-value"))
        elif variable and node.kind != "scalar":
            problems.append(Problem(node.at, f"matrix.{key}: a variable's value is one word, number or text"))
        elif variable and (inner := inner_variable(node)):
            problems.append(inner_problem(node.at, f"matrix.{key}", inner))
        elif text in seen:
            problems.append(Problem(node.at, f"matrix.{key}: {shortened(text)} stands here twice", code="matrix"))
        seen.append(text)
    return problems
