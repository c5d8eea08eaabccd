"""The published schema: what the code writes, what it wrote before, and what it never writes."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import ackdrop
from ackdrop.report import as_json, schema
from ackdrop.report.codes import ABOUT_EXPECTATIONS, CODES
from ackdrop.report.finished import Finished
from ackdrop.report.meanings import MEANINGS
from ackdrop.result import AttemptLine, Failure, ShardInfo

KINDS = ["lost_ack", "failed", "inconclusive", "resend", "proxy", "unknown", "repeated", "alone"]
KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
NO_CODES = {"application-resend", "kafka-python", "lost-ack"}
"""Words with a hyphen in the rooms that make reasons, which are something else."""


@pytest.fixture(scope="module")
def validator():
    return Draft202012Validator(json.loads(schema.text()))


@pytest.fixture
def document(results):
    """A whole report with everything in it, as JSON values."""
    shard = ShardInfo(2, 5, 3, 9, 14, "0123456789abcdef")
    failures = [Failure("on", "duplicates", "more", "new-epoch", True), Failure("on", "lost", "more", None)]
    return json.loads(as_json.one(results.repeated(notes=["A note."], shard=shard, failures=failures)))


def test_the_file_is_up_to_date():
    assert schema.text() == schema.rendered(), "write it again: python -m ackdrop.report.schema"


def test_it_is_a_schema():
    Draft202012Validator.check_schema(json.loads(schema.text()))


@pytest.mark.parametrize("name", KINDS)
def test_every_result_is_valid(results, validator, name):
    run = Finished(getattr(results, name)(), None)
    validator.validate(json.loads(as_json.text([run])))
    validator.validate(json.loads(as_json.text([run, run])))


def test_a_whole_report_is_valid(document, validator):
    validator.validate(document)


def test_what_a_later_version_adds_is_no_error(document, validator, tmp_path):
    document["new"] = document["arms"][0]["log"]["new"] = 1
    document["reasons"].append({"code": "not-yet-known", "arm": None, "text": "Something new."})
    validator.validate(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    assert as_json.read(tmp_path).reasons[-1].code == "not-yet-known"


def test_a_report_of_the_first_version_is_valid_and_read(document, validator, results, tmp_path):
    """The keys that came later are left out, and read as what they were then."""
    for key in ("notes", "run", "repeat", "failures", "shard"):
        del document[key]
    for arm in document["arms"]:
        del arm["isolation"], arm["log"]["aborted"]
        for attempt in (line for finding in arm["findings"] for line in finding["attempts"]):
            for field in dataclasses.fields(AttemptLine)[13:]:
                del attempt[field.name]
    validator.validate(document)
    (tmp_path / "report.json").write_text(json.dumps(document))
    assert as_json.read(tmp_path).arms == results.failed(2).arms


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "ackdrop/report/2"),
        (["verdict"], "maybe"),
        (["exit_code"], "0"),
        (["arms", 0, "log", "duplicates"], "1"),
        (["arms", 0, "log", "duplicates"], 1.5),
        (["arms", 0, "findings", 0, "kind"], "copy"),
        (["arms", 0, "findings", 0, "cause"], "magic"),
        (["arms", 0, "findings", 0, "attempts", 0, "ack"], "lost"),
        (["arms", 0, "idempotence"], "on"),
        (["broker", "kind"], "pulsar"),
        (["repeat", "arms", 0, "figures", "lost", "min"], "0"),
        (["repeat", "agreement"], "mostly"),
        (["failures", 0, "how"], "some"),
        (["failures", 0, "known"], "yes"),
        (["shard", "number"], "2/5"),
        (["reasons", 0, "code"], 7),
    ],
)
def test_what_is_not_a_report(document, validator, path, value):
    *parents, last = path
    place = document
    for step in parents:
        place = place[step]
    place[last] = value
    assert not validator.is_valid(document)


@pytest.mark.parametrize("key", ["schema", "scenario", "broker", "verdict", "reasons", "exit_code", "arms"])
def test_what_is_missing(document, validator, key):
    del document[key]
    assert not validator.is_valid(document)


def test_every_meaning_is_of_a_field_that_is_there():
    models = json.loads(schema.text())["$defs"]
    assert [(model, field) for model, field in MEANINGS if field not in models[model]["properties"]] == []


def test_every_code_is_listed():
    """Whatever looks like a code in the rooms that make reasons."""
    root = Path(ackdrop.__file__).parent
    files = [*root.glob("verify/[gv]*.py"), *root.glob("experiment/*.py")]
    strings = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used = {text for text in strings if KEBAB.fullmatch(text)} - NO_CODES
    assert "fault-never-fired" in used
    assert used - set(CODES) == set()
    assert set(CODES) >= ABOUT_EXPECTATIONS | {"undecoded", "interrupted", "unfinished"}
