"""What is kept of a run: its folder, what stands in it, when it began, and what runs it again.

`report.json` is there from the start, as that of a run that did not come to its end, and is written again after every
arm: whatever kills ackdrop, the folder tells of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..errors import SurroundingsError
from ..report import as_json, html
from ..report.finished import Finished
from ..result import EXIT_CODES, Reason, RunInfo, RunResult
from .reserve import Reserve

SCENARIO, REPORT = "scenario.yaml", "report.html"

UNFINISHED = "unfinished"
"""The code of the reason in a report whose run has not come to its end."""

_TEXT = (
    "The run did not come to its end: it still goes on, or ackdrop was killed. The figures are what was seen until "
    "then; see what its ledger has with `ackdrop report`, or run it again."
)


class Record:
    """One run's folder. `command` is what runs it again. The clock of its duration starts here."""

    def __init__(self, folder: Path, command: tuple[str, ...], run_id: str | None = None) -> None:
        self.folder = folder
        self._command = command
        self._run_id = run_id
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._took: float | None = None
        self._begun = False
        self._reserve = Reserve(folder)

    def scenario(self, content: bytes) -> None:
        """Keep the scenario's file. Raises SurroundingsError where it cannot be written."""
        _write(self.folder / SCENARIO, content)

    def revised(self, content: bytes, revision: int) -> None:
        """Keep the scenario's file once more, as it was changed while the run went on. Raises SurroundingsError."""
        _write(self.folder / f"scenario.{revision}.yaml", content)

    def going_on(self, result: RunResult) -> None:
        """Write what is known while the run still goes on. Raises SurroundingsError where not even the first of it can
        be written; later on, that is no reason to end a run."""
        unfinished = Reason(UNFINISHED, None, _TEXT)
        seen = [reason for reason in result.reasons if reason.code not in ("interrupted", "arm-not-run")]
        interrupted = dataclasses.replace(
            result,
            verdict="interrupted",
            exit_code=EXIT_CODES["interrupted"],
            reasons=[unfinished, *seen],
            run=self._info(None),
        )
        try:
            as_json.write(interrupted, self.folder / as_json.FILE)
        except SurroundingsError:
            if not self._begun:
                raise
        self._begun = True

    def finished(self, result: RunResult) -> Finished:
        """The run's end: its result with what is known of the run itself, written in every format that it keeps.

        A result that cannot be written is that of a run that failed for its surroundings; a page that cannot be is a
        note.
        """
        self._took = self._seconds()
        self._reserve.give_back()
        told = self.told(result)
        try:
            as_json.write(told, self.folder / as_json.FILE)
        except SurroundingsError as error:
            told = _broken(told, error)
        page = self.folder / REPORT
        try:
            _write(page, html.text([Finished(told, self.folder)]).encode())
        except SurroundingsError as error:
            with contextlib.suppress(OSError):
                page.unlink()  # half of it
            told = dataclasses.replace(told, notes=[*told.notes, f"{error.message}."])
        return Finished(told, self.folder)

    def told(self, result: RunResult) -> RunResult:
        """The result with what is known of the run itself; its time stands still once it has finished."""
        return dataclasses.replace(result, run=self._info(self._seconds() if self._took is None else self._took))

    def _seconds(self) -> float:
        return round(time.monotonic() - self._clock, 3)

    def _info(self, seconds: float | None) -> RunInfo:
        started = self._started.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return RunInfo(self._run_id, started, seconds, list(self._command), versions())


def versions() -> dict[str, str]:
    """The versions that a report or a bug is judged by."""
    return {
        "ackdrop": __version__,
        "python": platform.python_version(),
        "kafka-python": version("kafka-python"),
        "trio": version("trio"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _broken(result: RunResult, error: SurroundingsError) -> RunResult:
    """What was seen, of a run whose folder does not tell of it: nothing but this result does."""
    text = f"{error.message}. Make room on the disk, or name another folder with --out, and run again."
    reasons = [Reason("environment", None, text), *result.reasons]
    return dataclasses.replace(result, verdict="error", exit_code=EXIT_CODES["error"], reasons=reasons)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SurroundingsError(
            f"{path} could not be written: {error.strerror or error}", remedy="Name another folder with --out."
        ) from error
