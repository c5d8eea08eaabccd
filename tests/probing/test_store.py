"""A probe as JSON, and back."""

from __future__ import annotations

import json

import pytest

from ackdrop.errors import UsageError
from ackdrop.probing.model import Answer, Promise, Verdict
from ackdrop.probing.promises import judged
from ackdrop.probing.store import read, text

from .conftest import a_broker, a_case, a_step, an_exchange, stands


@pytest.fixture
def probe(a_probe):
    known = a_step("other", "deduplicated", an_exchange(at=0), wrote=[stands(0), stands(3, marker="commit")])
    lost = a_step("lost", "no answer, not written", an_exchange(answer=Answer("silent", text="10 s \u202e \x1b[2J")))
    case = judged(a_case("other-payload", known, lost), a_broker())
    left = a_case("after-kill", state="left-out", reason="not ours")
    return a_probe(case, left, summary=("One.", "Two."), notes=("a note",), interrupted=True)


def test_it_comes_back_as_it_was(probe, tmp_path):
    file = tmp_path / "probe.json"
    file.write_text(text(probe), encoding="ascii")
    assert read(file) == probe
    assert isinstance(read(file).cases[0].promises[0], Verdict)
    assert isinstance(read(file).cases[0].promises[0].promise, Promise)


def test_what_readers_go_by(probe):
    found = json.loads(text(probe))
    assert found["schema"] == "ackdrop/probe/1"
    assert found["broker"]["kind"] == "kafka"
    step = found["cases"][0]["steps"][0]
    assert (step["name"], step["effect"]) == ("other", "deduplicated")
    assert step["exchanges"][0]["answer"] == {
        "how": "answered",
        "error": "NONE",
        "base_offset": 0,
        "text": None,
    }
    assert step["wrote"][1]["marker"] == "commit"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "no probe of the schema ackdrop/probe/1, but of None"),
        (b'{"schema": "ackdrop/report/1"}', "but of 'ackdrop/report/1'"),
        (b'{"schema": "ackdrop/probe/1"}', "is no whole probe: at: "),
        (b'{"schema": "ackdrop/probe/1", "at": 3}', "is no whole probe: at: "),
    ],
)
def test_what_is_no_probe_is_said(content, message, tmp_path):
    file = tmp_path / "probe.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read(file)
    assert message in caught.value.message
    assert "ackdrop probe --json" in caught.value.remedy


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(tmp_path / "none.json")
