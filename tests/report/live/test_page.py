"""The page at every size: nothing wider than the screen, nothing below its end, and what matters on it."""

from __future__ import annotations

import dataclasses
import os
import time

import pytest

from ackdrop.control.snapshot import Happened
from ackdrop.report.live.page import Seen, Size, page
from ackdrop.report.live.parts import Note


def shown(seen: Seen, width: int = 80, height: int = 24, *, ascii_only: bool = False) -> list[str]:
    return [line.plain for line in page(seen, Size(width, height), ascii_only=ascii_only)]


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    assert os.environ.get("TZ") == before
    time.tzset()


@pytest.fixture
def seen(about, busy, faults, events):
    return Seen(about, dataclasses.replace(busy, faults=faults(2), recent=events(4)), wall=3600.0)


def test_the_page_at_80_columns(seen):
    assert [line.rstrip() for line in shown(seen, 80, 20)] == [
        "The third ack is lost                                                       1:00",
        "at 127.0.0.1:19092, in front of Apache Kafka 4.3 at 127.0.0.1:9092",
        "",
        "connections   3 open, 12 in all         acks dropped  2, 5 withheld, 0 late",
        "requests      410/s                     retries       3: 1 protected, 2 not",
        "produce       120/s, 1,204 in all         recognised  1 by the broker",
        "traffic       1.2 MB/s in, 45 kB/s back   doubled     7 records",
        "errors        1 from the broker         not read      none",
        "",
        "faults",
        "> 1  armed  lose the third ack  fired 1 of 12         the ack is lost",
        "  2  armed  fault 2             fired 0 of 0          the ack is lost",
        "",
        "what happened",
        '00:59:57  fault      "lose it": connection 2: drop orders [0]',
        '00:59:58  fault      "lose it": connection 2: drop orders [1]',
        '00:59:59  fault      "lose it": connection 2: drop orders [2]',
        '01:00:00  fault      "lose it": connection 2: drop orders [3]',
        "",
        "q ends it and reports   1-2 arm or disarm a fault   ↑ ↓ and space as well",
    ]


@pytest.mark.parametrize("width", [20, 40, 71, 72, 80, 100, 140, 300])
@pytest.mark.parametrize("height", [4, 8, 12, 24, 60])
@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_it_fits_any_screen(about, busy, faults, events, width, height, count):
    seen = Seen(about, dataclasses.replace(busy, faults=faults(count), recent=events(40)), wall=0.0)
    lines = page(seen, Size(width, height))
    assert len(lines) == height
    assert {line.cell_len for line in lines} == {width}


def test_the_selected_fault_is_on_the_page_however_many_there_are(about, busy, faults):
    many = dataclasses.replace(busy, faults=faults(30))
    for selected in range(1, 30):
        marked = [line for line in shown(Seen(about, many, 0.0, selected)) if line.startswith(">")]
        assert len(marked) == 1
        assert f"fault {selected + 1} " in marked[0]


def test_a_low_screen_keeps_the_newest(about, busy, faults, events):
    text = "\n".join(shown(Seen(about, dataclasses.replace(busy, faults=faults(1), recent=events(40)), 0.0), height=20))
    assert "orders [39]" in text
    assert "orders [0]" not in text


def test_a_fault_says_whether_it_is_armed_without_colour(about, busy, faults):
    resting = dataclasses.replace(faults(1)[0], armed=False)
    (line,) = [
        line for line in shown(Seen(about, dataclasses.replace(busy, faults=(resting,)), 0.0)) if "third" in line
    ][1:]
    assert line.split()[:2] == ["1", "off"]


def test_notes_stand_among_what_happened_in_their_order(seen):
    noted = dataclasses.replace(seen, notes=(Note(158.5, "mine.yaml was read again"),))
    lines = shown(noted, 80, 40)
    at = next(n for n, line in enumerate(lines) if "read again" in line)
    assert lines[at].startswith("00:59:58  note       mine.yaml was read again")
    assert "orders [1]" in lines[at - 1]
    assert "orders [2]" in lines[at + 1]


def test_what_comes_from_outside_cannot_act_on_the_terminal(about, busy, faults):
    evil = "\x1b]0;mine\x07\u202e[red]"
    bad = dataclasses.replace(
        busy, faults=(dataclasses.replace(faults(1)[0], name=evil),), recent=(Happened(160.0, "fault", evil, evil),)
    )
    lines = shown(Seen(dataclasses.replace(about, title=evil, broker=evil), bad, 0.0), 140, 30)
    text = "".join(lines)
    assert not any(char in text for char in "\x1b\x07\u202e")
    assert "[red]" in text


def test_a_terminal_without_unicode_gets_ascii(seen):
    noted = dataclasses.replace(seen, notes=(Note(160.0, "größer → 世界"),))
    assert all(line.isascii() for line in shown(noted, 80, 40, ascii_only=True))


def test_without_keys_none_is_told(seen):
    assert shown(dataclasses.replace(seen, keys=False))[-1].rstrip() == "Ctrl-C ends it and reports"
    assert "q ends it" in shown(seen)[-1]


def test_what_happens_many_times_on_end_has_one_line(about, busy):
    same = Happened(159.0, "fault", "connection 2: delay orders [0]", "slow")
    other = Happened(159.5, "retry", "connection 3: try 2 of orders [0], unprotected")
    found = (*[same] * 40, other, *[dataclasses.replace(same, at=160.0)] * 3)
    lines = shown(Seen(about, dataclasses.replace(busy, recent=found), wall=3600.0), height=30)
    at = lines.index(next(line for line in lines if line.startswith("what happened")))
    assert [line.rstrip() for line in lines[at + 1 : at + 5]] == [
        '00:59:59  fault      (40 times) "slow": connection 2: delay orders [0]',
        "00:59:59  retry      connection 3: try 2 of orders [0], unprotected",
        '01:00:00  fault      (three times) "slow": connection 2: delay orders [0]',
        "",
    ]
