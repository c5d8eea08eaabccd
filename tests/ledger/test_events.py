"""`events.jsonl`: its lines, and its rotation."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.events import decided_line, read_events


@given(text=st.text(), at=st.floats(0, 1e9), flag=st.booleans(), attempt_number=st.none() | st.integers())
def test_a_line_is_the_decision_as_json(decided, text, at, flag, attempt_number):
    fact = decided(fault=text, topic=text * 2, at=at, hit=flag, attempt=attempt_number)
    line = decided_line(text, fact)
    assert json.loads(line) == {"event": "decided", "arm": text, **dataclasses.asdict(fact)}
    assert line.isascii()
    assert line.count("\n") == 1


def test_a_full_file_becomes_the_one_before(tmp_path, decided):
    size = len(decided_line("off", decided(n=100)))
    with Ledger.create(tmp_path, limits=Limits(events=size * 10)) as ledger:
        arm = ledger.arm("off", False, ["lose"])
        for n in range(100, 135):
            arm.put([decided(n=n)])
            ledger.flush()
        ledger.arm("on", True)
    events = list(read_events(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.1.jsonl", "events.jsonl", "ledger.db"]
    kept = [event["n"] for event in events if event["event"] == "decided"]
    assert kept == [*range(135 - len(kept), 135)]
    assert 10 <= len(kept) <= 21
    rotated = [event for event in events if event["event"] == "rotated"]
    assert rotated[-1]["let_go"] == 35 - len(kept)
    assert rotated[-1]["arms"] == [{"event": "arm", "arm": "off", "idempotence": False, "faults": ["lose"]}]
    assert events[-1] == {"event": "arm", "arm": "on", "idempotence": True, "faults": []}
    assert all(path.stat().st_size <= 13 * size for path in tmp_path.glob("events*"))


def test_killed_between_two_files(tmp_path, decided):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([decided()])
    (tmp_path / "events.jsonl").rename(tmp_path / "events.1.jsonl")
    assert [event["event"] for event in read_events(tmp_path)] == ["arm", "decided"]


def test_no_events_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_events(tmp_path))
