"""The ledger's guide: it names every table, view and column, and its queries answer what they say.

Run as a program it writes the tables of the schema into the guide.
"""

from __future__ import annotations

import dataclasses
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

import ackdrop.ledger
from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.limits import Limits as DefaultLimits
from ackdrop.ledger.schema import TABLES
from ackdrop.observations import (
    Acked,
    Answered,
    ConnectionClosed,
    ConnectionOpened,
    Flow,
    Forwarded,
    IndexLetGo,
    Passed,
)

GUIDE = Path(ackdrop.ledger.__file__).with_name("README.md")
TEXT = GUIDE.read_text(encoding="utf-8")
MARK = "<!-- made from schema.py by tests/ledger/test_guide.py -->\n"
QUESTIONS = dict(re.findall(r"### (\d+\. [^\n]*)\n\n```sql\n(.*?)```", TEXT, re.DOTALL))
LARGE = ("attempts", "decisions", "log", "sends")
SMALL = ("attempts_retried", "attempts_not_acked", "decisions_fired", "decisions_fired_by_frame")
"""Indexes of the few rows with something to tell."""


def tables() -> str:
    """The section that the schema makes: every table with what its rows are, every column with its meaning."""
    parts = []
    for name, what, body in re.findall(r"CREATE TABLE (\w+) \( -- (.*?)\n(.*?)\n\)", TABLES, re.DOTALL):
        parts.append(f"\n### `{name}`\n\n{what[0].upper()}{what[1:]}.\n\n| column | type | |\n|---|---|---|\n")
        for column, kind, rest in re.findall(r'^    "?([a-z_]+)"? ([A-Z]+)(.*)$', body, re.MULTILINE):
            meaning = rest.partition("-- ")[2]
            parts.append(f"| `{column}` | {kind} | {meaning} |\n")
        key = re.search(r"PRIMARY KEY (\(.*?\))", body)
        parts.append(f"\nKey: `{key[1]}`.\n" if key else "")
        for index, on in re.findall(rf"CREATE INDEX (\w+) ON {name} (.*?);", TABLES):
            parts.append(f"Index `{index}`: `{on}`.\n")
    return "".join(parts)


def test_the_guide_has_the_schema():
    assert TEXT.partition(MARK)[2] == tables(), "run `python tests/ledger/test_guide.py`"


def test_every_column_is_explained(tmp_path):
    Ledger.create(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        for (name,) in connection.execute(query).fetchall():
            section = TEXT.partition(f"\n### `{name}`\n")[2].partition("\n### ")[0]
            for column, kind in connection.execute(f"SELECT name, type FROM pragma_table_info('{name}')"):
                (meaning,) = re.findall(rf"^\| `{column}` \| {kind} \| (.*) \|$", section, re.MULTILINE)
                assert len(meaning) > 3, (name, column)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            (section,) = re.findall(rf"^- `{name}`: (.*?)(?=^- |^## )", TEXT, re.MULTILINE | re.DOTALL)
            columns = {column for (column,) in connection.execute(f"SELECT name FROM pragma_table_info('{name}')")}
            assert columns <= set(re.findall(r"`(\w+)`", section)), name
    connection.close()


def test_the_guide_has_the_limits():
    limits = DefaultLimits()
    section = TEXT.partition("## Limits")[2].partition("**Uneventful**")[0]
    told = [int(figure.replace(",", "")) for figure in re.findall(r"\| ([\d,]+)(?: each)? \|", section)]
    rows = [limits.attempts, limits.eventful, limits.ranges, limits.decisions, limits.fired, limits.connections]
    assert told == [*rows, limits.partitions, limits.undecoded, limits.log, limits.waiting]
    assert limits.log == limits.batches
    assert f"{limits.wal >> 30} GiB" in section
    assert f"{limits.events >> 20} MiB" in section


def test_the_program_in_the_guide_reads_blocks(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n(import json.*?)```", TEXT, re.DOTALL)
    with Ledger.create(tmp_path / "ackdrop-runs" / "RUN") as ledger:
        flow = Flow(1, "app", "", 7, -1, None, "orders", 2, 4000, 1)
        rows = [(number, 1.5, 9 + number, -1, 3, 5, 100, 2.5, 4 + 3 * number) for number in (1, 2, 3)]
        ledger.arm("on", True).put(
            [Passed.of(flow, rows[:2]), Passed.of(dataclasses.replace(flow, topic="b"), rows[2:])]
        )
        ledger.flush()
        monkeypatch.chdir(tmp_path)
        exec(program, names := {})
        names["ledger"].close()
    assert capsys.readouterr().out.splitlines() == [
        "1 1 1.5 2.5 orders 2 7 3 [4000, 1]",
        "1 2 1.5 2.5 orders 2 10 3 [4000, 1]",
        "1 3 1.5 2.5 b 2 13 3 [4000, 1]",
    ]


@pytest.fixture(scope="module")
def rich(tmp_path_factory, attempt, decided, log_batch) -> Iterator[sqlite3.Connection]:
    """A ledger with something for every question, written as a run would."""
    folder = tmp_path_factory.mktemp("rich")
    with Ledger.create(folder, limits=Limits(batches=4)) as ledger:
        for name, idempotence in (("off", False), ("on", True)):
            arm = ledger.arm(name, idempotence, ["lose the third ack"])
            identity = {"producer_id": 4000, "producer_epoch": 0} if idempotence else {}
            wire = _Wire(lambda identity=identity, **changes: attempt(**changes, **identity), decided, idempotence)
            arm.put(wire.facts())
            arm.batches([log_batch(base_offset=at, last_offset=at, crc=crc) for at, crc in ((2, 5), (3, 6), (4, 5))])
            arm.batches([log_batch(base_offset=at, last_offset=at) for at in range(5, 9)])
    connection = sqlite3.connect(folder / "ledger.db")
    yield connection
    connection.close()


class _Wire:
    """Connection 1 loses the ack of attempt 3 to a fault, and with it that of 4; 2 brings both again. Then the broker
    resets 2, so that 7 comes again on 3. 8 is told of late."""

    SEQUENCES: ClassVar = {1: 0, 2: 1, 3: 2, 4: 3, 5: 2, 6: 3, 7: 4, 8: 4, 9: 6}

    def __init__(self, attempt, decided, dedupes) -> None:
        self._attempt, self._decided, self._dedupes = attempt, decided, dedupes

    def facts(self):
        again = (2, 3) if self._dedupes else (4, 5)
        yield from (ConnectionOpened(99.0, n, 0, f"127.0.0.1:400{n}") for n in (1, 2, 3))
        yield from self._one(1, 1, 0)
        yield from self._one(2, 1, 1)
        yield from self._one(3, 1, 2, "dropped")
        yield self._decided(at=103.25, connection=1, correlation_id=3, attempt=3)
        yield from self._one(4, 1, 3, "withheld")
        yield ConnectionClosed(104.9, 1, "client", "fin", "the client closed")
        yield from self._one(5, 2, again[0], retry_of=3)
        yield from self._one(6, 2, again[1], retry_of=4)
        yield from self._one(7, 2, None, "none")
        yield ConnectionClosed(107.9, 2, "broker", "reset", "connection reset by peer")
        yield from self._one(8, 3, 6, retry_of=7)
        yield from self._one(9, 3, 7, "delayed")
        yield self._decided(at=109.25, fault="slow", verdict="delay", connection=3, correlation_id=9, attempt=9)
        yield IndexLetGo(110.0, 2)

    def _one(self, number, connection, offset, ack="delivered", retry_of=None):
        at = 100.0 + number
        yield self._attempt(
            number=number, at=at, connection=connection, correlation_id=number, base_sequence=self.SEQUENCES[number],
            retry_of=retry_of, tries=1 if retry_of is None else 2,
        )  # fmt: skip
        yield Forwarded(at, number)
        if offset is not None:
            yield Answered(at + 0.25, number, 0, offset)
        yield Acked(
            at + (0.75 if ack == "delayed" else 0.25), number, ack, 0 if ack in ("delivered", "delayed") else None
        )


def ask(connection: sqlite3.Connection, question: int) -> list[dict[str, object]]:
    """The rows of the guide's answer to its n-th question."""
    ((text),) = (text for title, text in QUESTIONS.items() if title.startswith(f"{question}. "))
    cursor = connection.execute(text)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def picked(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_there_are_ten_questions():
    assert [int(title.partition(".")[0]) for title in QUESTIONS] == [*range(1, 11)]


@pytest.mark.parametrize("title", QUESTIONS)
def test_an_index_is_used_where_some_attempts_are_asked_for(rich, title):
    """A scan is told by the name that the query gives the table."""
    text = QUESTIONS[title]
    aliases = {alias or table: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+)(?: AS (\w+))?", text)}
    plan = [detail for *_, detail in rich.execute(f"EXPLAIN QUERY PLAN {text}")]
    whole = [re.match(r"(?:SCAN (\w+)|SEARCH (\w+) .* \(arm=\?\))", detail) for detail in plan]
    read = {found[1] or found[2] for found in whole if found and not found.string.partition(" (")[0].endswith(SMALL)}
    large = {aliases.get(name, name) for name in read} & {*LARGE, "again", "first", "a", "d"}
    assert bool(large) == ("(reads all)" in title), plan


def test_retries_and_their_firsts(rich):
    rows = ask(rich, 1)
    names = ("arm", "number", "at", "of_number", "of_ack", "base_offset", "of_base_offset", "same_identity")
    assert picked(rows, *names) == [
        ("off", 5, 4.0, 3, "dropped", 4, 2, 0),
        ("off", 6, 5.0, 4, "withheld", 5, 3, 0),
        ("off", 8, 7.0, 7, "none", 6, None, 0),
        ("on", 5, 4.0, 3, "dropped", 2, 2, 1),
        ("on", 6, 5.0, 4, "withheld", 3, 3, 1),
        ("on", 8, 7.0, 7, "none", 6, None, 1),
    ]


def test_latency(rich):
    rows = [row for row in ask(rich, 2) if row["arm"] == "off"]
    assert picked(rows, "what", "attempts", "p50_ms", "p99_ms", "max_ms") == [
        ("added by a fault", 1, 500, 500, 500),
        ("broker", 8, 250, 250, 250),
    ]


def test_lost_acks(rich):
    rows = [row for row in ask(rich, 3) if row["arm"] == "off"]
    assert picked(rows, "number", "ack", "fault") == [
        (3, "dropped", "lose the third ack"),
        (4, "withheld", "lose the third ack"),
    ]


def test_batches_that_stand_twice(rich):
    assert picked(ask(rich, 4), "arm", "first_copy", "second_copy") == [("off", 2, 4), ("on", 2, 4)]


def test_gaps_of_a_sequence(rich):
    gaps = dict(picked(ask(rich, 5), "number", "gap"))
    assert gaps == {1: None, 2: 0, 3: 0, 5: -1, 4: 0, 6: -1, 7: 0, 8: -1, 9: 1}


def test_connections_and_their_ends(rich):
    rows = [row for row in ask(rich, 6) if row["arm"] == "on"]
    assert picked(rows, "connection", "closed_by", "closed_how", "attempts") == [
        (1, "client", "fin", 4),
        (2, "broker", "reset", 3),
        (3, None, None, 2),
    ]


def test_who_wrote_an_offset(rich, tmp_path, attempt):
    assert picked(ask(rich, 7), "what", "number", "first", "last") == [("attempt", 3, 2, 2)]
    with Ledger.create(tmp_path, limits=Limits(attempts=1)) as ledger:
        arm = ledger.arm("off", False)
        for number in range(1, 5):
            facts = [attempt(number=number, correlation_id=number), Forwarded(1.0, number)]
            arm.put([*facts, Answered(1.0, number, 0, number - 1), Acked(1.0, number, "delivered", 0)])
    with sqlite3.connect(tmp_path / "ledger.db") as folded:
        assert picked(ask(folded, 7), "what", "first", "last") == [("range", 0, 2)]
    folded.close()


def test_retries_that_no_fault_caused(rich):
    assert picked(ask(rich, 8), "arm", "number", "of_number", "closed_by", "closed_how") == [
        ("off", 8, 7, "broker", "reset"),
        ("on", 8, 7, "broker", "reset"),
    ]


def test_throughput(rich):
    rows = [row for row in ask(rich, 9) if row["arm"] == "on"]
    assert picked(rows, "second", "attempts", "records", "retries", "acks_lost") == [
        (second, 1, 1, int(second in (4, 5, 7)), int(second in (2, 3))) for second in range(9)
    ]


def test_what_is_not_there(rich):
    assert picked(ask(rich, 10), "arm", "what", "count", "harmless") == [
        ("off", "log batches", 3, 1),
        ("on", "log batches", 3, 1),
        ("off", "open attempts", 2, 0),
        ("on", "open attempts", 2, 0),
    ]


def test_the_story_has_the_faults_that_verification_sees(rich):
    folder = Path(rich.execute("PRAGMA database_list").fetchone()[2]).parent
    for arm in ("off", "on"):
        told = rich.execute("SELECT number, faults, kind FROM story WHERE arm = ? ORDER BY number", (arm,)).fetchall()
        seen = [(s.attempt.number, ", ".join(s.faults) or None) for s in Ledger.open(folder).wire(arm).attempts]
        assert [row[:2] for row in told] == seen
        assert [row[2] for row in told] == ["first"] * 4 + ["retry"] * 2 + ["first", "retry", "first"]


def test_the_story_in_words(rich):
    columns = "at, answered_ms, acked_ms, first_offset, last_offset, broker_said, ack, client_saw, faults"
    rows = rich.execute(f"SELECT {columns} FROM story WHERE arm = 'off' AND number IN (3, 7, 9) ORDER BY number")
    assert rows.fetchall() == [
        (2.0, 250, 250, 2, 2, "NONE", "dropped", None, "lose the third ack"),
        (6.0, None, 250, None, None, None, "none", None, None),
        (8.0, 250, 750, 7, 7, "NONE", "delayed", "NONE", "slow"),
    ]


if __name__ == "__main__":
    GUIDE.write_text(TEXT.partition(MARK)[0] + MARK + tables(), encoding="utf-8")
