"""Lines on a terminal are broken between words; elsewhere they stay whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ackdrop.report.folding import folded

from ..terminals import Job


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("it fits", ["it fits"]),
        ("  try: see that it runs and that it listens", ["  try: see that it runs and", "    that it listens"]),
        (
            "off   lose it  matched 40, fired 1, and all that",
            ["off   lose it  matched 40,", "      fired 1, and all that"],
        ),
        ("x /a/path/that/is/longer/than/there/is/room", ["x", "/a/path/that/is/longer/than/there/is/room"]),
        ("    ssl.ca.location=/tmp/certificates/ca.pem", ["    ssl.ca.location=/tmp/certificates/ca.pem"]),
        ("", [""]),
    ],
)
def test_broken_between_words(line: str, expected: list[str]) -> None:
    assert folded([line], 30) == expected


def test_a_line_with_a_caret_is_cut_around_it() -> None:
    line, caret = "  - {name: one, at: produce.respons, do: {drop: {}}}", " " * 22 + "^"
    assert folded([line, caret], 60) == [line, caret]
    assert folded([line, caret], 30) == ["…e: one, at: produce.respons,…", " " * 15 + "^"]
    assert folded([line, " " * 2 + "^"], 20) == ["  - {name: one, at:…", "  ^"]


@pytest.mark.parametrize("width", [20, 40, 80])
@given(at=st.integers(0, 119))
def test_a_caret_stays_below_what_it_points_at(width: int, at: int) -> None:
    line = "".join(chr(ord("a") + n % 26) for n in range(120))
    part, caret = folded([line, " " * at + "^"], width)
    assert len(part) == width
    assert part[caret.index("^")] in (line[at], "…")


@given(
    line=st.text(st.sampled_from("ab  漢é,"), max_size=200),
    width=st.integers(24, 100),
)
def test_no_line_is_too_wide_and_no_word_is_lost(line: str, width: int) -> None:
    lines = folded([line], width)
    assert " ".join(lines).split() == line.split()
    for each in lines:
        assert cell_len(each.rstrip()) <= width or len(each.split()) == 1


def test_an_error_on_a_terminal_and_elsewhere(tmp_path: Path) -> None:
    """What cannot be found is named in a line that is longer than a terminal of 100 columns is wide."""
    command = ["-m", "ackdrop", "run", "no-such-scenario"]
    plain = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    said = plain.stderr.splitlines()
    assert len(said) == 2
    assert len(said[1]) > 100
    job = Job(*command)
    try:
        job.ends()
        lines = job.seen.split("\r\n")
    finally:
        job.close()
    assert max(map(len, lines)) <= 100
    assert " ".join("\n".join(lines).split()) == " ".join(plain.stderr.split())
