"""A scenario file, read: `load()` gives a valid `Scenario` or every error of the file at once."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from pathlib import Path

from ..errors import ScenarioError
from .build import scenario
from .checks import check
from .models import Scenario
from .nodes import Node, Slot
from .problems import Problem, Source
from .repair import problem_at, validated
from .vocabulary import arm_name
from .yaml_tree import duplicate, read

LIMIT = 128 * 1024
"""Bytes that a scenario may have."""

_FREE = (("workload", "value"), ("workload", "client_config"))
"""Where anything may stand, nothing (null) too."""


def load(source: Path | str) -> Scenario:
    """The scenario in a file (a `Path`) or in a text (a `str`). Raises ScenarioError with every problem."""
    if isinstance(source, str):
        return parse(source.encode("utf-8", "surrogatepass"))
    return parse(_content(source), file=str(source), name=_slug(source))


def parse(content: bytes, *, file: str | None = None, name: str = "scenario") -> Scenario:
    """The scenario in the bytes of a file. Raises ScenarioError with every problem."""
    source = Source(file or "scenario", _decoded(content, file or "scenario"))
    root, problems = read(source.text)
    spec = None
    if root is not None and root.kind == "mapping":
        problems += _spelt(root, source.text)
        problems += _empty(root)
        spec, found = validated(root)
        problems += found
        if spec is not None:
            problems += [problem_at(root, steps, complaint) for steps, complaint in check(spec, root)]
    elif root is not None:
        problems.append(_not_a_mapping(root))
    if spec is None or problems:
        raise _error(source, problems)
    return scenario(spec, file=file, name=name, content=content)


def _error(source: Source, problems: list[Problem]) -> ScenarioError:
    unique = dict.fromkeys(sorted(problems, key=lambda problem: problem.at))
    return ScenarioError([source.show(problem) for problem in unique])


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError([f"{path}: cannot be read: {reason}"], remedy="Name a scenario file.") from error
    if len(content) > LIMIT:
        raise ScenarioError([f"{path}: larger than {LIMIT // 1024} KiB"], remedy="A scenario is a small YAML file.")
    return content


def _decoded(content: bytes, name: str) -> str:
    content = content.removeprefix(BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        source = Source(name, before)
        line, column = source.place(len(before))
        byte = content[error.start]
        raise ScenarioError(
            [f"{name}:{line}:{column}: not UTF-8: the byte 0x{byte:02X}"], remedy="Save the file as UTF-8 text."
        ) from error


def _slug(path: Path) -> str:
    """The file's name without suffix, as part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.")[:60] or "scenario"


def _not_a_mapping(root: Node) -> Problem:
    what = "a list" if root.kind == "list" else "nothing but a single value" if root.value is not None else "nothing"
    return Problem(root.at, f"a scenario is a mapping of keys, not {what}", "it begins with the line: version: 1")


def _spelt(root: Node, text: str) -> list[Problem]:
    """Bring the arms under `expect` to their one spelling (`false` means `off`); a second spelling is a duplicate."""
    expect = root.find("expect")
    if expect is None or expect.node.kind != "mapping":
        return []
    first: dict[str, Slot] = {}
    problems = []
    for slot in expect.node.slots:
        slot.key = arm_name(slot.key)
        if slot.key in first:
            slot.dropped = True
            problems.append(duplicate(text, slot.key, slot.at, first[slot.key].at))
        first.setdefault(slot.key, slot)
    return problems


def _empty(node: Node, steps: tuple[str, ...] = ()) -> list[Problem]:
    """Keys and list items without a value, which YAML reads as null; they are dropped."""
    if steps in _FREE:
        return []
    problems = []
    for slot in node.live():
        if slot.node.kind == "scalar" and slot.node.value is None and (*steps, slot.key) not in _FREE:
            slot.dropped = True
            what = f"the key {slot.key!r}" if node.kind == "mapping" else "this item of the list"
            problems.append(Problem(slot.at, f"{what} has no value", "give it one, or leave it out"))
        problems.extend(_empty(slot.node, (*steps, slot.key)))
    return problems
