"""Findings as the page shows them: the first of each kind with a diagram, the rest as lines of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...result import ArmResult, Finding, FindingKind
from ..attempts import Told
from ..clean import shortened
from ..figures import heading
from ..story import KINDS, Story, chapters
from ..words import counted, listed
from . import attempts
from .sequence import diagram
from .tables import Cell, Column, Line, Table
from .wires import Wires

DRAWN = 40
"""How many findings of one kind and arm have a diagram."""

OPEN = 3
"""How many of them are open at first."""

LISTED = 1_000
"""How many of the others the table lists."""

WORDS: dict[FindingKind, str] = {
    "duplicate": "duplicate",
    "deduplicated": "deduplicated",
    "lost": "lost",
    "out_of_order": "out of order",
    "unacked_present": "in the log, not acked",
    "phantom": "never sent",
    "offset_mismatch": "at another offset",
}

_COLUMNS = (
    Column("kind"),
    Column("arm"),
    Column("record and places", wraps=True),
    Column("cause"),
    Column("fault"),
    Column("attempts", True),
    Column("what was seen of them", wraps=True),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding. `words` tell the attempts; `diagram` and `table` are None where no attempt was seen."""

    name: str
    kind: str
    cause: str
    arm: str
    column: str
    head: str
    why: str
    fault: str
    words: list[Told]
    diagram: Markup | None
    table: Table | None
    open: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """All of a run. `kinds`, `causes` and `arms` are what can be chosen from, values and words. `rest` is None where
    all are shown."""

    summary: str
    shown: list[Shown]
    rest: Table | None
    note: str
    total: int
    kinds: list[tuple[str, str]]
    causes: list[tuple[str, str]]
    arms: list[tuple[str, str]]


def findings(arms: Sequence[ArmResult], wires: Wires, name: str) -> Findings:
    """The findings of all arms, by arm and kind. `name` begins every id in the page."""
    shown: list[Shown] = []
    rest: list[Line] = []
    for place, arm in enumerate(arms, 1):
        held = wires.held(arm.name)
        for chapter in chapters(arm, len(arm.findings)):
            of_kind = [finding for finding in arm.findings if finding.kind == chapter.kind]
            for n, (finding, story) in enumerate(zip(of_kind, chapter.stories, strict=True)):
                if n < DRAWN:
                    label = f"{name}-a{place}-{chapter.kind}-{n + 1}"
                    shown.append(_shown(arm, finding, story, label, held, open=n < OPEN))
                else:
                    rest.append(_line(arm, finding, story))
    return _together(arms, shown, rest, name)


def _together(arms: Sequence[ArmResult], shown: list[Shown], rest: list[Line], name: str) -> Findings:
    found = [finding for arm in arms for finding in arm.findings]
    by_kind = Counter(finding.kind for finding in found)
    kinds = [kind for kind in KINDS if by_kind[kind]]
    return Findings(
        summary=listed([_counted(by_kind[kind], kind) for kind in kinds], len(KINDS)) if kinds else "",
        shown=shown,
        rest=_table(rest, name) if rest else None,
        note=_note(len(rest)) if rest else "",
        total=len(shown) + min(len(rest), LISTED),
        kinds=[(kind, WORDS[kind]) for kind in kinds],
        causes=sorted({(finding.cause, finding.cause) for finding in found if finding.cause is not None}),
        arms=[(arm.name, heading(arm)) for arm in arms if arm.findings],
    )


def _counted(count: int, kind: FindingKind) -> str:
    return counted(count, "duplicate") if kind == "duplicate" else f"{count:,} {WORDS[kind]}"


def _shown(arm: ArmResult, finding: Finding, story: Story, label: str, held: frozenset[int], *, open: bool) -> Shown:
    seen = bool(finding.attempts)
    return Shown(
        name=label,
        kind=finding.kind,
        cause=finding.cause or "",
        arm=arm.name,
        column=heading(arm),
        head=story.head,
        why=story.why,
        fault=_untold(finding.fault, story),
        words=story.attempts,
        diagram=diagram(finding, story.head, label=label, held=held) if seen else None,
        table=attempts.of_chain(finding.attempts, f"{label}-attempts") if seen else None,
        open=open,
    )


def _untold(fault: str | None, story: Story) -> str:
    """The fault, where the words on the attempts do not name it."""
    return "" if fault is None or any(shortened(fault) in told.text for told in story.attempts) else fault


def _line(arm: ArmResult, finding: Finding, story: Story) -> Line:
    told = "; ".join(words.text for words in story.attempts)
    cells = [
        Cell(WORDS[finding.kind]),
        Cell(shortened(arm.name, 24)),
        Cell(story.head),
        Cell(finding.cause or ""),
        Cell(shortened(finding.fault or "")),
        Cell(str(len(finding.attempts))),
        Cell(shortened(told, 300)),
    ]
    return Line(cells, {"kind": finding.kind, "cause": finding.cause or "", "arm": arm.name})


def _table(rest: list[Line], name: str) -> Table:
    note = ""
    if len(rest) > LISTED:
        note = f"{len(rest) - LISTED:,} more are in report.json."
    return Table(f"{name}-more", "Findings without a diagram", _COLUMNS, rest[:LISTED], note)


def _note(left: int) -> str:
    return (
        f"The first {DRAWN} of a kind in each arm are drawn; {counted(left, 'more finding')} in the table below them."
    )
