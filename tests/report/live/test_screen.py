"""The page on a real terminal, in a job of a shell: its keys, and the terminal as it was however it ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...terminals import CURSOR, LEFT, TAKEN, Job

HERE = Path(__file__).parent


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Job]]:
    """`start(FAULTS, ...)`: `shown.py` with these arguments, in the foreground of a terminal of its own."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "77")  # what the terminal itself says goes before it
    jobs: list[Job] = []

    def begin(*arguments: Any) -> Job:
        jobs.append(Job(str(HERE / "shown.py"), *map(str, arguments)))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.close()


def test_the_page_is_drawn_and_the_terminal_is_as_it_was_at_the_end(start):
    job = start(2)
    job.shows(TAKEN, raw=True)
    job.shows("note       said meanwhile")
    job.shows("note         and below it")
    assert not job.put_back()
    job.press("q")
    assert job.ends() == "exited 0"
    assert job.put_back()
    assert LEFT in job.seen
    assert CURSOR in job.seen
    after = job.seen.rpartition(LEFT)[2]
    assert "said meanwhile" in after
    assert "toggled: ." in after


def test_keys_arm_and_disarm(start):
    job = start(3)
    job.shows("1-3 arm or disarm a fault")
    job.press("2")
    job.shows("> 2  off    fault 2")
    job.press("\x1b[B ")
    job.shows("> 3  off    fault 3")
    job.press("\x1b[A\r9x")
    job.shows("> 2  armed  fault 2")
    job.press("q")
    job.shows("toggled: fault 2, fault 3, fault 2.")
    assert job.ends() == "exited 0"


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (lambda job: job.press("\x03"), "exited 0"),
        (lambda job: job.press("\x1c"), f"killed {signal.SIGQUIT.value}"),
    ],
    ids=["Ctrl-C", "Ctrl-backslash"],
)
def test_a_key_that_is_a_signal_puts_the_terminal_back(start, act, outcome):
    job = start(1)
    job.shows("said meanwhile")
    act(job)
    assert job.ends() == outcome
    assert job.put_back()
    assert LEFT in job.seen


def test_a_defect_puts_the_terminal_back_and_is_told_below(start):
    job = start(1, "crash")
    job.shows(TAKEN, raw=True)
    assert job.ends() == "exited 1"
    assert job.put_back()
    assert "a defect" in job.seen.rpartition(LEFT)[2]


def test_ctrl_z_gives_the_terminal_back_until_it_is_in_front_again(start):
    job = start(1)
    job.shows("said meanwhile")
    job.press("\x1a")
    assert job.ends() == f"stopped {signal.SIGTSTP.value}"
    assert job.put_back()
    assert job.seen.count(LEFT) == 1
    job.shell("bg")
    assert job.silent(1.0)
    assert job.put_back()
    job.shell("fg")
    job.shows(TAKEN, raw=True)
    job.shows("q ends it and reports")
    assert not job.put_back()
    job.press("q")
    assert job.ends() == "exited 0"
    assert job.put_back()


def test_it_follows_the_size_of_the_terminal(start):
    job = start(1)
    job.shows("said meanwhile")
    job.resize(40, 30)
    job.shows("at 127.0.0.1:19092, in front of Apache …")
    job.press("q")
    assert job.ends() == "exited 0"
