"""The result on a terminal: the arms side by side, the story of each duplicate and each retry, the verdict.

Everything is laid out here line by line, from text that `clean` has made harmless and that rich never reads as markup.
It is meant to be read without colour and at 80 columns; 40 are enough. No line is longer than the console is wide.

Imports rich: import this module where it is used, not at the start of the command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..result import ArmResult, ExpectationResult, HeldTally, Repetition, RunResult, Verdict
from . import spreads
from .attempts import moments
from .baseline import is_known
from .clean import shortened
from .figures import Row, expectation, heading, rows
from .page import GAP, Page, put
from .story import Chapter, Story, chapters
from .verdicts import advice, reason, sentence
from .words import again, broker, origin

FILES = ("report.html", "report.json", "ledger.db", "events.jsonl", "capture.pcapng")
"""What a run's folder may hold, in the order in which a person wants it."""

_NARROWEST = 18
_GLUE = "\ue000"
"""A space that no line is broken at. rich breaks at the one that is meant for it."""
STYLES: dict[Verdict, str] = {
    "passed": "good.bold",
    "failed": "bad.bold",
    "inconclusive": "unsure.bold",
    "error": "bad.bold",
    "interrupted": "unsure.bold",
}
"""How a verdict looks, wherever it stands."""


def render(result: RunResult, console: Console, folder: Path | None, notes: Sequence[str] = ()) -> None:
    """Print the result. `folder` is the run's, its files already written; `notes` are said beside the verdict."""
    put(_Page(console).lines(result, folder, notes), console)


class _Page(Page):
    """Lays out a result for one console."""

    def lines(self, result: RunResult, folder: Path | None, notes: Sequence[str]) -> Iterator[Text]:
        """The whole report."""
        yield from self._header(result)
        if result.repeat is not None:
            yield from self._repetition(result.repeat, result.arms)
        elif result.arms:
            yield from self._comparison(result)
        yield from self._stories(result, folder)
        yield Text()
        yield from self._verdict(result, folder, notes)

    def _header(self, result: RunResult) -> Iterator[Text]:
        left, right = self.text(result.scenario.title, "bold"), self.text(origin(result), "faint")
        yield from self.title(left, right)
        yield from self.hang("", self.text(broker(result.broker)))

    def _comparison(self, result: RunResult) -> Iterator[Text]:
        """The figures of one run."""
        arms = result.arms
        expected = [[self._expectation(each, is_known(each, arm, result)) for each in arm.expectations] for arm in arms]
        yield from self._table([heading(arm) for arm in arms], rows(arms), expected)

    def _repetition(self, repeat: Repetition, arms: Sequence[ArmResult]) -> Iterator[Text]:
        """The figures of all runs; the run that is shown has its own in its own folder."""
        yield from self.hang("", self.text(f"{spreads.runs(repeat)} · {spreads.LEGEND}"))
        if repeat.arms:
            held = [[self._tally(tally) for tally in arm.expectations] for arm in repeat.arms]
            yield from self._table(spreads.headings(repeat, arms), spreads.rows(repeat), held)

    def _table(self, head: Sequence[str], table: Sequence[Row], expected: Sequence[Sequence[Text]]) -> Iterator[Text]:
        """A column for each arm; more than fit beside each other follow below each other."""
        label = max(cell_len(row.label) for row in table) + 2
        beside = max(1, (self.width - label) // (_NARROWEST + GAP))
        for start in range(0, len(head), beside):
            part = slice(start, start + beside)
            cells = [Row(row.label, row.cells[part]) for row in table]
            yield Text()
            yield from self._block(head[part], cells, expected[part], label)

    def _block(
        self, head: Sequence[str], table: Sequence[Row], expected: Sequence[Sequence[Text]], label: int
    ) -> Iterator[Text]:
        lines = [("", [self.text(name, "bold") for name in head])]
        lines.extend((row.label, [self.text(cell) for cell in row.cells]) for row in table)
        for n in range(max(map(len, expected))):
            cells = [column[n] if n < len(column) else Text() for column in expected]
            lines.append(("" if n else "expected", cells))
        room = (self.width - label) // len(head) - GAP
        columns = zip(*(cells for _, cells in lines), strict=True)
        widths = [min(room, max(text.cell_len for text in column)) for column in columns]
        for name, cells in lines:
            yield from self._across(name, label, cells, widths)

    def _expectation(self, result: ExpectationResult, known: bool) -> Text:
        style = "unsure" if known else {True: "good", False: "bad", None: "unsure"}[result.held]
        return self._marked(expectation(result, known), style)

    def _tally(self, result: HeldTally) -> Text:
        return self._marked(spreads.tally(result), {"✓": "good", "✗": "bad", "?": "unsure"}[spreads.mark(result)])

    def _marked(self, told: str, style: str) -> Text:
        """The mark behind an expectation in colour, and never alone on a line."""
        text = self.text(told)
        start = len(text) - len(text.plain.split(" ")[-1])
        text.plain = f"{text.plain[: start - 1]}{_GLUE}{text.plain[start:]}"
        text.stylize(style if style == "good" else f"{style}.bold", start)
        return text

    def _across(self, label: str, width: int, cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
        """One row; a cell that is too wide for its column goes on in the next line."""
        columns = [cell.wrap(self.console, max(width, 1)) for cell, width in zip(cells, widths, strict=True)]
        for n in range(max(len(column) for column in columns)):
            line = self.text(f"  {label}" if n == 0 else "")
            line.pad_right(width - line.cell_len)
            for column, room in zip(columns, widths, strict=True):
                part = column[n] if n < len(column) else Text()
                part.plain = part.plain.replace(_GLUE, " ")
                part.rstrip()
                line.append(" " * (GAP + room - part.cell_len))
                line.append_text(part)
            line.rstrip()
            yield line

    def _stories(self, result: RunResult, folder: Path | None) -> Iterator[Text]:
        told = [(self.text(shortened(arm.name, 16), "bold"), chapters(arm)) for arm in result.arms]
        column = max((name.cell_len for name, found in told if found), default=0) + 2
        if result.repeat is not None and any(found for _, found in told):
            yield Text()
            yield from self.hang("", self.text(f"Run {result.repeat.shown:,}", "bold"))
        for name, found in told:
            for n, chapter in enumerate(found):
                if not n:
                    yield Text()
                yield from self._chapter(chapter, name if not n else Text(), column, folder)

    def _chapter(self, chapter: Chapter, name: Text, column: int, folder: Path | None) -> Iterator[Text]:
        stories = chapter.stories
        for n, story in enumerate(stories):
            first = Text.assemble(name if not n else "", " " * (column - (name.cell_len if not n else 0)))
            yield from self.hang(first, self.text(story.head))
            yield from self._attempts(story, column)
            if story.why and (n + 1 == len(stories) or stories[n + 1].why != story.why):
                yield from self.hang(" " * (column + 2), self.text(story.why))
        if chapter.more:
            where = "see report.json" if folder is not None else "see them with --json"
            yield from self.hang(" " * column, self.text(f"and {chapter.more:,} more: {where}", "faint"))

    def _attempts(self, story: Story, column: int) -> Iterator[Text]:
        for told, moment in zip(story.attempts, moments(story.attempts), strict=True):
            yield from self.hang(" " * (column + 2) + moment, self._attempt(told.text))

    def _attempt(self, text: str) -> Text:
        line = self.text(text)
        line.highlight_regex(r"ack (dropped|withheld|delayed|never arrived)", "unsure")
        return line

    def _verdict(self, result: RunResult, folder: Path | None, notes: Sequence[str]) -> Iterator[Text]:
        word = self.text(result.verdict.upper(), STYLES[result.verdict])
        indent = " " * (word.cell_len + 2)
        yield from self.hang(Text.assemble(word, "  "), self.text(sentence(result)))
        for told in result.reasons:
            yield from self.hang(indent + "- ", self.text(reason(told)))
        for note in dict.fromkeys([*result.notes, *notes, *advice(result, folder is not None)]):
            yield from self.hang(indent, self.text(note, "faint"))
        if (command := again(result)) is not None:
            yield from self._command(Text.assemble(indent, self.text("again: ", "faint")), command)
        if folder is not None:
            yield from self._files(folder, indent)

    def _command(self, first: Text, command: str) -> Iterator[Text]:
        """As a shell takes it, also where it goes on in the next line."""
        lines, room = [""], self.width - first.cell_len - len(" \\")
        for word in map(shlex.quote, shlex.split(command)):
            told = self.text(word).plain
            if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(told) > room:
                lines.append("")
            lines[-1] += f"{' ' if lines[-1] else ''}{told}"
        for n, line in enumerate(lines):
            going_on = " \\" if n + 1 < len(lines) else ""
            yield from self.hang(first if not n else " " * first.cell_len, self.text(f"{line}{going_on}"))

    def _files(self, folder: Path, indent: str) -> Iterator[Text]:
        name = self.text(f"{near(folder)}/")
        files = self.text("  ".join(file for file in FILES if (folder / file).exists()))
        if len(indent) + name.cell_len + 2 + files.cell_len <= self.width:
            line = Text.assemble(indent, name, "  ", files)
            line.rstrip()
            yield line
        else:
            yield from self.hang(" " * min(len(indent), max(0, self.width - name.cell_len)), name)
            yield from self.hang(indent + "  ", files)


def near(folder: Path) -> Path:
    """The folder as seen from the working directory, where it lies below it."""
    here = Path.cwd()
    return folder.absolute().relative_to(here) if folder.absolute().is_relative_to(here) else folder
