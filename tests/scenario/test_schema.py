"""The JSON Schema of scenarios: valid, complete, and of one mind with what validates them and with the guide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ackdrop.errors import ScenarioError
from ackdrop.scenario.actions import ACTIONS
from ackdrop.scenario.files import shipped
from ackdrop.scenario.language import keys, model_at
from ackdrop.scenario.load import load
from ackdrop.scenario.schema import built
from ackdrop.scenario.yaml_tree import read

SCHEMA = built()
VALIDATOR = Draft202012Validator(SCHEMA)
GUIDE = (shipped()[0].parent / "README.md").read_text(encoding="utf-8")
TEXTS = [path.read_text(encoding="utf-8") for path in shipped()]
EXAMPLES = [text for text in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL) if not text.startswith("# parts/")]


def data(text: str) -> Any:
    root, problems = read(text)
    assert root is not None
    assert not problems
    return root.data()


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the schema describes, with its path."""
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            yield f"{path}/{key}", value
        for key, value in schema.items():
            yield from fields(value, f"{path}/{key}")


def test_it_is_a_schema_of_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", TEXTS + EXAMPLES)
def test_it_accepts_what_is_shipped_and_what_the_guide_shows(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data(text))] == []


@pytest.mark.parametrize(
    ("path", "field"), list(fields(SCHEMA)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_key_has_a_description_and_examples_that_it_accepts(path: str, field: dict[str, Any]) -> None:
    assert field["description"].strip()
    assert field["examples"]
    validator = Draft202012Validator({**field, "$defs": SCHEMA["$defs"]})
    for example in field["examples"]:
        assert validator.is_valid(example), f"{path}: {example!r}"


@pytest.mark.parametrize(
    "text",
    [
        "workload:\n  records: ${records:-200}\n",
        'workload: {pipelined: "${p}", config: {acks: "${a:-all}", linger: "${l}"}, rate: "${n}/s"}\n',
        'faults:\n- at: ${at}\n  match: {partition: ["${p}"]}\n  when: {nth: ["${n}"]}\n  do: {drop: {for: "${f}s"}}\n',
        'expect: {off: {duplicates: "${d}"}}\n',
        "arms:\n- {name: off, idempotence: no}\n",
        "include: a.yaml\nvariables: {a: 1, b: x}\nmatrix: {acks: [all, 1], workload.value: [{a: 1}, [2]]}\n",
    ],
)
def test_a_variable_stands_wherever_one_value_does(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data("version: 1\n" + text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "titel: x",
        "version: 2",
        "seed: -1",
        "seed: x",
        "repeat: 0",
        "control: off",
        "isolation: serializable",
        "identity: order-id",
        "workload: {recods: 3}",
        "workload: {records: 0}",
        "workload: {rate: 100}",
        "workload: {producer: jaba}",
        "workload: {config: {acks: most}}",
        "workload: {config: {request_timeout: 3}}",
        "workload: {config: {batch_size: 16KB}}",
        "workload: {deadline: soon}",
        "arms: []",
        "arms: [{name: a}]",
        "arms: [{name: a/b, idempotence: true}]",
        "faults: {}",
        "faults: [{do: {drop: {}}}]",
        "faults: [{at: produce.response}]",
        "faults: [{at: produce.respnse, do: {drop: {}}}]",
        "faults: [{at: produce.response, do: {}}]",
        "faults: [{at: produce.response, do: {dorp: {}}}]",
        "faults: [{at: produce.response, do: {drop: {}, delay: {for: 3s}}}]",
        "faults: [{at: produce.response, do: {delay: {}}}]",
        "faults: [{at: produce.response, do: {drop: {then: vanish}}}]",
        "faults: [{at: produce.response, do: {error: {code: NO_SUCH}}}]",
        "faults: [{at: produce.response, when: {nth: 0}, do: {drop: {}}}]",
        "faults: [{at: produce.response, when: {probability: 2}, do: {drop: {}}}]",
        "faults: [{at: produce.response, match: {attempt: second}, do: {drop: {}}}]",
        "expect: {off: {lots: 0}}",
        "expect: {off: {lost: '>> 1'}}",
        "expect: {off: 1}",
        "include: /etc/passwd",
        "include: ../other.yaml",
        "variables: {1a: 3}",
        "variables: {a: [1]}",
        "matrix: {acks: all}",
        "matrix: {acks: []}",
    ],
)
def test_it_refuses_what_validate_refuses(text: str) -> None:
    text = text if text.startswith("version") else f"version: 1\n{text}"
    with pytest.raises(ScenarioError):
        load(text)
    assert not VALIDATOR.is_valid(data(text))


def test_a_fault_has_no_keys_but_its_own() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert name == "variable" or definition["additionalProperties"] is False
    assert (SCHEMA["$defs"]["Do"]["minProperties"], SCHEMA["$defs"]["Do"]["maxProperties"]) == (1, 1)
    assert list(SCHEMA["$defs"]["Do"]["properties"]) == [action.word for action in ACTIONS]


@pytest.mark.parametrize(
    ("heading", "steps"),
    [
        ("Only `version` is needed", ()),
        ("`workload`:", ("workload",)),
        ("`workload.config`.", ("workload", "config")),
        ("A rule in `faults`:", ("faults",)),
        ("## Which answers: match", ("faults", "match")),
        ("## When: the order", ("faults", "when")),
    ],
)
def test_the_guides_tables_list_the_keys_of_the_schema_and_no_others(heading: str, steps: tuple[str, ...]) -> None:
    model = model_at(steps)
    assert model is not None
    behind = GUIDE[GUIDE.index(heading) :]
    table = re.search(r"\n\| key \|.*?\n\|[-|]+\n((?:\|.*\n)+)", behind)
    assert table is not None
    assert re.findall(r"^\| `(\w+)`", table[1], re.MULTILINE) == list(keys(model))
