"""Where the entries of a scenario stand, for those who tell of it after it has run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.scenario.places import Places, Spot

TEXT = """\
version: 1
title: A place for everything
include: parts/shared.yaml
faults:
  - name: lose the third ack
    at: produce.response
    do: {drop: {}}
  - name: lose ${what}
    at: produce.response
    do: {drop: {}}
expect:
  off:
    duplicates: ">= 1"
  "on": {duplicates: 0,
         lost: 0}
"""
PART = """\
workload:
  producer: kafka-python
faults:
  - at: produce.request
    do: {delay: {for: 1ms}}
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.chdir(tmp_path)
    Path("parts").mkdir()
    Path("parts/shared.yaml").write_text(PART)
    Path("mine.yaml").write_text(TEXT)
    return Places("mine.yaml")


@pytest.mark.parametrize(
    ("steps", "line", "column"),
    [
        (("expect", "off", "duplicates"), 13, 5),
        (("expect", "on", "duplicates"), 14, 10),
        (("expect", "on", "lost"), 15, 10),
        (("title",), 2, 1),
        (("expect", "on", "out_of_order"), 14, 3),
        (("expect", "third"), 11, 1),
        (("nothing",), 1, 1),
    ],
)
def test_an_entry_or_the_one_around_it(places: Places, steps: tuple[str, ...], line: int, column: int) -> None:
    assert places.of(*steps) == Spot("mine.yaml", line, column)


def test_an_entry_of_a_part_stands_in_the_part(places: Places) -> None:
    assert places.of("workload", "producer") == Spot("parts/shared.yaml", 2, 3)


def test_a_fault_by_its_name(places: Places) -> None:
    assert places.of_fault("lose the third ack", 0) == Spot("mine.yaml", 5, 5)


def test_a_fault_without_a_name_as_written_by_its_number(places: Places) -> None:
    """Those of a part come first."""
    assert places.of_fault("lose everything", 2) == Spot("mine.yaml", 8, 5)
    assert places.of_fault("delay at produce.request", 0) == Spot("parts/shared.yaml", 4, 5)


def test_a_fault_that_is_not_there(places: Places) -> None:
    """Of another name at that number, it was another file when it ran."""
    assert places.of_fault("gone", 1) == Spot("mine.yaml", 4, 1)


@pytest.mark.parametrize("content", [None, b"- a list\n", b"\xff\xfe", b"a: [\n"])
def test_a_file_that_says_nothing_has_no_places(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_bytes(content)
    places = Places(str(file))
    assert (places.of("title"), places.of_fault("x", 0)) == (None, None)
