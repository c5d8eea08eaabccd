"""`events.jsonl`: its lines, and its rotation."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.events import decided_line, frame_line, read_events
from ackdrop.observations import Reached

ARM = {"event": "arm", "format": 2, "suffix": ""}
REACHED = Reached(
    at=2.5,
    place="produce.response",
    api="produce",
    version=7,
    side="response",
    client_id="app",
    connection=1,
    node=-1,
    tls=False,
    correlation_id=9,
    acks=-1,
    transactional_id=None,
    entries=(("orders", 0, -1, 1, 3, 5, 120),),
    elapsed=0.5,
)


@given(text=st.text(), at=st.floats(0, 1e9), flag=st.booleans(), attempt_number=st.none() | st.integers())
def test_a_line_is_the_decision_as_json(decided, text, at, flag, attempt_number):
    fact = decided(fault=text, topic=text * 2, at=at, hit=flag, attempt=attempt_number)
    line = decided_line(text, fact)
    assert json.loads(line) == {"event": "decided", "arm": text, **dataclasses.asdict(fact)}
    assert line.isascii()
    assert line.count("\n") == 1


@given(text=st.text(), acks=st.none() | st.integers(), flag=st.booleans(), attempt_number=st.none() | st.integers())
def test_a_line_is_the_frame_as_json(text, acks, flag, attempt_number):
    entries = ((text, 0, 7, 1, attempt_number, 1, 90), ("other", 1, -1, 2, 4, 1, 90))
    fact = dataclasses.replace(REACHED, client_id=text, acks=acks, tls=flag, entries=entries)
    line = frame_line(text, fact)
    told = json.loads(line)
    assert told == {"event": "frame", "arm": text, **dataclasses.asdict(fact), "entries": [list(e) for e in entries]}
    assert line.isascii()
    assert line.count("\n") == 1


def test_frames_that_are_let_go_are_counted(tmp_path, decided):
    size = len(frame_line("off", REACHED))
    with Ledger.create(tmp_path, limits=Limits(events=size * 10)) as ledger:
        arm = ledger.arm("off", False, ["lose"], topic_suffix="-1f")
        for _ in range(35):
            arm.put([REACHED])
            ledger.flush()
    events = list(read_events(tmp_path))
    rotated = [event for event in events if event["event"] == "rotated"]
    assert rotated[-1]["let_go"] == 0
    assert rotated[-1]["frames_let_go"] == 35 - sum(event["event"] == "frame" for event in events) > 0
    assert rotated[-1]["arms"][0]["suffix"] == "-1f"


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
    assert rotated[-1]["arms"] == [{**ARM, "arm": "off", "idempotence": False, "faults": ["lose"]}]
    assert events[-1] == {**ARM, "arm": "on", "idempotence": True, "faults": []}
    assert all(path.stat().st_size <= 13 * size for path in tmp_path.glob("events*"))


def test_killed_between_two_files(tmp_path, decided):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([decided()])
    (tmp_path / "events.jsonl").rename(tmp_path / "events.1.jsonl")
    assert [event["event"] for event in read_events(tmp_path)] == ["arm", "decided"]


def test_no_events_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_events(tmp_path))
