"""What a code host shows beside a line of the scenario: one note for each case that is red, with its place.

A note is an error only where the verdict is one. While a verdict is open all are warnings, also an expectation that did
not hold: nothing was proved. A run that passed has one note, and where no fault fired in it that is a warning, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import AckdropError
from ..result import RunResult
from ..scenario.places import Places, Spot
from ..scenario.problems import Diagnostic, Refusal
from .clean import clean, shortened
from .codes import ABOUT_EXPECTATIONS
from .figures import was_watched
from .finished import Finished
from .junit_cases import RUN, Case, cases
from .verdicts import sentence
from .words import called, counted

Level = Literal["error", "warning", "notice"]
ORDER: tuple[Level, ...] = ("error", "warning", "notice")

NOTHING_INJECTED = "nothing-injected"
PASSED = "passed"

_LINES = 20
_LONGEST = 500
_ABOUT_PRODUCERS = ("producer-died", "producer-not-started")
_ABOUT_ALL_FAULTS = ("no-lost-ack", "no-retry", "retry-refused", NOTHING_INJECTED)


@dataclass(frozen=True, slots=True)
class Note:
    """`title` may be empty; `lines` are its text, harmless already. `code` says what kind it is, and is stable, as is
    `key`, which no other note of the same runs has. `spot`: where it belongs, None where that is in no file."""

    level: Level
    title: str
    lines: tuple[str, ...]
    code: str
    key: str
    spot: Spot | None


def notes(runs: Sequence[Finished]) -> list[Note]:
    """The notes of all runs, the worst first."""
    found: list[Note] = []
    taken: dict[str, int] = {}
    for run in runs:
        for note in _of(run.result):
            taken[note.key] = taken.get(note.key, 0) + 1
            found.append(note if taken[note.key] == 1 else replace(note, key=f"{note.key} {taken[note.key]}"))
    return sorted(found, key=lambda note: ORDER.index(note.level))


def of_error(error: AckdropError) -> list[Note]:
    """What kept a command from running anything: of a scenario each of its errors, with its place."""
    if isinstance(error, Refusal):
        return [of_diagnostic(diagnostic) for diagnostic in error.diagnostics]
    lines = [*error.message.splitlines(), *([f"try: {error.remedy}"] if error.remedy else [])]
    return [Note("error", "ackdrop", _told(lines), "not-run", "not-run", None)]


def of_diagnostic(found: Diagnostic) -> Note:
    """An error or a warning of a scenario; an option is in no file."""
    spot = None if found.option else Spot(found.file, found.line, found.column)
    text = f"{found.file}: {found.text}" if found.option else found.text
    key = f"{found.code} {found.text}"
    return Note(found.severity, "", _told([text, *(found.hint or "").splitlines()]), found.code, key, spot)


def _of(result: RunResult) -> Iterator[Note]:
    places = None if result.scenario.file is None else Places(result.scenario.file)
    name = called(result)
    if result.verdict == "passed":
        yield _passed(result, name, places)
        return
    for case in cases(result):
        if case.outcome in ("failure", "error"):
            where = name if case.group == RUN else f"{name}, {clean(case.group)}"
            title = f"{result.verdict.upper()} {where}: {clean(case.name)}"
            key = f"{name} {case.group} {case.name}"
            spot = None if places is None else _spot(places, case, result)
            yield Note(_level(case, result), shortened(title, 200), _text(case), case.type, key, spot)


def _passed(result: RunResult, name: str, places: Places | None) -> Note:
    spot = None if places is None else places.of("title")
    fired = sum(fault.fired for arm in result.arms for fault in arm.wire.faults)
    if fired or not any(was_watched(arm) for arm in result.arms):
        told = [sentence(result), *([f"{counted(fired, 'fault')} injected."] if fired else [])]
        return Note("notice", f"PASSED {name}", _told(told), PASSED, f"{name} {PASSED}", spot)
    lines = ["No fault was injected, so nothing was put to the test by ackdrop.", sentence(result)]
    spot = None if places is None else places.of("faults")
    key = f"{name} {NOTHING_INJECTED}"
    return Note("warning", f"NOTHING INJECTED {name}", _told(lines), NOTHING_INJECTED, key, spot)


def _level(case: Case, result: RunResult) -> Level:
    """Red is what the verdict rests on."""
    if result.verdict == "failed":
        return "error" if case.outcome == "failure" else "warning"
    return "error" if result.verdict == "error" else "warning"


def _spot(places: Places, case: Case, result: RunResult) -> Spot | None:
    if case.type in ABOUT_EXPECTATIONS and case.name != case.type:
        return places.of("expect", case.group, case.name.partition(" ")[0])
    for arm in result.arms:
        for number, fault in enumerate(arm.wire.faults):
            if case.group in (arm.name, RUN) and f'"{fault.name}"' in case.message:
                return places.of_fault(fault.name, number)
    if case.type in _ABOUT_PRODUCERS:
        return places.of("workload", "producer")
    if case.group == RUN:
        return places.of("faults" if case.type in _ABOUT_ALL_FAULTS else "title")
    return places.of("faults") if case.type in _ABOUT_ALL_FAULTS else places.of("expect", case.group)


def _text(case: Case) -> tuple[str, ...]:
    return _told([case.message, *case.lines])


def _told(lines: Sequence[str]) -> tuple[str, ...]:
    left = len(lines) - _LINES
    kept = [shortened(clean(line), _LONGEST) for line in lines[:_LINES] if line.strip()]
    return tuple([*kept, f"and {counted(left, 'more line')}: see the report"] if left > 0 else kept)


def in_repository(file: str, root: str | None) -> str | None:
    """The file as the code host knows it, from the repository's folder down; None where it lies outside. `root` None:
    the working folder."""
    path, folder = Path(file).absolute(), Path(root or ".").absolute()
    for one, within in ((path, folder), (path.resolve(), folder.resolve())):
        if one.is_relative_to(within) and ".." not in one.parts:
            return one.relative_to(within).as_posix()
    return None
