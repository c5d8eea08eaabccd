"""What `ackdrop probe` measured, on a terminal: a summary, and a small table for each case; or what changed since.

Three columns where the terminal is 64 columns wide or more, else one below the other. Imports rich.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ..probing.compare import Comparison
from ..probing.model import CaseResult, ProbeResult, Step, Verdict
from . import probe_words as words
from .page import Page, put
from .words import broker, broker_at, counted

_INDENT = 2
_ANSWER = 28
"""The width of the longest error that is usual here, OUT_OF_ORDER_SEQUENCE_NUMBER."""
_LOG = 17
_BETWEEN = 2
_LEAST = 64


def render(result: ProbeResult, console: Console) -> None:
    """Print the whole probe."""
    put(_Page(console).lines(result), console)


def render_comparison(comparison: Comparison, console: Console) -> None:
    """Print what changed from one probe to another."""
    put(_Page(console).changes(comparison), console)


class _Page(Page):
    def lines(self, result: ProbeResult) -> Iterator[Text]:
        """A probe."""
        yield from self.title(self.text("What a broker remembers of a producer", "bold"), self.text(result.at, "faint"))
        yield from self.hang("", self.text(broker(result.broker)))
        if spoken := words.versions(result):
            yield from self.hang("", self.text(f"spoken: {spoken}", "faint"))
        yield Text()
        for sentence in result.summary:
            yield from self.hang("", self.text(sentence))
        yield from self._columns("sent", "came back", "in the log since", "faint", before=bool(result.summary))
        for case in result.cases:
            if case.steps or case.state == "measured":
                yield from self._case(case)
        for why, cases in words.together(result.cases).items():
            yield Text()
            for case in cases:
                yield from self.hang("", self.text(case.title, "bold"))
            yield from self.hang("  ", self.text(why, "" if cases[0].state != "inconclusive" else "unsure"))
        yield Text()
        for note in result.notes:
            yield from self.hang("", self.text(note, "unsure"))
        yield from self.hang("", self.text(words.closing(result), "bold"))

    def changes(self, comparison: Comparison) -> Iterator[Text]:
        """What is not as it was."""
        before, now = comparison.before, comparison.now
        for label, probe in (("before", before), ("now", now)):
            yield from self.hang(f"{label:<8}", self.text(f"{broker_at(probe.broker)}, {probe.at}"))
        case = ""
        for change in comparison.changes:
            if change.case != case:
                yield Text()
                yield self.text(case := change.case, "bold")
            if change.step:
                yield from self.hang("  ", self.text(change.step))
            yield from self.hang("    before  ", self.text(change.was))
            yield from self.hang("    now     ", self.text(change.now, "unsure"))
        yield Text()
        for title, why in comparison.uncompared:
            yield from self.hang("", self.text(f"not compared: {title} ({why})", "faint"))
        changed = counted(len(comparison.changes), "change") if comparison.changes else "Nothing changed"
        yield from self.hang("", self.text(f"{changed}; {counted(comparison.alike, 'step')} as before.", "bold"))

    def _case(self, case: CaseResult) -> Iterator[Text]:
        yield Text()
        yield from self.hang("", self.text(case.title, "bold"))
        for step in case.steps:
            yield from self._step(step)
        if case.state != "measured":
            yield from self.hang("  ", self.text(words.state(case), "unsure" if case.state == "inconclusive" else ""))
        for verdict in case.promises:
            yield from self._promise(verdict)

    def _step(self, step: Step) -> Iterator[Text]:
        style = "" if step.answered else "unsure"
        yield from self._columns(step.what, words.came_back(step), words.in_the_log(step), style)

    def _columns(self, sent: str, answer: str, log: str, style: str = "", *, before: bool = False) -> Iterator[Text]:
        """One row. What does not fit goes on in the next line of its column."""
        if before:
            yield Text()
        if self.width < _LEAST:
            yield from self.hang("  ", self.text(sent))
            for told in filter(None, (answer, log)):
                yield from self.hang("    ", self.text(told, style))
            return
        wide = min(self.width, 110)
        widths = (wide - _INDENT - _ANSWER - _LOG - 2 * _BETWEEN, _ANSWER, _LOG)
        cells = (self.text(sent, "faint" if style == "faint" else ""), self.text(answer, style), self.text(log, style))
        columns = [cell.wrap(self.console, width) for cell, width in zip(cells, widths, strict=True)]
        for n in range(max(map(len, columns))):
            line = Text(" " * _INDENT)
            for column, width in zip(columns, widths, strict=True):
                part = column[n] if n < len(column) else Text()
                part.rstrip()
                line.append_text(part)
                line.append(" " * (width - part.cell_len + _BETWEEN))
            line.rstrip()
            yield line

    def _promise(self, verdict: Verdict) -> Iterator[Text]:
        if verdict.kept is False:
            yield from self.hang("  ", self.text(f"DIFFERS from {words.promised(verdict)}", "unsure"))
            for told in verdict.differs:
                yield from self.hang("    ", self.text(told, "unsure"))
        else:
            mark = self.text("✓" if verdict.kept else "·")
            yield from self.hang(Text.assemble("  ", mark, " "), self.text(words.promised(verdict), "faint"))
