"""Attempts as tables."""

from __future__ import annotations

import dataclasses

from ackdrop.report.html import attempts as tables
from ackdrop.report.html.wires import Wires


def cells(table, n):
    """A row by the labels of its columns."""
    return {column.label: cell.text for column, cell in zip(table.columns, table.lines[n].cells, strict=True)}


def test_a_chain_in_full(attempts):
    table = tables.of_chain(list(attempts), "t")
    assert cells(table, 0) == {
        "#": "3", "at, s": "0.857", "conn.": "2", "corr.": "9", "part.": "0", "producer id": "-", "epoch": "-",
        "sequence": "-", "records": "1", "CRC": "0000004d", "acks": "-1", "again": "-", "offset": "2", "error": "-",
        "answered at, s": "0.861", "ack": "dropped", "ack settled at, s": "0.862", "fault": "lose the third ack",
        "topic": "orders",
    }  # fmt: skip
    assert cells(table, 1)["again"] == "3"


def test_a_copy_of_ours_says_so_and_is_sorted_by_what_it_copies(attempts):
    copy = dataclasses.replace(attempts[1], injected=True, ack="none")
    (line,) = tables.of_chain([copy], "t").lines
    (again,) = [cell for cell in line.cells if cell.text.startswith("copy")]
    assert (again.text, again.by) == ("copy of 3", "3")


def test_attempts_of_the_run(facts, wire_of):
    wire = wire_of([*facts(1), *facts(2, ack="dropped", fault="lose it"), *facts(3, retry_of=2, tries=2)])
    table = tables.of_run(Wires({"off": wire}, None), "t")
    assert cells(table, 1) == {
        "arm": "off", "#": "2", "at, s": "0.010", "conn.": "1", "corr.": "2", "part.": "0", "producer id": "-",
        "epoch": "-", "sequence": "-", "records": "1", "again": "-", "answer": "offset 1", "after, ms": "4.0",
        "ack": "dropped", "client saw": "nothing", "faults": "lose it", "topic": "orders",
    }  # fmt: skip
    assert [line.item["eventful"] for line in table.lines] == ["no", "yes", "yes"]
    assert table.note == ""


def test_of_many_attempts_the_eventful_ones_are_kept(facts, wire_of):
    seen = [fact for n in range(1, 1101) for fact in facts(n, ack="dropped" if n > 1090 else "delivered")]
    table = tables.of_run(Wires({"off": wire_of(seen)}, None), "t")
    assert [cells(table, n)["#"] for n in (0, 989, 990, 999)] == ["1", "990", "1091", "1100"]
    assert table.note.startswith("1,000 of 1,100 attempts, those first that were retried,")
