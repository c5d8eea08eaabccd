"""What a run says to a person and to files: progress on standard error, the report on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SurroundingsError, UsageError
from .failing import tell

if TYPE_CHECKING:
    from ..experiment.session import Told
    from ..result import RunResult


class Output:
    """How the command line's report options are carried out.

    Standard output holds the report and nothing else; when `--json -` asks for JSON there, the table is left out.
    Raises UsageError for a JSON file that cannot be written, before anything is run.
    """

    def __init__(self, *, json_file: str | None, quiet: bool, verbose: bool, no_color: bool) -> None:
        from rich.console import Console

        self._json_file = json_file
        self._verbose = verbose and not quiet
        self._quiet = quiet
        self._table = not quiet and json_file != "-"
        self._shown = 0
        self._out = Console(no_color=no_color or None, highlight=False)
        self._err = Console(stderr=True, no_color=no_color or None, highlight=False)
        if json_file not in (None, "-"):
            _check_writable(Path(str(json_file)))

    def told(self) -> Told:
        """The voice of a run, for as long as it lasts."""
        from ..experiment.session import Told
        from ..report.progress import Progress

        progress = Progress(console=self._err, quiet=self._quiet)
        return Told(progress, self._say, self._say_verbose, self._show, tell)

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._err.print(line, markup=False, soft_wrap=True)

    def _say_verbose(self, line: str) -> None:
        if self._verbose:
            self._err.print(line, markup=False, soft_wrap=True, style="dim")

    def _show(self, result: RunResult, folder: Path, notes: Sequence[str] = ()) -> None:
        from ..report.terminal import render

        if not self._table:
            return
        with self._out.capture() as report:
            if self._shown:
                self._out.print()
            render(result, self._out, folder, notes)
        self._shown += 1
        _write(report.get())

    def finish(self, told: Told) -> None:
        """Write what files were asked for. Several scenarios make a JSON array, one makes the result itself.

        Raises SurroundingsError where the file cannot be written after all.
        """
        from ..report import as_json

        if self._json_file is None or not told.results:
            return
        texts = [as_json.text(result).strip() for result in told.results]
        text = (texts[0] if len(texts) == 1 else "[\n" + ",\n".join(texts) + "\n]") + "\n"
        if self._json_file == "-":
            _write(text)
            return
        try:
            Path(self._json_file).write_text(text, encoding="ascii")
        except OSError as error:
            raise SurroundingsError(
                f"cannot write {self._json_file}: {error.strerror or error}",
                remedy="each run's folder has the same as report.json",
            ) from error


def _write(text: str) -> None:
    """Text to standard output. A reader who has seen enough (`| head`) does not change how the run ends."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_writable(path: Path) -> None:
    """Refuse before anything is run, not after it. Nothing is left of the attempt."""
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # a pipe or a device: opening it may wait for its reader
    new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="ascii"):
            pass
        if new:
            path.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}", remedy="name another file") from error
