"""Log lines: what happens, one line each; what comes in storms summed up; JSON for machines."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import pytest
import trio
import trio.lowlevel
import trio.testing

from ackdrop.control.snapshot import Traffic
from ackdrop.observations import (
    Acted,
    Answered,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Observation,
    Undecoded,
)
from ackdrop.report.live import written
from ackdrop.report.live.lines import FIGURES, SPAN, Lines

AT_NOON = 1_795_694_400.0
EVERYTHING: list[Observation] = [
    ConnectionOpened(100.0, 2, -1, "127.0.0.1:5000"),
    ConnectionClosed(100.5, 2, "client", "fin", ""),
    Answered(101.0, 7, 45, -1),
    Decided(101.25, "lose it", 2, 9, "app", "orders", 0, 3, True, "drop", True, 7),
    Acted(102.0, "kill it", "broker", "kill", False, "no such process", 0.5),
    Changed(103.0, "lose it", "disarmed", "keys", None, 2.0),
    Undecoded(104.0, 2, "produce", 13, "too short", True),
]


class Now:
    """The clock of observations, which the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@contextlib.contextmanager
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """Both ends of a pipe: to read from, and to write to."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as reader, open(writing, "w", encoding="utf-8") as stream:
        yield reader, stream


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO, now: Now) -> Callable[..., Lines]:
    return lambda form="text": Lines(stream, form, clock=now, wall=lambda: AT_NOON + now.at - 100.0)


def test_each_thing_is_a_line(lines, stream):
    log = lines()
    for fact in EVERYTHING:
        log.happened(fact)
    assert stream.getvalue().splitlines() == [
        "2026-11-26 12:00:00.000  connected  connection 2: 127.0.0.1:5000 to the bootstrap address",
        "2026-11-26 12:00:00.500  closed     connection 2: closed by client",
        "2026-11-26 12:00:01.000  error      the broker answered attempt 7 with OUT_OF_ORDER_SEQUENCE_NUMBER",
        '2026-11-26 12:00:01.250  fault      "lose it": connection 2: drop orders [0]',
        '2026-11-26 12:00:02.000  acted      "kill it": kill at broker: not done, no such process',
        '2026-11-26 12:00:03.000  change     "lose it": disarmed by hand',
        "2026-11-26 12:00:04.000  undecoded  connection 2: produce version 13: too short",
    ]


def test_each_thing_as_json_has_its_parts(lines, stream):
    log = lines("json")
    for fact in EVERYTHING:
        log.happened(fact)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["event"] for each in told] == [
        "connected",
        "closed",
        "error",
        "fault",
        "acted",
        "change",
        "undecoded",
    ]
    assert told[3] == {
        "time": "2026-11-26T12:00:01.250+00:00",
        "event": "fault",
        "text": '"lose it": connection 2: drop orders [0]',
        "fault": "lose it",
        "verdict": "drop",
        "connection": 2,
        "client_id": "app",
        "topic": "orders",
        "partition": 0,
        "attempt": 7,
    }
    assert told[2]["error"] == "OUT_OF_ORDER_SEQUENCE_NUMBER"


def test_a_retry_says_whether_it_was_protected(lines, stream, a_retry):
    log = lines("json")
    log.happened(a_retry)
    told = json.loads(stream.getvalue())
    assert (told["event"], told["protected"], told["tries"], told["retry_of"]) == ("retry", False, 2, 1)


def test_a_storm_is_summed_up_and_others_are_not(lines, stream):
    log = lines()
    for number in range(1_000):
        log.happened(ConnectionOpened(100.0, number, -1, "127.0.0.1:5000"))
    log.happened(Changed(100.0, "lose it", "armed", "keys", None, 0.0))
    log.sum_up()
    log.happened(ConnectionOpened(100.0, 1_001, -1, "127.0.0.1:5000"))
    log.sum_up()
    told = [line[25:] for line in stream.getvalue().splitlines()]
    assert told[3:] == [
        'change     "lose it": armed by hand',
        "connected  and 997 connections opened more, within 5 s",
        "connected  connection 1001: 127.0.0.1:5000 to the bootstrap address",
    ]


def test_what_comes_from_outside_stays_on_its_line(lines, stream):
    lines().happened(ConnectionClosed(100.0, 1, "ackdrop", "fin", "bad\nline \x1b[31m"))
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


async def test_while_it_runs_storms_and_figures_are_told(stream, desk, autojump_clock):
    log = Lines(stream, "text", wall=lambda: AT_NOON)
    log.say("ackdrop listens on 127.0.0.1:19092")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run, desk)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(5):
            log.happened(ConnectionOpened(trio.current_time(), number, -1, "127.0.0.1:5000"))
        log.say("the broker is there again")
        await trio.sleep(SPAN + 0.1)
        desk.now = dataclasses.replace(desk.now, now=220.0, traffic=Traffic(600, 60_000, 600, 6_000))
        await trio.sleep(FIGURES)
        desk.now = dataclasses.replace(desk.now, now=280.0)
        await trio.sleep(FIGURES)
        nursery.cancel_scope.cancel()
    told = stream.getvalue().splitlines()
    assert told[0] == "ackdrop listens on 127.0.0.1:19092"
    assert [line[25:] for line in told[4:]] == [
        "note       the broker is there again",
        "connected  and 2 connections opened more, within 5 s",
        "figures    3 connections, 10 requests/s, 0 produce/s, 1.0 kB/s in, 100 B/s back; 2 acks dropped and 3 retries "
        "in all",
    ]


async def test_json_begins_with_where_it_listens_and_ends_with_the_verdict(stream, desk):
    log = Lines(stream, "json")
    log.say("  point your producers at  127.0.0.1:19092")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.run, desk)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    log.ended("passed", 0, "runs/1")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["event"] for each in told] == ["note", "listening", "ended"]
    assert told[1]["address"] == "127.0.0.1:19092"
    assert (told[2]["verdict"], told[2]["exit_code"], told[2]["folder"]) == ("passed", 0, "runs/1")


async def test_a_pipe_that_nobody_reads_holds_up_nothing_and_what_is_left_out_is_counted(desk, monkeypatch):
    monkeypatch.setattr(written, "MOST", 3_000)
    monkeypatch.setattr(written, "PATIENCE", 0.05)
    with pipe() as (reader, stream):
        log = Lines(stream, "text")
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(log.run, desk)
                await trio.testing.wait_all_tasks_blocked()
                for number in range(8_000):
                    log.say(f"line {number}")
                    if number % 500 == 0:
                        await trio.lowlevel.checkpoint()
                log.sum_up()
                left_out = 0
                while not left_out:
                    line = await trio.to_thread.run_sync(reader.readline)
                    if " log " in line:
                        left_out = int(line.split()[3].replace(",", ""))
                    elif line.startswith("20") and line.endswith("line 2000\n"):
                        log.sum_up()
                nursery.cancel_scope.cancel()
    assert 0 < left_out < 8_000


async def test_a_reader_who_has_gone_ends_nothing(desk):
    with pipe() as (reader, stream):
        reader.close()
        log = Lines(stream, "text")
        log.say("before")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log.run, desk)
            await trio.testing.wait_all_tasks_blocked()
            log.say("meanwhile")
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()


def test_what_has_several_lines_keeps_them(stream, now, lines):
    lines("json").say("not valid:\n  evry: 20\n  ^")
    assert json.loads(stream.getvalue())["text"] == "not valid:\n  evry: 20\n  ^"
    stream.truncate(0)
    stream.seek(0)
    lines().say("not valid:\n  evry: 20\n  ^")
    assert stream.getvalue() == "not valid:\n  evry: 20\n  ^\n"


def test_without_a_stream_nothing_is_told(desk):
    log = Lines(None, "text", clock=lambda: 0.0)
    log.say("nothing")
    log.happened(EVERYTHING[0])
