"""A ledger on the disk: made, closed, opened again, refused."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from ackdrop.errors import SurroundingsError, UsageError
from ackdrop.ledger import Ledger
from ackdrop.ledger.events import read_events
from ackdrop.observations import Acked


def test_a_closed_ledger_is_one_file_and_can_be_opened(tmp_path, attempt):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False).put([attempt(), Acked(101.0, 1, "dropped", None)])
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.db", "events.jsonl"}
    assert Ledger.open(tmp_path).wire("off") == ledger.wire("off")
    assert Ledger.open(tmp_path).wire("off").acks_dropped == 1


def test_close_twice_and_flush_after_close(tmp_path):
    ledger = Ledger.create(tmp_path)
    ledger.close()
    ledger.close()
    ledger.flush()


def test_an_opened_ledger_takes_no_arm(tmp_path):
    Ledger.create(tmp_path).close()
    with pytest.raises(ValueError, match="opened to be read"):
        Ledger.open(tmp_path).arm("off", False)


def test_an_arm_begins_once(ledger):
    ledger.arm("off", False)
    with pytest.raises(ValueError, match="begun already"):
        ledger.arm("off", False)


def test_a_folder_holds_one_run(tmp_path):
    Ledger.create(tmp_path).close()
    with pytest.raises(SurroundingsError, match="is there already") as caught:
        Ledger.create(tmp_path)
    assert "--out" in caught.value.remedy


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SurroundingsError, match="could not be made"):
        Ledger.create(tmp_path / "file" / "run")


def test_open_refuses_what_is_no_ledger(tmp_path):
    with pytest.raises(UsageError, match="is not there"):
        Ledger.open(tmp_path)
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(UsageError, match="is not a ledger"):
        Ledger.open(tmp_path)


def test_open_refuses_another_version(tmp_path):
    Ledger.create(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageError, match="has version 99"):
        Ledger.open(tmp_path)


def test_events_hold_arms_and_decisions_in_order(tmp_path, decided):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False, ["lose the third ack"]).put([decided(n=1), decided(n=2, topic="caf\udce9\x1b[31m")])
        ledger.arm("on", True).put([decided(n=1)])
    lines = list(read_events(tmp_path))
    assert [(line["event"], line["arm"], line.get("n")) for line in lines] == [
        ("arm", "off", None),
        ("decided", "off", 1),
        ("decided", "off", 2),
        ("arm", "on", None),
        ("decided", "on", 1),
    ]
    assert lines[0] == {
        **{"event": "arm", "format": 4, "arm": "off", "idempotence": False, "faults": ["lose the third ack"]},
        "suffix": "",
    }
    assert lines[1] == {"event": "decided", "arm": "off", **dataclasses.asdict(decided(n=1))}
    assert b"\x1b" not in (tmp_path / "events.jsonl").read_bytes()


def test_a_last_line_cut_short_is_passed_over(tmp_path):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False)
    with (tmp_path / "events.jsonl").open("a") as lines:
        lines.write('{"event": "deci')
    assert [line["event"] for line in read_events(tmp_path)] == ["arm"]


def test_tables_are_documented(tmp_path):
    """Every table says what a row is, in the file itself."""
    Ledger.create(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "ledger.db")
    schema = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'"
        )
    )
    connection.close()
    assert {"arms", "connections", "attempts", "decisions", "undecoded", "partitions", "sends", "log"} <= set(schema)
    assert [name for name, sql in schema.items() if " -- " not in sql.splitlines()[0]] == []


def test_retries_stand_beside_what_they_repeat(tmp_path, attempt):
    with Ledger.create(tmp_path) as ledger:
        arm = ledger.arm("on", True)
        first = attempt(number=1, producer_id=7, producer_epoch=0, base_sequence=2)
        arm.put([first, dataclasses.replace(first, number=2, retry_of=1, tries=2)])
    connection = sqlite3.connect(tmp_path / "ledger.db")
    assert connection.execute("SELECT arm, number, of_number, same_identity FROM retries").fetchall() == [
        ("on", 2, 1, 1)
    ]
    connection.close()
