"""Tests of `ackdrop.environment`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from ackdrop.environment import inherited


@pytest.fixture
def coming_and_going() -> Iterator[None]:
    """Another thread that sets variables and takes them out, as often as it can."""
    over = threading.Event()

    def change() -> None:
        while not over.is_set():
            for number in range(100):
                os.environ[f"COMES_AND_GOES_{number}"] = "x"
            for number in range(100):
                del os.environ[f"COMES_AND_GOES_{number}"]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=change)
    thread.start()
    yield
    over.set()
    thread.join()
    sys.setswitchinterval(interval)


def test_what_we_have_is_passed_on_with_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    monkeypatch.setenv("TWO", "2")
    assert inherited() == dict(os.environ)
    assert inherited(TWO="two", THREE="3") == {**os.environ, "TWO": "two", "THREE": "3"}


def test_what_is_not_wanted_stays_behind_by_the_beginning_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HERE", "THERE_A", "THERE_B"):
        monkeypatch.setenv(name, "x")
    assert [name for name in inherited("THERE_", "ELSEWHERE") if "HERE" in name] == ["HERE"]


@pytest.mark.usefixtures("coming_and_going")
def test_variables_may_go_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYS", "x")
    assert all(inherited()["STAYS"] == "x" for _ in range(500))
