"""An error with its place, as a compiler shows it: file, line, column, the line itself, and a caret."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap
from unicodedata import east_asian_width

_WIDTH = 100
_BEFORE = 60
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `at` counts characters from the start of the text."""

    at: int
    text: str
    hint: str | None = None


class Source:
    """A scenario's text, its lines ended by `\\n` alone, and the name of its file."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._lines = self.text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)][:-1]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        at = min(at, len(self.text))
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def show(self, problem: Problem) -> str:
        """`FILE:LINE:COLUMN: what is wrong`, the line, a caret beneath the column, and the hint."""
        line, column = self.place(problem.at)
        shown = [f"{self.name}:{line}:{column}: {problem.text}", *_excerpt(self._lines[line - 1], column)]
        shown.extend(wrap(problem.hint or "", _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))
        return "\n".join(shown)


def _excerpt(line: str, column: int) -> list[str]:
    """The line, cut around the column where it is long, and the caret's line."""
    first = max(0, column - 1 - _BEFORE) if len(line) > _WIDTH else 0
    before = "".join(map(_visible, line[first : column - 1]))
    after = "".join(map(_visible, line[column - 1 : first + _WIDTH]))
    cut_before, cut_after = "… " if first else "", " …" if first + _WIDTH < len(line) else ""
    padding = "".join(map(_blank, cut_before + before))
    return [f"{_INDENT}{cut_before}{before}{after}{cut_after}", f"{_INDENT}{padding}^"]


def _visible(character: str) -> str:
    return character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}"


def _blank(character: str) -> str:
    """Blanks as wide as the character is on a terminal."""
    if character == "\t":
        return "\t"
    return "  " if east_asian_width(character) in "WF" else " "
