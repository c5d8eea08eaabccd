"""`events.jsonl`: its lines, and its rotation."""

from __future__ import annotations

import dataclasses
import json
import struct
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.events import decided_line, frame_line, passed_in, read_events
from ackdrop.observations import Asked, Flow, Passed, Reached
from ackdrop.series import AT_ONCE, packed

ARM = {"event": "arm", "format": 4, "suffix": ""}
FLOW = Flow(3, "caf\udce9", "java 4", 9, -1, "tx", "orders", 2, 4000, 1)
OTHER = Flow(4, "app", "", 11, 1, None, "audit", 0, -1, -1)
ASKED = Asked(2, True, 0.1)
ROWS = [(7, 1.5, -70, 10, 5, 0xFFFF_FFFF, 120, 1.75, 2**62), (9, 2.5, 71, 15, 1, 17, 90, 2.75, 105)]
IN_STEP = [(20 + n, 4.5, 80 + n, 16 + 3 * n, 3, 1000 + n, 90, 4.75, 200 + 3 * n) for n in range(6)]
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


def passed_lines(folder):
    return [event for event in read_events(folder) if event["event"] == "passed"]


def in_one(passed):
    """Flow and `asked` of each, and all their attempts."""
    return [(flow, asked, list(attempts)) for each in passed for flow, asked, attempts in each.by_flow()]


def test_what_has_passed_while_rules_were_armed_is_a_line_that_has_all_of_it(tmp_path):
    """Two flows come in turn, the first one also as another connection would; what no rule was asked about is none."""
    first, second = ROWS
    third = (11, 3.5, *second[2:])
    with Ledger.create(tmp_path) as ledger:
        facts = [Passed.of(flow, [each], ASKED) for flow, each in ((FLOW, first), (OTHER, second), (FLOW, third))]
        facts += [Passed.of(OTHER, [(12, *third[1:])], Asked(5, False, 0.1)), Passed.of(OTHER, [(13, *third[1:])])]
        ledger.arm("off", False).put(facts)
    (line,) = passed_lines(tmp_path)
    assert (line["arm"], line["frames"], list(line)[:2]) == ("off", 8, ["event", "frames"])
    assert in_one(passed_in(line)) == [
        (FLOW, ASKED, [first, third]),
        (OTHER, ASKED, [second]),
        (OTHER, Asked(5, False, 0.1), [(12, *third[1:])]),
    ]
    assert [story.attempt.number for story in Ledger.open(tmp_path).wire("off").attempts] == [7, 9, 11, 12, 13]


def turned(line):
    """The same line, from a machine of the other byte order."""
    other = {"little": "big", "big": "little"}[line["order"]]
    found = {**line, "order": other}
    for name, code in (("runs", "q"), ("cells", "q"), ("times", "d"), ("more", "I")):
        data = b64decode(line[name])
        numbers = struct.unpack(f"={len(data) // struct.calcsize(code)}{code}", data)
        found[name] = b64encode(struct.pack(f"{'>' if other == 'big' else '<'}{len(numbers)}{code}", *numbers)).decode()
    return found


def test_a_line_can_be_read_on_machines_of_either_byte_order(tmp_path):
    rows = [*ROWS, *IN_STEP]
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([Passed.of(FLOW, rows, ASKED)])
    (line,) = passed_lines(tmp_path)
    assert turned(line)["cells"] != line["cells"]
    assert turned(line)["more"] != line["more"]
    assert in_one(passed_in(turned(line))) == in_one(passed_in(line)) == [(FLOW, ASKED, rows)]


def test_series_of_several_flows_come_in_turn(tmp_path):
    """The check sums of a series stand behind those of the one before, whatever flow they are of."""
    with Ledger.create(tmp_path) as ledger:
        flows = ((FLOW, 0), (OTHER, 2), (FLOW, 4))
        facts = [Passed.of(flow, packed(IN_STEP[at : at + 2]), ASKED) for flow, at in flows]
        ledger.arm("off", False).put(facts)
    (line,) = passed_lines(tmp_path)
    assert line["frames"] == 12
    assert in_one(passed_in(line)) == [
        (FLOW, ASKED, IN_STEP[:2] + IN_STEP[4:]),
        (OTHER, ASKED, IN_STEP[2:4]),
    ]


def test_a_line_of_the_format_before_is_read(tmp_path):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([Passed.of(FLOW, ROWS, ASKED)])
    (line,) = passed_lines(tmp_path)
    del line["more"]
    assert in_one(passed_in(line)) == [(FLOW, ASKED, ROWS)]


@pytest.mark.parametrize(
    "change",
    [
        {"frames": 3},
        {"cells": ""},
        {"times": "AAAA"},
        {"times": "#"},
        {"order": "middle"},
        {"flows": [[1]]},
        {"flows": []},
        {"asked": []},
        {"asked": [[1]]},
        {"runs": ""},
        {"more": "AAAAAA=="},
    ],
)
def test_a_line_that_is_not_whole_is_none(tmp_path, change):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([Passed.of(FLOW, ROWS, ASKED)])
    (line,) = passed_lines(tmp_path)
    with pytest.raises((KeyError, TypeError, ValueError)):
        passed_in({**line, **change})


def test_no_line_grows_with_what_is_told_in_one(tmp_path):
    rows = [(number, 1.0, number, -1, 1, 5, 100, 2.0, 2 * number) for number in range(2 * AT_ONCE + 1)]
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([Passed.of(FLOW, rows, ASKED)])
    lines = passed_lines(tmp_path)
    assert [line["frames"] for line in lines] == [2 * AT_ONCE, 2 * AT_ONCE, 2]
    assert [row for line in lines for each in passed_in(line) for row in each.attempts] == rows


def test_frames_of_attempts_that_have_passed_are_counted_where_they_are_let_go(tmp_path):
    with Ledger.create(tmp_path, limits=Limits(events=4_000)) as ledger:
        arm = ledger.arm('"frames":9', False, ["lose"])
        for _ in range(35):
            arm.put([Passed.of(FLOW, ROWS, ASKED), REACHED])
            ledger.flush()
    events = list(read_events(tmp_path))
    rotated = [event for event in events if event["event"] == "rotated"]
    left = sum(event.get("frames", 1) for event in events if event["event"] in ("frame", "passed"))
    assert rotated[-1]["frames_let_go"] == 35 * 5 - left > 0
    assert rotated[-1]["let_go"] == 0
