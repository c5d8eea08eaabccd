"""Whatever is done to a scenario, it is read or refused in our own words: never a traceback, never a hang."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.errors import ScenarioError
from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import examine, load, parse
from ackdrop.scenario.models import Scenario
from ackdrop.scenario.nodes import Node
from ackdrop.scenario.yaml_tree import read

TEXTS = [path.read_text(encoding="utf-8") for path in shipped()]
WORDS = [
    "off",
    "on",
    "nth",
    "drop",
    "then",
    "for",
    "skip",
    "3s",
    ">= 1",
    "all",
    "none",
    "*",
    "name",
    "do",
    "first",
    "",
    "~",
]
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=6,
)


def whole(text: str) -> Any:
    root, problems = read(text)
    assert isinstance(root, Node)
    assert not problems
    return root.data()


BASES = [*map(whole, TEXTS)]


def accepted(content: bytes) -> bool:
    """Whether it is read; refused, every problem must have its place, its line and its caret."""
    refused: list[str] = []
    try:
        assert isinstance(parse(content, file="f.yaml"), Scenario)
    except ScenarioError as error:
        refused = error.problems or ["refused without a problem"]
    assert len(set(refused)) == len(refused)
    for problem in refused:
        heading, *rest = problem.split("\n")
        assert heading.split(":")[0] == "f.yaml"
        if "not UTF-8" not in heading:
            assert rest[1].strip() == "^"
    return not refused


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all that is in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*above, key), *places(item, (*above, key))]]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    data = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 4))):
        found = places(data)
        if not found:
            break
        *above, last = draw(st.sampled_from(found))
        holder = data
        for step in above:
            holder = holder[step]
        match draw(st.sampled_from(["delete", "replace", "rename", "add", "repeat"])):
            case "delete":
                del holder[last]
            case "replace":
                holder[last] = draw(values)
            case "rename" if isinstance(holder, dict):
                holder[draw(st.sampled_from(WORDS) | st.text(max_size=5))] = holder.pop(last)
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(WORDS))] = draw(values)
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))
    return data


@given(mutated())
@RELAXED
def test_mutated_values(data: Any) -> None:
    accepted(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.sampled_from(TEXTS), st.data())
@RELAXED
def test_mutated_lines(text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    start = lines.index("workload:")
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(start, len(lines) - 1))
        other = data.draw(st.sampled_from(lines[start:]))
        match data.draw(st.sampled_from(["delete", "repeat", "replace", "indent", "cut"])):
            case "delete" if len(lines) > start + 1:
                del lines[index]
            case "repeat":
                lines.insert(index, other)
            case "replace":
                lines[index] = other
            case "indent":
                lines[index] = (
                    data.draw(st.sampled_from([" ", "  ", "- ", "\t", "? ", "&a ", "*a", "!x "])) + lines[index]
                )
            case "cut":
                lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))]
    accepted("\n".join(lines).encode())


@given(st.sampled_from(TEXTS), st.data())
@RELAXED
def test_mutated_bytes(text: str, data: st.DataObject) -> None:
    content = bytearray(text.encode())
    at = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(at, min(len(content), at + 20)))
    content[at:end] = data.draw(
        st.binary(max_size=6) | st.text(max_size=6).map(lambda new: new.encode("utf-8", "replace"))
    )
    accepted(bytes(content))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
@RELAXED
def test_anything_at_all(content: bytes) -> None:
    accepted(content)


@pytest.mark.parametrize("text", TEXTS)
def test_the_unchanged_are_accepted(text: str) -> None:
    assert accepted(text.encode())


@pytest.mark.parametrize("text", ["\ud800", "version: 1\ntitle: \ud800"])
def test_half_a_character_in_a_text(text: str) -> None:
    with pytest.raises(ScenarioError):
        load(text)


SPREAD = """\
version: 1
title: Of ${n:-3}
variables: {n: 3, word: hold}
include: [parts/a.yaml, parts/b.yaml]
workload: {records: "${n}", config: {acks: all}, value: {text: "a ${word} $${b}"}}
matrix: {acks: [all, 1], n: [3, 4], "faults[0].do": [{drop: {}}, {delay: {for: 1s}}]}
faults:
  - {name: one, at: produce.response, match: {attempt: first}, when: {nth: "${n}"}, do: {drop: {then: "${word}"}}}
expect: {"off": {duplicates: ">= 1"}}
"""
PART = """\
include: b.yaml
workload: {sends: 2, client_config: {a: [1, 2]}}
faults:
- {at: produce.request, do: {duplicate: {}}}
"""
PATHS = ["workload.records", "faults[0].when.nth", "faults[one].do", "expect.off.lost", "matrix.acks", "variables.n"]
PIECES = [
    "${n}",
    "${",
    "$${",
    "${x:-",
    "}",
    ":-",
    "[0]",
    "[",
    "]",
    ".",
    "=",
    "include:",
    "matrix:",
    "variables:",
    "../",
]


def accepted_file(path: Path, sets: list[str]) -> bool:
    """Whether a file is read; refused, every problem must have its place."""
    examined = examine(path, sets)
    for found in examined.diagnostics:
        heading, *rest = found.shown.split("\n")
        assert found.text in heading
        assert found.line is None or rest[1].strip() == "^"
    assert bool(examined.errors()) != bool(examined.scenarios)
    for scenario in examined.scenarios:
        again = load(scenario.content.decode())
        assert (again.workload, again.rules, again.expect) == (scenario.workload, scenario.rules, scenario.expect)
        assert len(scenario.name) <= 120
    return bool(examined.scenarios)


@st.composite
def spoilt(draw: st.DrawFn, text: str) -> str:
    """A text with pieces put in, and parts of it taken out."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.sampled_from([at, at, min(len(text), at + draw(st.integers(1, 12)))]))
        text = text[:at] + draw(st.sampled_from([*PIECES, *WORDS]) | st.text(max_size=3)) + text[end:]
    return text


options = st.builds(
    lambda path, value: f"{path}={value}",
    st.sampled_from(PATHS) | st.lists(st.sampled_from([*PIECES, *PATHS, *WORDS]), max_size=4).map("".join),
    values.map(json.dumps) | st.sampled_from([*WORDS, *PIECES]) | st.text(max_size=5),
)


@given(spoilt(SPREAD), spoilt(PART), st.lists(options, max_size=3))
@settings(RELAXED, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_mutated_parts_variables_matrices_and_settings(
    tmp_path_factory: pytest.TempPathFactory, main: str, part: str, sets: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    (folder / "parts").mkdir(exist_ok=True, parents=True)
    for name, text in {"main": main, "parts/a": part, "parts/b": "seed: 1\n"}.items():
        (folder / f"{name}.yaml").write_bytes(text.encode("utf-8", "replace"))
    accepted_file(folder / "main.yaml", sets)


def test_what_is_mutated_is_accepted_unchanged(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.yaml").write_text(SPREAD)
    (tmp_path / "parts" / "a.yaml").write_text(PART)
    (tmp_path / "parts" / "b.yaml").write_text("seed: 1\n")
    assert accepted_file(tmp_path / "main.yaml", ["workload.sends=3"])


@given(options)
@RELAXED
def test_any_option_on_what_is_shipped(option: str) -> None:
    examine(shipped()[0], [option])
