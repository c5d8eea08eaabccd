"""What a code host is told: `--format github` and `--format gitlab`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..errors import AckdropError
    from ..report.finished import Finished
    from ..report.notes import Note

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType

Host = Literal["github", "gitlab"]

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file which GitHub shows as a step's summary."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A form and where it goes; `-` is standard output."""

    host: Host
    file: str

    @property
    def takes_standard_output(self) -> bool:
        """Whether nothing else may stand there. Annotations stand among other lines."""
        return self.host == "gitlab" and self.file == "-"

    def check(self) -> None:
        """Raises UsageError for a file that cannot be written, before anything is run."""
        from .output import check_writable

        if self.file != "-":
            check_writable(Path(self.file))

    def results(self, runs: Sequence[Finished], stream: TextIO) -> None:
        """What became of these runs. Raises SurroundingsError where it cannot be written."""
        from ..report import markdown, notes

        self._write(notes.notes(runs), stream)
        self._summary(markdown.text(runs))

    def refusal(self, error: AckdropError) -> None:
        """What kept the command from doing its work. The error itself is told elsewhere, so nothing of it is raised
        here."""
        from ..errors import AckdropError
        from ..report import notes
        from ..report.markdown_text import block

        found = notes.of_error(error)
        lines = [line for note in found for line in note.lines]
        with contextlib.suppress(AckdropError):
            self._write(found, sys.stderr)
            self._summary(f"## ✗ ackdrop could not run (exit code {error.exit_code})\n\n{block(lines)}\n")

    def _write(self, found: Sequence[Note], stream: TextIO) -> None:
        from ..report import github, gitlab
        from .output import Output, put

        text = github.lines(found) if self.host == "github" else gitlab.issues(found)
        if self.file == "-":
            put(text, stream)
        else:
            Output.keep(self.file, text, "name another file with --format NAME=FILE")

    def _summary(self, text: str) -> None:
        """Append to what the step's summary holds already."""
        from ..errors import SurroundingsError

        file = os.environ.get(SUMMARY)
        if self.host != "github" or not file:
            return
        try:
            with open(file, "a", encoding="utf-8") as summary:
                summary.write(text)
        except OSError as error:
            raise SurroundingsError(
                f"cannot write the summary {file}: {error.strerror or error}",
                remedy=f"{SUMMARY} names it; --markdown FILE writes it elsewhere",
            ) from error


@contextlib.contextmanager
def told(telling: Telling | None) -> Iterator[None]:
    """While inside, what stops the command is told to the host, too."""
    from ..errors import AckdropError

    try:
        yield
    except AckdropError as error:
        if telling is not None:
            telling.refusal(error)
        raise


class FormatType(_ParamType):
    """`github` or `gitlab`, and where it goes if not where it belongs: `gitlab=FILE`."""

    name = "github|gitlab[=FILE]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Telling:
        if isinstance(value, Telling):
            return value
        host, equals, file = str(value).partition("=")
        if host not in ("github", "gitlab") or (equals and not file):
            self.fail(f"{value!r} is neither github nor gitlab, nor one of them with =FILE behind it", param, ctx)
        if host == "github":
            return Telling("github", file or "-")
        from ..report.gitlab import FILE

        return Telling("gitlab", file or FILE)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(host) for host in ("github", "gitlab") if host.startswith(incomplete)]
