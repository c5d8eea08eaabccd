"""Variables: `${records}`, `${records:-200}`, and `$${` for a `${` that is meant.

A value that is nothing but a variable becomes what YAML makes of the variable's text, a number for `200`; inside of a
text it is text. What is put in is not searched for variables again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from .complaint import nearest, shortened
from .nodes import Node
from .problems import Problem
from .scalars import Scalar, resolve
from .spec import ConfigSpec, WorkloadSpec

MAX_CHARACTERS = 256 * 1024
"""Characters that variables may put into one scenario."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)
_DEFAULT = r"(?P<default>(?:[^}$]|\$(?!\{))*+)(?P<inner>\$\{[^}]{0,200}+)?"
_USE = re.compile(
    rf"\$\$\{{|\$\{{(?P<name>[A-Za-z_][A-Za-z0-9_]{{0,63}}+)(?::-{_DEFAULT})?\}}|(?P<bad>\$\{{)", re.ASCII
)
"""No part of it gives back what it has taken, so that a text is read in one go whatever stands in it."""
_PATHS = (("workload", WorkloadSpec), ("workload.config", ConfigSpec))
_FORM = "a variable is written ${name} or ${name:-default}; $${ stands for ${"


@dataclass(frozen=True, slots=True)
class Value:
    """What a variable stands for: alone, and inside of a text."""

    alone: Scalar
    text: str


def value_of(node: Node) -> Value | None:
    """The value that a scalar gives; None for a list, a mapping and nothing."""
    if node.kind != "scalar" or node.value is None:
        return None
    return Value(node.value, node.text or str(node.value))


def declared(root: Node) -> tuple[dict[str, Value], set[str], list[Problem]]:
    """The top key `variables`, taken out of the tree: values, names whose value is wrong, and what is wrong."""
    slot = root.take("variables")
    if slot is None:
        return {}, set(), []
    if slot.node.kind != "mapping":
        text, hint = "variables: expected a mapping of names to values", "for example: variables: {records: 200}"
        return {}, used(root), [Problem(slot.value_at, text, hint)]
    values: dict[str, Value] = {}
    wrong: set[str] = set()
    problems: list[Problem] = []
    for each in slot.node.live():
        value = value_of(each.node)
        if not _NAME.match(each.key):
            hint = "letters, digits and underscores, at most 64, and no digit first"
            problems.append(Problem(each.at, f"variables: {shortened(each.key)!r} cannot name a variable", hint))
        elif value is None:
            hint = "leave it out, and write ${name} where it is used, for one that must be set"
            problems.append(Problem(each.value_at, f"variables.{each.key}: expected one word, number or text", hint))
            wrong.add(each.key)
        elif inner := inner_variable(each.node):
            problems.append(inner_problem(each.node.at, f"variables.{each.key}", inner))
            wrong.add(each.key)
        else:
            values[each.key] = value
    return values, wrong, problems


def inner_variable(node: Node) -> str | None:
    """The name of a variable that stands in the value of a variable, where nothing looks for it."""
    text = node.value if isinstance(node.value, str) else ""
    return next((use["name"] for use in _USE.finditer(text) if use["name"]), None)


def inner_problem(at: int, place: str, name: str) -> Problem:
    """The problem of such a value."""
    hint = f"write both where they are used, or ${{{name}}} there alone"
    return Problem(at, f"{place}: holds the variable {name!r}, which is not filled in here", hint, "variable")


def used(root: Node) -> set[str]:
    """The names of the variables that stand in the tree."""
    return {use["name"] for node in _holders(root) for use in _USE.finditer(str(node.value)) if use["name"]}


def filled(
    root: Node, given: Mapping[str, Value], defaults: Mapping[str, Value], wrong: Collection[str] = ()
) -> list[Problem]:
    """Put the values in, those that are given before the defaults; what is wrong with the uses.

    A value that could not be filled is void; nothing is said of those for want of a variable in `wrong`.
    """
    filling = _Filling(given, defaults, wrong)
    for node in _holders(root):
        filling.fill(node)
    return filling.problems


def unknown(name: str, at: int, known: Collection[str]) -> Problem:
    """The problem of a name that is no variable."""
    near = nearest(name, known)
    there = f"there are: {', '.join(sorted(known)[:24])}" if known else "the scenario has none"
    path = next((f"{place}.{name}" for place, model in _PATHS if name in model.model_fields), None)
    hint = f"{there}; a path has a dot, as in workload.records=50"
    if near or path:
        hint = f"did you mean {repr(near) if near else f'the path {path}'}? {there}"
    return Problem(at, f"no variable {shortened(name)!r}", hint, "unknown-variable")


def escaped(text: str) -> str:
    """A text that means itself where it is read again."""
    return text.replace("${", "$${")


def _holders(root: Node) -> Iterator[Node]:
    return (node for node in root.scalars() if isinstance(node.value, str) and "${" in node.value)


class _Filling:
    def __init__(self, given: Mapping[str, Value], defaults: Mapping[str, Value], wrong: Collection[str]) -> None:
        self.problems: list[Problem] = []
        self._wrong = wrong
        self._values = {**defaults, **given}
        self._room = MAX_CHARACTERS

    def fill(self, node: Node) -> None:
        text = str(node.value)
        alone = _USE.fullmatch(text)
        if alone and alone["name"]:
            value = self._value(node, alone)
            node.value, node.text = value.alone, value.text
            self._take(node, value.text)
        else:
            node.value = node.text = _USE.sub(lambda use: self._inside(node, use), text)

    def _inside(self, node: Node, use: re.Match[str]) -> str:
        if use["bad"]:
            self._complain(node, "${ that begins no variable", _FORM)
        if not use["name"]:
            return "${"
        text = self._value(node, use).text
        return text if self._take(node, text) else ""

    def _value(self, node: Node, use: re.Match[str]) -> Value:
        name, default = use["name"], use["default"]
        if name in self._values:
            return self._values[name]
        if default is not None:
            if use["inner"]:
                self._complain(node, f"the default of the variable {name!r} holds another variable", _FORM)
            return Value(resolve(default.strip()), default)
        if name in self._wrong:
            node.void = True
            return Value("", "")
        hint = f"give it one: --set {name}=VALUE, variables: {{{name}: VALUE}} or ${{{name}:-VALUE}}"
        self._complain(node, f"the variable {name!r} has no value", hint, "unset-variable")
        return Value("", "")

    def _take(self, node: Node, text: str) -> bool:
        """Whether there is room for so much more."""
        before, self._room = self._room, self._room - len(text)
        if before >= 0 > self._room:
            self._complain(node, f"variables that put in more than {MAX_CHARACTERS} characters")
        return self._room >= 0

    def _complain(self, node: Node, text: str, hint: str | None = None, code: str = "variable") -> None:
        node.void = True
        self.problems.append(Problem(node.at, text, hint, code))
