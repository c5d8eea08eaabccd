"""What `ackdrop probe` measured as Markdown: the sentences, one table of all steps, and what is not as documented."""

from __future__ import annotations

from collections.abc import Iterator

from ..probing.model import CaseResult, ProbeResult
from . import probe_words as words
from .markdown_text import inline
from .words import broker_at


def text(result: ProbeResult) -> str:
    """The whole probe, with a line break at the end."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: ProbeResult) -> Iterator[str]:
    yield f"## What a broker remembers of a producer: {inline(broker_at(result.broker))}"
    yield ""
    yield from (f"- {inline(sentence)}" for sentence in result.summary)
    yield ""
    yield from table(result)
    yield ""
    for case in words.differing(result):
        yield from _differing(case)
    yield from (inline(note) + "\n" for note in result.notes)
    yield f"**{inline(words.closing(result))}** {inline(result.at)}, {inline(words.versions(result))}"


def table(result: ProbeResult) -> Iterator[str]:
    """A row for each step, and for each case that was not measured."""
    yield "| case | sent | came back | in the log since: offsets (sequences) |"
    yield "|---|---|---|---|"
    for case in result.cases:
        title = inline(case.title)
        for step in case.steps:
            yield _row(title, inline(step.what), words.came_back(step), words.in_the_log(step))
            title = ""
        if case.state != "measured":
            yield _row(title, inline(words.state(case)), "", "")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _differing(case: CaseResult) -> Iterator[str]:
    for verdict in case.promises:
        if verdict.kept is False:
            yield f"**{inline(case.title)}: differs** from {inline(words.promised(verdict))}"
            yield from (f"- {inline(told)}" for told in verdict.differs)
            yield ""
