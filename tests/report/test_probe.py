"""A probe as people see it: on a terminal of any width and without colour, as Markdown, and beside another one."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from ackdrop.probing.compare import compare
from ackdrop.probing.model import Answer, Batch, CaseResult, Exchange, ProbeResult, Step, Written
from ackdrop.probing.promises import judged
from ackdrop.report import probe_markdown
from ackdrop.report.probe import render, render_comparison
from ackdrop.result import BrokerInfo

BROKER = BrokerInfo("kafka", "4.3", "given", "127.0.0.1:9092", "abc")
LAST = 2**31 - 1


def sent(name: str, what: str, effect: str, answer: Answer, *wrote: Written, first: int = 0) -> Step:
    exchange = Exchange("produce", 13, 1, answer, 0, -1, Batch(7, 0, first, 3, "a", 0))
    return Step(name, what, (exchange,), wrote, effect)


def appended(name: str, at: int, first: int) -> Step:
    batch = Written(0, at, at + 2, 7, 0, first, 3)
    return sent(name, f"sequence {first}", "appended", Answer("answered", "NONE", at), batch, first=first)


def case(name: str, *steps: Step, **more: object) -> CaseResult:
    return judged(CaseResult(name, f"The case {name}", more.pop("state", "measured"), steps, **more), BROKER)  # type: ignore[arg-type]


GAP = "OUT_OF_ORDER_SEQUENCE_NUMBER"
KEPT = case(
    "gap",
    appended("original", 0, 0),
    sent("gap", "sequence 4-6", f"refused {GAP}", Answer("answered", GAP, -1)),
    appended("goes-on", 3, 3),
)
BROKEN = case(
    "other-payload", sent("other", "the same with another payload", "appended", Answer("answered", "NONE", 3))
)
LOST = case(
    "exact-duplicate",
    sent("again", "the same bytes again", "no answer, not written", Answer("silent", text="nothing in 10 s")),
    state="inconclusive",
    reason="no answer that can be read came to: the same bytes again",
)
AWAY = [case(f"after-{word}", state="left-out", reason="not ours") for word in ("restart", "kill")]
RESULT = ProbeResult(
    at="2026-11-26T17:00:00+00:00",
    ackdrop="0.1.0",
    broker=BROKER,
    topic="ackdrop-probe-x",
    versions={"produce": 13},
    summary=("A gap is refused.",),
    cases=(KEPT, BROKEN, LOST, *AWAY),
    notes=("The topic is left.",),
)


def page(result: ProbeResult, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render(result, Console(file=file, width=width, no_color=True))
    file.seek(0)
    return file.read()


def test_a_terminal_of_80_columns():
    assert (
        page(RESULT)
        == """\
What a broker remembers of a producer                  2026-11-26T17:00:00+00:00
Apache Kafka 4.3 at 127.0.0.1:9092 (given)
spoken: Produce 13

A gap is refused.

  sent                           came back                     in the log since

The case gap
  sequence 0                     ok, offset 0                  0-2 (0-2)
  sequence 4-6                   OUT_OF_ORDER_SEQUENCE_NUMBER  nothing new
  sequence 3                     ok, offset 3                  3-5 (3-5)
  ✓ Kafka: a sequence that does not follow is refused, and changes nothing
    [KIP-98; sources of Apache Kafka 4: ProducerAppendInfo.checkSequence, since
    1.0]

The case other-payload
  the same with another payload  ok, offset 3                  nothing new
  DIFFERS from Kafka: epoch, first and last sequence are compared, and nothing
  else [sources of Apache Kafka 4: ProducerStateEntry.batchWithSequenceRange,
  since 1.0]
    the same with another payload: promised is deduplicated, measured appended

The case exact-duplicate
  the same bytes again           NO ANSWER IN TIME             nothing new
  NOT MEASURED: no answer that can be read came to: the same bytes again
  · Kafka: a duplicate of one of the last five batches is acked with the offset
    of the original, and not written [KIP-98; sources of Apache Kafka 4:
    ProducerStateEntry.findDuplicateBatch, since 1.0]

The case after-restart
The case after-kill
  left out: not ours

The topic is left.
2 cases of 5 measured, 1 of them not as documented.
"""
    )


@pytest.mark.parametrize("width", [20, 40, 63, 64, 100, 200])
def test_no_line_is_wider_than_the_terminal(width):
    lines = page(RESULT, width).splitlines()
    assert max(map(len, lines)) <= width
    assert "OUT_OF_ORDER_SEQUENCE_NUMBER"[: width - 8] in page(RESULT, width)


def test_a_terminal_that_knows_ascii_alone():
    told = page(RESULT, encoding="ascii")
    assert told.isascii()
    assert "  ok Kafka: a sequence that does not follow" in told


def test_what_a_broker_says_does_nothing_to_a_terminal():
    evil = dataclasses.replace(RESULT, notes=("\x1b[2J [bold]x[/bold] \u202e",))
    told = page(evil)
    assert "\x1b" not in told
    assert r"\x1b[2J [bold]x[/bold] \u202e" in told


def test_the_end_of_the_numbers_is_said_by_its_distance():
    wrote = Written(0, 3, 6, 7, 0, LAST - 1, 4)
    step = sent("across", "across the end", "appended", Answer("answered", "NONE", 3), wrote)
    assert "3-6 (2^31-2 to 1)" in page(dataclasses.replace(RESULT, cases=(case("wrap-inside", step),)))


def test_an_interrupted_one_says_so():
    told = page(dataclasses.replace(RESULT, interrupted=True))
    assert told.endswith("2 cases of 5 measured, 1 of them not as documented, interrupted before the end.\n")


def test_markdown():
    told = probe_markdown.text(RESULT)
    assert "| The case gap | sequence 0 | ok, offset 0 | 0-2 (0-2) |\n" in told
    assert "|  | sequence 4-6 | OUT_OF_ORDER_SEQUENCE_NUMBER | nothing new |\n" in told
    assert "| The case after-kill | left out: not ours |  |  |\n" in told
    assert "**The case other-payload: differs** from Kafka: epoch" in told
    assert "**2 cases of 5 measured, 1 of them not as documented.**" in told


def test_what_changed():
    known = sent("other", "the same with another payload", "deduplicated", Answer("answered", "NONE", 0))
    now = dataclasses.replace(RESULT, cases=(KEPT, case("other-payload", known), LOST, *AWAY))
    file = io.StringIO()
    render_comparison(compare(RESULT, now), Console(file=file, width=80, no_color=True))
    assert (
        file.getvalue()
        == """\
before  Apache Kafka 4.3 at 127.0.0.1:9092, 2026-11-26T17:00:00+00:00
now     Apache Kafka 4.3 at 127.0.0.1:9092, 2026-11-26T17:00:00+00:00

The case other-payload
  the same with another payload
    before  appended
    now     deduplicated

not compared: The case exact-duplicate (not measured then: no answer that can be
read came to: the same bytes again)
not compared: The case after-restart (not measured then: not ours)
not compared: The case after-kill (not measured then: not ours)
1 change; 3 steps as before.
"""
    )
