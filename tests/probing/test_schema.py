"""The published schema takes what is written, and not what never is."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator, ValidationError

from ackdrop.probing import schema
from ackdrop.probing.promises import judged
from ackdrop.probing.store import text

from .conftest import a_broker, a_case, a_step, an_exchange, stands


@pytest.fixture
def document(a_probe):
    step = a_step("other", "deduplicated", an_exchange(at=0), wrote=[stands(0), stands(3, marker="abort")])
    return json.loads(text(a_probe(judged(a_case("other-payload", step), a_broker()))))


def test_it_is_a_schema_and_what_is_written_is_valid(document):
    published = json.loads(schema.text())
    Draft202012Validator.check_schema(published)
    document["cases"][0]["new"] = document["new"] = 1
    Draft202012Validator(published).validate(document)
    assert "None" not in schema.text()


@pytest.mark.parametrize(
    ("key", "value"), [("schema", "ackdrop/report/1"), ("cases", [{"name": "a"}]), ("broker", None), ("versions", [])]
)
def test_what_is_no_probe_is_not_valid(document, key, value):
    document[key] = value
    with pytest.raises(ValidationError):
        Draft202012Validator(json.loads(schema.text())).validate(document)
