"""Markdown for the summary of a CI job (`$GITHUB_STEP_SUMMARY`): the verdict first, the evidence folded away.

GitHub refuses a summary of more than 1 MiB, so findings are told until there is no room for more; what is left out is
counted. Everything that came from outside goes through `markdown_text.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..result import ArmResult, RunResult
from . import plain, spreads
from .baseline import is_known
from .clean import clean, shortened
from .combinations import Table, tables
from .figures import Row, expectation, heading, rows
from .finished import Finished
from .markdown_text import block, in_html, inline
from .story import Chapter, chapters
from .verdicts import advice, reason, sentence
from .words import again, broker, counted, origin

LIMIT = 1_000_000
"""Bytes of UTF-8, of GitHub's 1,048,576."""

_CHAINS = 100
_REASONS = 50
_LONGEST = 1_000
_RESERVE = 500
_MARKS = {"passed": "✓", "failed": "✗", "inconclusive": "?", "error": "✗", "interrupted": "?"}
_KINDS = {
    "duplicate": ("duplicate", "duplicates"),
    "deduplicated": ("retry that left no second copy", "retries that left no second copy"),
    "lost": ("lost record", "lost records"),
    "out_of_order": ("record out of order", "records out of order"),
    "unacked_present": ("record in the log that was not acked", "records in the log that were not acked"),
    "phantom": ("record that was never sent", "records that were never sent"),
    "offset_mismatch": ("record at another offset", "records at another offset"),
}


def text(runs: Sequence[Finished]) -> str:
    """All runs, below GitHub's limit whatever they hold."""
    heads, feet = [_joined(_head(run)) for run in runs], [_joined(_foot(run)) for run in runs]
    fit = _how_many(heads, feet)
    parts = [_overview(runs), *map(_combinations, tables(runs))] if len(runs) > 1 else []
    room = LIMIT - _RESERVE - sum(map(_size, parts + heads[:fit] + feet[:fit]))
    for n in range(fit):
        findings = _joined(_findings(runs[n].result, room // (fit - n)))
        room -= _size(findings)
        parts += [heads[n], findings, feet[n]]
    if fit < len(runs):
        parts.append(f"{counted(len(runs) - fit, 'more run')}: there is no room for more here. See report.json.")
    return "\n\n".join(filter(None, parts)) + "\n"


def _how_many(heads: Sequence[str], feet: Sequence[str]) -> int:
    """Of how many runs there is room for all but the findings."""
    used = _RESERVE
    for n, (head, foot) in enumerate(zip(heads, feet, strict=True)):
        used += _size(head) + _size(foot)
        if used > LIMIT:
            return n
    return len(heads)


def _joined(parts: Iterator[str]) -> str:
    return "\n\n".join(parts)


def _size(part: str) -> int:
    """What it takes, with the empty line below it."""
    return len(part.encode()) + 2


def _overview(runs: Sequence[Finished]) -> str:
    return f"**{len(runs):,} results: {spreads.verdicts(Counter(run.result.verdict for run in runs))}**"


def _combinations(table: Table) -> str:
    """The results of a matrix, side by side."""
    lines = [table.heads, ["---"] * len(table.heads), *table.rows]
    told = [f"| {' | '.join(cells if n == 1 else map(_short, cells))} |" for n, cells in enumerate(lines)]
    return "\n".join([f"{_short(table.title)}:", "", *told])


def _head(run: Finished) -> Iterator[str]:
    result = run.result
    title = _short(result.scenario.title, 200)
    yield f"## {_MARKS[result.verdict]} {result.verdict.upper()}: {title}"
    yield _short(sentence(result))
    if result.reasons:
        told = [f"- {_short(reason(found))}" for found in result.reasons[:_REASONS]]
        left = len(result.reasons) - _REASONS
        yield "\n".join([*told, f"- and {left:,} more"] if left > 0 else told)
    yield from _comparison(result)
    notes = dict.fromkeys([*result.notes, *advice(result, run.folder is not None)])
    if notes:
        yield "\n".join(f"- {_short(note)}" for note in list(notes)[:_REASONS])


def _comparison(result: RunResult) -> Iterator[str]:
    if result.repeat is not None:
        yield f"{inline(spreads.runs(result.repeat))} · {spreads.LEGEND}"
        tallies = [[spreads.tally(tally) for tally in arm.expectations] for arm in result.repeat.arms]
        if result.repeat.arms:
            yield _table(spreads.headings(result.repeat, result.arms), spreads.rows(result.repeat), tallies)
    elif result.arms:
        held = [[expectation(found, is_known(found, arm, result)) for found in arm.expectations] for arm in result.arms]
        yield _table([heading(arm) for arm in result.arms], rows(result.arms), held)


def _table(head: Sequence[str], table: Sequence[Row], expected: Sequence[Sequence[str]]) -> str:
    """The arms as columns; an expectation in each of the last rows."""
    lines = [_line("", head), f"|---|{'---:|' * len(head)}"]
    lines += [_line(row.label, row.cells) for row in table]
    for n in range(max(map(len, expected))):
        cells = [column[n] if n < len(column) else "" for column in expected]
        lines.append(_line("" if n else "expected", cells))
    return "\n".join(lines)


def _line(label: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([label, *(_short(cell, 200) for cell in cells)])} |"


def _findings(result: RunResult, room: int) -> Iterator[str]:
    """A fold for each kind in each arm, with as many stories as there is room for, in a block of code."""
    if result.repeat is not None and any(arm.findings for arm in result.arms):
        told = f"Findings of run {result.repeat.shown:,}:"
        room -= _size(told)
        yield told
    for arm in result.arms:
        for chapter in chapters(arm, _CHAINS):
            fold = _fold(arm, chapter, room)
            room -= _size(fold)
            if room > 0:
                yield fold


def _fold(arm: ArmResult, chapter: Chapter, room: int) -> str:
    count = len(chapter.stories) + chapter.more
    what = counted(count, *_KINDS[chapter.kind])
    summary = f"<summary>{in_html(shortened(clean(arm.name), 100))}: {what}</summary>"
    lines: list[str] = []
    room -= _size(summary) + _RESERVE
    for n, story in enumerate(chapter.stories):
        following = chapter.stories[n + 1].why if n + 1 < len(chapter.stories) else ""
        told = list(plain.story(story, why=story.why != following))
        room -= sum(map(_size, told))
        if room < 0:
            chapter = Chapter(chapter.kind, chapter.stories[:n], count - n)
            break
        lines += told
    if chapter.more:
        lines.append(f"and {chapter.more:,} more: see report.json")
    return f"<details>\n{summary}\n\n{block(lines)}\n\n</details>"


def _foot(run: Finished) -> Iterator[str]:
    result = run.result
    told = [origin(result), broker(result.broker)]
    if result.run is not None:
        told += [f"{name} {version}" for name, version in list(result.run.versions.items())[:20]]
    yield " · ".join(_short(part, 200) for part in told if part)
    if run.folder is not None:
        yield f"Folder: {_short(str(run.folder))}"
    if (command := again(result)) is not None:
        yield f"Again:\n\n{block([clean(shortened(command, _LONGEST))])}"


def _short(text: str, limit: int = _LONGEST) -> str:
    return inline(shortened(clean(text), limit))
