"""The models are the one source of messages, documentation and schema: every key has what these need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from ackdrop.errors import ScenarioError
from ackdrop.scenario.actions import ACTIONS, Action, Do
from ackdrop.scenario.actions.drop import DropAction
from ackdrop.scenario.language import keys, model_at, sample
from ackdrop.scenario.load import load
from ackdrop.scenario.spec import ScenarioSpec


def models(model: type[BaseModel] = ScenarioSpec) -> Iterator[type[BaseModel]]:
    """A model and all that it is made of."""
    yield model
    for field in model.model_fields.values():
        pending = [field.annotation]
        while pending:
            part = pending.pop()
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)
            pending.extend(get_args(part))


def every_key() -> list[tuple[type[BaseModel], str]]:
    return [(model, key) for model in dict.fromkeys(models()) for key in keys(model)]


@pytest.mark.parametrize(("model", "key"), every_key())
def test_every_key_has_a_description_and_examples(model: type[BaseModel], key: str) -> None:
    field = keys(model)[key]
    assert field.description
    assert field.examples


@pytest.mark.parametrize(("model", "key"), every_key())
def test_every_example_is_valid(model: type[BaseModel], key: str) -> None:
    needed = {name: sample_of(model, name) for name, field in keys(model).items() if field.is_required()}
    if key == "undo":
        needed["command"] = sample_of(model, "command")
    for example in keys(model)[key].examples or ():
        model.model_validate({**needed, key: example})


def sample_of(model: type[BaseModel], key: str) -> object:
    return (keys(model)[key].examples or [None])[0]


def test_every_model_is_reached() -> None:
    assert {action.__name__ for action in ACTIONS} <= {model.__name__ for model in models()}


def test_the_schema_is_made_from_the_models() -> None:
    schema = ScenarioSpec.model_json_schema()
    assert set(schema["$defs"]["Do"]["properties"]) == {action.word for action in ACTIONS}
    assert schema["$defs"]["DropAction"]["properties"]["then"]["enum"] == ["hold", "disconnect", "reset", "skip"]
    assert schema["additionalProperties"] is False
    json.dumps(schema)


def test_the_model_of_a_place() -> None:
    assert model_at(("faults", 0, "do")) is Do
    assert model_at(("workload", "value")) is None
    assert model_at(("nowhere", "at", "all")) is None


def test_the_sample_of_a_place() -> None:
    assert sample("faults", 0, "at") == "produce.response"
    assert sample("arms", 0) == {"name": "off", "idempotence": False}
    assert sample("nowhere") == {}


@pytest.mark.parametrize(("action", "place"), [(action, place) for action in ACTIONS for place in action.at])
def test_every_fault_is_made_from_its_example(action: type[Action], place: str) -> None:
    do = json.dumps({action.word: action.example_at(place)})
    rule = load(f'version: 1\nfaults: [{{at: "{place}", do: {do}}}]\n').rules[0]
    assert rule.fault.word == action.word
    assert rule.name == f"{action.word} at {place}"
    assert place in (f"{rule.api}.{rule.side}", rule.api)


def test_a_fault_stands_where_it_can_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DropAction, "at", ("connection",))
    with pytest.raises(ScenarioError, match=r"1:51: faults.0..do: 'drop' is not possible at produce.response"):
        load("{version: 1, faults: [{at: produce.response, do: {drop: {}}}]}")
