"""What a run says to a person and to files: progress on standard error, the report on standard output."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from ..errors import SurroundingsError, UsageError
from ..report.folding import folded, is_terminal
from .failing import tell
from .streams import writing

if TYPE_CHECKING:
    from rich.console import Console

    from ..experiment.told import Told
    from ..report.finished import Finished
    from ..report.live.desk import Form, Live
    from .options import Wanted


class Output:
    """How the command line's report options are carried out.

    Standard output holds the report and nothing else; where a format is asked for there (`-`), the table is left out.
    `aside`: standard output is somebody else's, and the table goes to standard error.
    Raises UsageError for a file that cannot be written, before anything is run.
    """

    def __init__(self, wanted: Wanted, *, aside: bool = False) -> None:
        to_standard_output = [word for word, file in wanted.files.items() if file == "-"]
        if wanted.telling is not None and wanted.telling.takes_standard_output:
            to_standard_output.append(f"format {wanted.telling.name}")
        if len(to_standard_output) > 1:
            raise UsageError(
                f"--{' and --'.join(to_standard_output)} both ask for standard output", remedy="name a file for one"
            )
        self._wanted = wanted
        self._table = not wanted.quiet and not to_standard_output
        self._shown = 0
        self._last: Literal["said", "shown"] | None = None
        self._aside = aside
        self._stream = sys.stderr if aside else sys.stdout
        for file in wanted.files.values():
            if file != "-":
                check_writable(Path(file))
        if wanted.telling is not None:
            wanted.telling.check()

    @cached_property
    def _out(self) -> Console:
        return _console(self._wanted, stderr=self._aside)

    @cached_property
    def _err(self) -> Console:
        return _console(self._wanted)

    @property
    def _together(self) -> bool:
        """Whether one terminal shows what is said and what is reported."""
        return is_terminal(sys.stderr) and is_terminal(self._stream)

    def told(self, *, in_lines: bool = False) -> Told:
        """The voice of a run, for as long as it lasts; `in_lines` where standard error holds JSON lines alone."""
        from ..experiment.told import Told
        from ..report.progress import Progress

        progress = Progress(console=lambda: self._err, quiet=self._wanted.quiet or in_lines)
        return Told(progress, self._say, self._say_verbose, self.show, tell)

    def live(self, form: Form | None) -> Live:
        """How a proxy is shown while it runs: on the terminal that standard error is, in log lines where there is none
        or they are asked for. Where nothing shall be said, lines go nowhere."""
        from ..report.live.fitting import fits
        from ..report.live.lines import Lines

        if self._wanted.quiet:
            return Lines(None, "text")
        self._last = "said" if self._together else None
        if form is None and fits(sys.stderr):
            from ..report.live.screen import Screen
            from ..report.live.terminal import Terminal

            return Screen(Terminal(_console(self._wanted), sys.stdin.fileno() if fits(sys.stdin) else None))
        return Lines(sys.stderr, form or "text")

    def _say(self, line: str) -> None:
        if not self._wanted.quiet:
            self._aloud(line)

    def _say_verbose(self, line: str) -> None:
        if self._wanted.verbose and not self._wanted.quiet:
            self._aloud(line, "faint")

    def _aloud(self, line: str, style: str = "") -> None:
        """A line on standard error. On a terminal that shows both, reports stand apart from what is said."""
        if self._together and self._last == "shown":
            self._err.print()
        lines = folded(line.splitlines(), self._err.width) if self._err.is_terminal else [line]
        self._err.print("\n".join(lines), soft_wrap=True, style=style)
        self._last = "said" if self._together else None

    def show(self, finished: Finished) -> None:
        """The table on standard output, unless it is to hold something else."""
        from ..report.terminal import render

        if not self._table:
            return
        with writing(self._stream):
            with self._out.capture() as report:
                if self._shown or self._last == "said":
                    self._out.print()
                render(finished.result, self._out, finished.folder)
            put(self._among_annotations(report.get()), self._stream)
        self._shown += 1
        self._last = "shown"

    def page(self, print_on: Callable[[Console], None]) -> None:
        """Something else than a result on standard output, unless it is to hold something else."""
        if not self._table:
            return
        with writing(self._stream):
            with self._out.capture() as told:
                if self._last == "said":
                    self._out.print()
                print_on(self._out)
            put(self._among_annotations(told.get()), self._stream)
        self._last = "shown"

    @staticmethod
    def keep(file: str, text: str, remedy: str) -> None:
        """Write a text to a file, or to standard output (`-`). Raises SurroundingsError where it cannot be written."""
        if file == "-":
            put(text, sys.stdout)
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise SurroundingsError(f"cannot write {file}: {error.strerror or error}", remedy=remedy) from error

    def close(self, results: Sequence[Finished]) -> None:
        """What stands below several results: those of a matrix side by side, and how many came to what."""
        self._compare(results)
        if len(results) > 1:
            from ..report.closing import render

            self.page(lambda console: render(results, console))

    def _compare(self, results: Sequence[Finished]) -> None:
        from ..report.combinations import print_table, tables

        for table in tables(results) if self._table else ():
            with writing(self._stream):
                with self._out.capture() as told:
                    self._out.print()
                    print_table(table, self._out)
                put(self._among_annotations(told.get()), self._stream)

    def write(self, results: Sequence[Finished]) -> None:
        """Write what files were asked for, each with all results. Raises SurroundingsError where it cannot be."""
        if not results:
            return
        for word, file in self._wanted.files.items():
            self.keep(file, _renderer(word)(results), "`ackdrop report RUN_DIR` makes it again from the run's folder")
        telling = self._wanted.telling
        if telling is not None:
            beside = self._aside or (telling.host.among and "-" in self._wanted.files.values())
            telling.results(results, sys.stderr if beside and not telling.takes_standard_output else sys.stdout)

    def _among_annotations(self, text: str) -> str:
        """A table between annotations must hold none itself."""
        telling = self._wanted.telling
        return text if telling is None else telling.harmless(text)


def _console(wanted: Wanted, *, stderr: bool = True) -> Console:
    """Standard error, or standard output."""
    from ..report.colours import console

    return console(stderr=stderr, no_color=wanted.no_color)


def _renderer(word: str) -> Callable[[Sequence[Finished]], str]:
    """The function that makes this format of results."""
    module = importlib.import_module(f"...report.{'as_json' if word == 'json' else word}", __name__)
    text: Callable[[Sequence[Finished]], str] = module.text
    return text


def put(text: str, stream: TextIO) -> None:
    """Write to standard output, or standard error. Raises SurroundingsError where that cannot be."""
    with writing(stream):
        stream.write(text)
        stream.flush()


def check_writable(path: Path) -> None:
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
