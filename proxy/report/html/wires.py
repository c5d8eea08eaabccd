"""What a run's ledger has of the wire, for the timeline and the table of attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import AckdropError
from ...kafka.codes import error_name
from ...ledger import Ledger
from ...observations import ArmWire, AttemptStory
from ...result import RunResult
from ..figures import was_watched
from ..finished import Finished


@dataclass(frozen=True, slots=True)
class Wires:
    """The wire of each arm by name. `absent` says why there is none, None where there is one."""

    arms: Mapping[str, ArmWire]
    absent: str | None

    def held(self, arm: str) -> frozenset[int]:
        """The numbers of the arm's attempts that never went on to the broker."""
        wire = self.arms.get(arm)
        if wire is None:
            return frozenset()
        return frozenset(story.attempt.number for story in wire.attempts if not story.forwarded)


def wires(run: Finished) -> Wires:
    """The ledger's view of the run's arms. Never raises: a report can be drawn without it."""
    if run.result.arms and not any(map(was_watched, run.result.arms)):
        return Wires({}, "Nobody watched the wire: the log was verified alone.")
    if run.folder is None:
        return Wires({}, "The run left no folder, so only its result is known.")
    folder = _with_ledger(run.folder, run.result)
    if folder is None:
        return Wires({}, "There is no ledger.db in the run's folder any more.")
    try:
        ledger = Ledger.open(folder)
        known = set(ledger.arms())
        return Wires({arm.name: ledger.wire(arm.name) for arm in run.result.arms if arm.name in known}, None)
    except (AckdropError, sqlite3.Error, OSError) as error:
        return Wires({}, f"The run's ledger.db could not be read: {error}.")


def folders(run: Finished) -> Iterator[Path]:
    """Where a file of the run may lie: its folder; of several runs also the folder of the one that is shown."""
    if run.folder is None:
        return
    yield run.folder
    repeat = run.result.repeat
    if repeat is not None and 0 < repeat.shown <= len(repeat.folders):
        name = repeat.folders[repeat.shown - 1]
        if name not in ("", ".", "..") and Path(name).name == name:
            yield run.folder / name


def seen(story: AttemptStory) -> str:
    """What the client saw of the answer: `success`, an error's name, or nothing."""
    if story.seen_error is None:
        return "nothing"
    return "success" if story.seen_error == 0 else error_name(story.seen_error)


def answer(story: AttemptStory) -> str:
    """The broker's answer: an offset, an error's name, or that there was none."""
    if story.answered_at is None and story.error is None:
        return "not asked" if story.attempt.acks == 0 else "none"
    if story.error:
        return error_name(story.error)
    known = story.base_offset is not None and story.base_offset >= 0
    return f"offset {story.base_offset}" if known else "no offset"


def eventful(story: AttemptStory) -> bool:
    """Whether there is more to tell of the attempt than that it was sent, appended and acked."""
    attempt = story.attempt
    unheard = story.ack != "delivered" and attempt.acks != 0
    again = attempt.retry_of is not None or attempt.injected or attempt.ambiguous
    return bool(again or unheard or story.error or story.seen_error or story.faults or not story.forwarded)


def _with_ledger(folder: Path, result: RunResult) -> Path | None:
    return next((place for place in folders(Finished(result, folder)) if (place / "ledger.db").is_file()), None)
