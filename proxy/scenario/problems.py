"""An error with its place, as a compiler shows it: file, line, column, the line itself, and a caret."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap
from typing import Literal
from unicodedata import east_asian_width

from ..errors import ScenarioError

Severity = Literal["error", "warning"]

_WIDTH = 100
_HINT_WIDTH = 80
_BEFORE = 60
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `at` counts characters from the start of the first text, see `Sources`.

    `code` is one word for programs that read messages.
    """

    at: int
    text: str
    hint: str | None = None
    code: str = "value"
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem with its place told: `line` and `column` from 1, None where the file could not be read at all.

    `file` is the file as it was named, or the option `--set PATH` (`option`). `shown` is all of it for a person.
    """

    file: str
    line: int | None
    column: int | None
    severity: Severity
    text: str
    hint: str | None
    code: str
    shown: str
    option: bool = False


class Refusal(ScenarioError):
    """A scenario is not valid. `diagnostics` has what `problems` says as texts."""

    def __init__(self, diagnostics: Iterable[Diagnostic], *, remedy: str | None = None) -> None:
        self.diagnostics = list(dict.fromkeys(diagnostics))
        super().__init__([diagnostic.shown for diagnostic in self.diagnostics], remedy=remedy)


class Source:
    """A text, its lines ended by `\\n` alone, and the name of its file or option.

    `base` is the place of its first character among all texts of a scenario; an `option` has no line and column.
    """

    def __init__(self, name: str, text: str, *, base: int = 0, option: bool = False) -> None:
        self.name = name
        self.base = base
        self.option = option
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._lines = self.text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)][:-1]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        at = min(at - self.base, len(self.text))
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def told(self, problem: Problem) -> Diagnostic:
        """The problem with its place."""
        line, column = self.place(problem.at)
        shown = self.show(problem)
        said = (problem.severity, visible(problem.text), problem.hint, problem.code)
        return Diagnostic(self.name, line, column, *said, shown, self.option)

    def show(self, problem: Problem) -> str:
        """`FILE:LINE:COLUMN: what is wrong`, the line, a caret beneath the column, and the hint."""
        line, column = self.place(problem.at)
        name = visible(self.name)
        where = name if self.option else f"{name}:{line}:{column}"
        text = visible(problem.text)
        what = f"warning: {text}" if problem.severity == "warning" else text
        shown = [f"{where}: {what}", *_excerpt(self._lines[line - 1], column)]
        return "\n".join([*shown, *_advised(problem.hint)])


class Sources:
    """All texts that a scenario is made of: its file, the parts that it includes, and `--set` options.

    A place is one number for all of them, since every text begins behind the end of the one before.
    """

    def __init__(self) -> None:
        self._all: list[Source] = []
        self._bases: list[int] = []

    def add(self, name: str, text: str, *, option: bool = False) -> Source:
        """One text more."""
        base = self._all[-1].base + len(self._all[-1].text) + 2 if self._all else 0
        self._all.append(Source(name, text, base=base, option=option))
        self._bases.append(base)
        return self._all[-1]

    def of(self, at: int) -> Source:
        """The text that a place is in."""
        return self._all[bisect_right(self._bases, at) - 1]

    def named(self, at: int, beside: int) -> str:
        """The line of a place, as it is told at another one: `line 3`, or `common.yaml:3`."""
        source = self.of(at)
        if source.option:
            return f"{source.name}"
        line = source.place(at)[0]
        return f"line {line}" if self.of(beside) is source else f"{source.name}:{line}"

    def diagnostics(self, problems: Iterable[Problem]) -> list[Diagnostic]:
        """The problems with their places told, each once, in the order of their places."""
        ordered = dict.fromkeys(sorted(problems, key=lambda problem: problem.at))
        return [self.of(problem.at).told(problem) for problem in ordered]


def unread(name: str, text: str, hint: str) -> Diagnostic:
    """What is said of a file that there is no line of."""
    shown = "\n".join([f"{visible(name)}: {text}", *_advised(hint)])
    return Diagnostic(name, None, None, "error", text, hint, "file", shown)


def _advised(hint: str | None) -> list[str]:
    return wrap(hint or "", _HINT_WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def visible(text: str) -> str:
    """The text with a sign in place of what a terminal would act on."""
    return "".join(map(_visible, text))


def _excerpt(line: str, column: int) -> list[str]:
    """The line, cut around the column where it is long, and the caret's line."""
    first = max(0, column - 1 - _BEFORE) if len(line) > _WIDTH else 0
    before, after = visible(line[first : column - 1]), visible(line[column - 1 : first + _WIDTH])
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
