"""The result on a terminal: the arms side by side, the story of each duplicate and each retry, the verdict.

Everything is laid out here line by line, from text that `clean` has made harmless and that rich never reads as markup.
It is meant to be read without colour and at 80 columns; 40 are enough. No line is longer than the console is wide.

Imports rich: import this module where it is used, not at the start of the command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..result import ArmResult, BrokerInfo, RunResult, Verdict
from .attempts import Told
from .clean import clean, shortened
from .figures import expectation, heading, rows
from .story import Chapter, Story, chapters
from .verdicts import advice, reason, sentence

FILES = ("report.html", "report.json", "ledger.db", "events.jsonl", "capture.pcapng")
"""What a run's folder may hold, in the order in which a person wants it."""

_HEADER_WIDTH = 100
_GAP = 3
_NARROWEST = 18
_LEAST = 20
_STYLES: dict[Verdict, str] = {
    "passed": "bold green",
    "failed": "bold red",
    "inconclusive": "bold yellow",
    "error": "bold red",
    "interrupted": "bold yellow",
}
_KINDS = {"redpanda": "Redpanda", "kafka": "Apache Kafka", "unknown": "A broker of unknown kind"}
_IN_ASCII = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "✓": "ok", "✗": "FAIL", "·": "-", "…": "..."})


def render(result: RunResult, console: Console, folder: Path | None, notes: Sequence[str] = ()) -> None:
    """Print the result. `folder` is the run's, its files already written; `notes` are said beside the verdict."""
    page = _Page(console)
    for line in page.lines(result, folder, notes):
        console.print(line, no_wrap=True, overflow="crop", crop=True)


class _Page:
    """Lays out lines for one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = console.width
        self._ascii = console.options.ascii_only

    def lines(self, result: RunResult, folder: Path | None, notes: Sequence[str]) -> Iterator[Text]:
        """The whole report."""
        yield from self._header(result)
        if result.arms:
            yield from self._comparison(result.arms)
        yield from self._stories(result.arms, folder)
        yield Text()
        yield from self._verdict(result, folder, notes)

    def _text(self, text: str, style: str = "") -> Text:
        """The only way from a string to the console."""
        return Text(clean(text.translate(_IN_ASCII) if self._ascii else text, ascii_only=self._ascii), style=style)

    def _header(self, result: RunResult) -> Iterator[Text]:
        left, right = self._text(result.scenario.title, "bold"), self._text(_origin(result), "dim")
        room = min(self._width, _HEADER_WIDTH) - left.cell_len - right.cell_len
        if room >= _GAP:
            yield Text.assemble(left, " " * room, right)
        else:
            yield from self._hang("", left)
            yield from self._hang("", right)
        yield from self._hang("", self._text(_broker(result.broker)))

    def _comparison(self, arms: Sequence[ArmResult]) -> Iterator[Text]:
        """The figures; more arms than fit beside each other follow below each other."""
        label = max(cell_len(row.label) for row in rows(arms)) + 2
        beside = max(1, (self._width - label) // (_NARROWEST + _GAP))
        for start in range(0, len(arms), beside):
            yield Text()
            yield from self._block(arms[start : start + beside], label)

    def _block(self, arms: Sequence[ArmResult], label: int) -> Iterator[Text]:
        head = [self._text(heading(arm), "bold") for arm in arms]
        table = [(row.label, [self._text(cell) for cell in row.cells]) for row in rows(arms)]
        expected = list(self._expected(arms))
        room = (self._width - label) // len(arms) - _GAP
        widths = [
            min(room, max(text.cell_len for text in column))
            for column in zip(head, *(cells for _, cells in [*table, *expected]), strict=True)
        ]
        for name, cells in [("", head), *table, *expected]:
            yield from self._across(name, label, cells, widths)

    def _expected(self, arms: Sequence[ArmResult]) -> Iterator[tuple[str, list[Text]]]:
        most = max(len(arm.expectations) for arm in arms)
        for n in range(most):
            cells = [self._expectation(arm, n) for arm in arms]
            yield "" if n else "expected", cells

    def _expectation(self, arm: ArmResult, n: int) -> Text:
        if n >= len(arm.expectations):
            return Text()
        result = arm.expectations[n]
        style = {True: "green", False: "red", None: "yellow"}[result.held]
        text = self._text(expectation(result))
        start = len(text) - len(text.plain.split(" ")[-1])
        text.stylize(style if result.held else f"bold {style}", start)
        return text

    def _across(self, label: str, width: int, cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
        """One row; a cell that is too wide for its column goes on in the next line."""
        columns = [cell.wrap(self._console, max(width, 1)) for cell, width in zip(cells, widths, strict=True)]
        for n in range(max(len(column) for column in columns)):
            line = self._text(f"  {label}" if n == 0 else "")
            line.pad_right(width - line.cell_len)
            for column, room in zip(columns, widths, strict=True):
                part = column[n] if n < len(column) else Text()
                part.rstrip()
                line.append(" " * (_GAP + room - part.cell_len))
                line.append_text(part)
            line.rstrip()
            yield line

    def _stories(self, arms: Sequence[ArmResult], folder: Path | None) -> Iterator[Text]:
        told = [(self._text(shortened(arm.name, 16), "bold"), chapters(arm)) for arm in arms]
        column = max((name.cell_len for name, found in told if found), default=0) + 2
        for name, found in told:
            for n, chapter in enumerate(found):
                if not n:
                    yield Text()
                yield from self._chapter(chapter, name if not n else Text(), column, folder)

    def _chapter(self, chapter: Chapter, name: Text, column: int, folder: Path | None) -> Iterator[Text]:
        stories = chapter.stories
        for n, story in enumerate(stories):
            first = Text.assemble(name if not n else "", " " * (column - (name.cell_len if not n else 0)))
            yield from self._hang(first, self._text(story.head))
            yield from self._attempts(story, column)
            if story.why and (n + 1 == len(stories) or stories[n + 1].why != story.why):
                yield from self._hang(" " * (column + 2), self._text(story.why))
        if chapter.more:
            where = "see report.json" if folder is not None else "see them with --json"
            yield from self._hang(" " * column, self._text(f"and {chapter.more:,} more: {where}", "dim"))

    def _attempts(self, story: Story, column: int) -> Iterator[Text]:
        moments = _moments(story.attempts)
        for told, moment in zip(story.attempts, moments, strict=True):
            yield from self._hang(" " * (column + 2) + moment, self._attempt(told.text))

    def _attempt(self, text: str) -> Text:
        line = self._text(text)
        line.highlight_regex(r"ack (dropped|withheld|delayed|never arrived)", "yellow")
        return line

    def _verdict(self, result: RunResult, folder: Path | None, notes: Sequence[str]) -> Iterator[Text]:
        word = self._text(result.verdict.upper(), _STYLES[result.verdict])
        indent = " " * (word.cell_len + 2)
        yield from self._hang(Text.assemble(word, "  "), self._text(sentence(result)))
        for told in result.reasons:
            yield from self._hang(indent + "- ", self._text(reason(told)))
        for note in [*notes, *advice(result, folder is not None)]:
            yield from self._hang(indent, self._text(note, "dim"))
        if folder is not None:
            yield from self._files(folder, indent)

    def _files(self, folder: Path, indent: str) -> Iterator[Text]:
        name = self._text(f"{_near(folder)}/")
        files = self._text("  ".join(file for file in FILES if (folder / file).exists()))
        if len(indent) + name.cell_len + 2 + files.cell_len <= self._width:
            line = Text.assemble(indent, name, "  ", files)
            line.rstrip()
            yield line
        else:
            yield from self._hang(indent, name)
            yield from self._hang(indent + "  ", files)

    def _hang(self, first: Text | str, body: Text) -> Iterator[Text]:
        """The body after `first`, wrapped; what goes on in the next lines stands below the body's beginning."""
        first = Text(first) if isinstance(first, str) else first
        if self._width - first.cell_len < _LEAST and first.plain.strip():
            first.rstrip()
            yield first
            first = Text(" " * (self._width // 8))
        for n, part in enumerate(body.wrap(self._console, max(self._width - first.cell_len, _LEAST))):
            line = Text.assemble(first if n == 0 else " " * first.cell_len, part)
            line.rstrip()
            yield line


def _moments(attempts: Sequence[Told]) -> list[str]:
    """`0.857 s  connection 2  `, equally wide for all attempts of a story; blank for a gap between them."""
    times = ["" if told.at is None else f"{told.at:.3f} s" for told in attempts]
    links = ["" if told.connection is None else f"connection {told.connection}" for told in attempts]
    wide, long = max(map(len, times), default=0), max(map(len, links), default=0)
    return [f"{time:>{wide}}  {link:<{long}}  " for time, link in zip(times, links, strict=True)]


def _origin(result: RunResult) -> str:
    """`lost-ack · seed 7 · kafka-python 3.0.12`"""
    scenario = result.scenario
    names = [Path(scenario.file).stem] if scenario.file else []
    clients = dict.fromkeys(f"{arm.producer.client} {arm.producer.version or ''}".strip() for arm in result.arms)
    known = [shortened(client, 40) for client in clients if client]
    return " · ".join([*names, f"seed {scenario.seed}", *known])


def _broker(broker: BrokerInfo | None) -> str:
    """`Redpanda 22.3.25 at 127.0.0.1:9092 (found)`"""
    if broker is None:
        return "no broker"
    version = f" {broker.version}" if broker.version else ""
    return f"{_KINDS[broker.kind]}{version} at {broker.bootstrap} ({broker.source})"


def _near(folder: Path) -> Path:
    """The folder as seen from the working directory, where it lies below it."""
    here = Path.cwd()
    return folder.absolute().relative_to(here) if folder.absolute().is_relative_to(here) else folder
