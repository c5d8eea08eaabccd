"""One tree to its scenarios: `--set`, the variables and the matrix are applied, and each result is validated.

In this order: paths that `--set` gives, what `variables` and `matrix` hold, variables that `--set` gives, then for each
combination its values, and the variables filled in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .build import scenario
from .checks import check
from .complaint import Step, shortened
from .futile import warnings
from .matrix import MAX_VALUES, RESERVED, Axis, Combination, axes_of, combinations, is_path, names
from .models import Scenario
from .nodes import Node, Slot
from .problems import Problem, Sources
from .repair import problem_at, validated
from .sets import Setting, Unfit, apply, normal, read_all
from .spec import ScenarioSpec
from .variables import Value, declared, escaped, filled, unknown, used, value_of
from .yaml_text import text_of

HEADER = "# What was run: the scenario with its parts, and with the values that --set and its matrix gave it.\n"
TITLE_LENGTH = 120

_FREE = (("workload", "value"), ("workload", "client_config"))
"""Where anything may stand, nothing (null) too."""


def expanded(
    root: Node, sources: Sources, sets: Sequence[str], *, file: str | None, name: str, content: bytes | None
) -> tuple[list[Scenario], list[Problem]]:
    """The scenarios that the tree means, and all that is wrong with it.

    `content` are the bytes that mean the same; None where only the tree does, so that they have to be made of it.
    """
    plan = _Plan(root.clone(), sources, sets)
    scenarios: dict[int, Scenario] = {}
    problems = plan.problems
    found = plan.combinations
    called = names(name, found)
    for covered, numbers in enumerate(_in_portions(found)):
        if covered and any(problem.severity == "error" for problem in problems):
            break
        for number in numbers:
            one = _One(plan, found[number])
            made = one.made(file, called[number], content)
            if made is not None:
                scenarios[number] = made
            problems = problems + one.problems
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        return [], list(dict.fromkeys(errors))
    first = {(warning.at, warning.code): warning for warning in reversed(problems)}
    return [scenarios[number] for number in sorted(scenarios)], list(first.values())


def _in_portions(found: list[Combination]) -> Iterator[list[int]]:
    """First what shows every value once, then the rest."""
    first = found[0].values
    differ = [sum(a is not b for a, b in zip(one.values, first, strict=True)) for one in found]
    yield [number for number, count in enumerate(differ) if count <= 1]
    yield [number for number, count in enumerate(differ) if count > 1]


class _Plan:
    """What the options, the variables and the matrix of a file say together."""

    def __init__(self, root: Node, sources: Sources, sets: Sequence[str]) -> None:
        self.root = root
        settings, self.problems = read_all(sets, sources)
        self.given: dict[str, Value] = {}
        self._apply([setting for setting in settings if setting.steps[0] in RESERVED])
        self.defaults, self.wrong, found = declared(root)
        self.problems += found
        matrix = root.take("matrix")
        others = [setting for setting in settings if setting.steps[0] not in RESERVED]
        self._apply([setting for setting in others if is_path(setting.steps)])
        known = {*self.defaults, *self.wrong, *used(root)}
        if matrix is not None:
            known |= used(Node("mapping", matrix.at, slots=[matrix]))
            root.append(matrix)
        axes, found = axes_of(root, known)
        self.problems += found
        if self.problems and matrix is not None:  # then nothing is varied, and its variables have no value
            self.wrong |= {slot.key for slot in matrix.node.slots}
        axes = [self._narrowed(axis, others) for axis in axes]
        self._give([setting for setting in others if not is_path(setting.steps)], known, axes)
        self.combinations = combinations([] if self.problems else axes)
        if len(self.combinations) * root.count() > MAX_VALUES:
            text = (
                f"matrix: {len(self.combinations)} combinations of so large a scenario: more than {MAX_VALUES} values"
            )
            self.problems.append(Problem(axes[0].at, text, code="matrix"))
            self.combinations = self.combinations[:1]

    def _apply(self, settings: list[Setting]) -> None:
        for setting in settings:
            try:
                if setting.steps[0] == "include":
                    raise Unfit(setting.at, "include cannot be set", "write it into the file")
                apply(self.root, setting)
            except Unfit as unfit:
                self.problems.append(unfit.problem)

    def _narrowed(self, axis: Axis, settings: list[Setting]) -> Axis:
        """The axis with the one value that `--set` gives for what it varies, if it does."""
        for setting in reversed(settings):
            if setting.steps == (axis.key,) or normal(self.root, setting.steps) == axis.steps:
                if axis.variable and value_of(setting.value) is None:
                    self.problems.append(_no_value(axis.key, setting))
                return dataclasses.replace(axis, values=(setting.value,))
        return axis

    def _give(self, settings: list[Setting], known: set[str], axes: list[Axis]) -> None:
        """The variables that `--set` gives."""
        varied = {axis.key for axis in axes}
        for setting in settings:
            name, value = str(setting.steps[0]), value_of(setting.value)
            if name in varied:
                continue
            if name not in known:
                self.problems.append(unknown(name, setting.at, known | varied))
            elif value is None:
                self.problems.append(_no_value(name, setting))
                self.wrong.add(name)
            else:
                self.given[name] = value


def _no_value(name: str, setting: Setting) -> Problem:
    return Problem(setting.at, f"the variable {name!r} takes one word, number or text")


class _One:
    """One combination on its way to its scenario."""

    def __init__(self, plan: _Plan, combination: Combination) -> None:
        self.problems: list[Problem] = []
        self._combination = combination
        self._root = root = plan.root.clone()
        for setting in combination.settings():
            try:
                apply(root, setting)
            except Unfit as unfit:
                self.problems.append(unfit.problem)
        varied = {name: value for name, node in combination.variables().items() if (value := value_of(node))}
        self.problems += filled(root, {**plan.given, **varied}, plan.defaults, plan.wrong)

    def made(self, file: str | None, name: str, content: bytes | None) -> Scenario | None:
        """The scenario, with its warnings in `problems`; None where there is an error."""
        spec = self._spec()
        if spec is None or self.problems:
            return None
        choices = self._combination.texts()
        whole = self._text(spec, choices) if content is None or choices else content
        made = scenario(spec, file=file, name=name, content=whole)
        made = dataclasses.replace(made, entries=_entries(self._root, made))
        if choices:
            made = dataclasses.replace(made, title=_title(made.title, choices), combination=choices)
        for steps, complaint in warnings(spec, made):
            problem = problem_at(self._root, steps, complaint)
            self.problems.append(dataclasses.replace(problem, severity="warning"))
        return made

    def _spec(self) -> ScenarioSpec | None:
        root = self._root
        self.problems += _empty(root)
        spec, found = validated(root)
        self.problems += found
        if spec is not None:
            self.problems += [problem_at(root, steps, complaint) for steps, complaint in check(spec, root)]
        return spec

    def _text(self, spec: ScenarioSpec, choices: tuple[tuple[str, str], ...]) -> bytes:
        """The file that means this alone."""
        root = self._root.clone()
        slot = root.find("title")
        if choices and spec.title is not None and slot is not None:
            slot.node = Node("scalar", slot.at, _title(spec.title, choices))
        for node in root.scalars():
            if isinstance(node.value, str):
                node.value = escaped(node.value)
        return (HEADER + text_of(root.data())).encode()


def _entries(root: Node, made: Scenario) -> tuple[Mapping[str, Any], ...]:
    """What stands in the tree for each rule, with the name that it has been given."""
    slot = root.find("faults")
    found = [each.node.data() for each in slot.node.live()] if slot else []
    entries = [entry for entry in found if isinstance(entry, dict)]
    return tuple({"name": rule.name, **entry} for rule, entry in zip(made.rules, entries, strict=True))


def _title(title: str, choices: tuple[tuple[str, str], ...]) -> str:
    """The title with the values of the combination."""
    return shortened(f"{title} ({', '.join(f'{key}: {text}' for key, text in choices)})", TITLE_LENGTH)


def _empty(node: Node, steps: tuple[Step, ...] = ()) -> list[Problem]:
    """Keys and list items without a value, which YAML reads as null; they are dropped, and void ones too."""
    problems = []
    for slot in node.live():
        if slot.node.void:
            slot.dropped = True
        elif _is_nothing(slot) and not any((*steps, slot.key)[: len(free)] == free for free in _FREE):
            slot.dropped = True
            what = f"the key {slot.key!r}" if node.kind == "mapping" else "this item of the list"
            problems.append(Problem(slot.at, f"{what} has no value", "give it one, or leave it out", "no-value"))
        problems.extend(_empty(slot.node, (*steps, slot.key)))
    return problems


def _is_nothing(slot: Slot) -> bool:
    return slot.node.kind == "scalar" and slot.node.value is None
