"""What a code host is told: `--format github`, and each other one in `HOSTS`."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..errors import AckdropError
    from ..report.finished import Finished
    from ..report.notes import Note

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file which GitHub shows as a step's summary."""


@dataclass(frozen=True, slots=True)
class Host:
    """A code host. `shown(notes)` of the module of its name in the report room makes its form.

    `file` is where that goes if nothing else is said; `-` is standard output. `among`: the host picks its lines out of
    a step's output, so others may stand beside them; `harmless(output)` of the module makes of these what the host does
    not obey. `summary` is the variable that names a file to which the result is added as Markdown.
    """

    file: str
    among: bool = False
    summary: str | None = None


HOSTS = {
    "github": Host("-", among=True, summary=SUMMARY),
    "gitlab": Host("gl-code-quality-report.json"),  # as GitLab's own documentation calls it
}
"""Every code host that can be told, by its name."""

NAMES = "|".join(HOSTS)


def shown(name: str, found: Sequence[Note]) -> str:
    """These notes in the host's form."""
    text: str = _module(name).shown(found)
    return text


def _module(name: str) -> Any:
    return importlib.import_module(f"...report.{name}", __name__)


@dataclass(frozen=True, slots=True)
class Telling:
    """A host by its name, and where its form goes; `-` is standard output."""

    name: str
    file: str

    @property
    def host(self) -> Host:
        return HOSTS[self.name]

    @property
    def takes_standard_output(self) -> bool:
        """Whether nothing else may stand there."""
        return self.file == "-" and not self.host.among

    def check(self) -> None:
        """Raises UsageError for a file that cannot be written, before anything is run."""
        from .output import check_writable

        if self.file != "-":
            check_writable(Path(self.file))

    def harmless(self, output: str) -> str:
        """What may stand beside it: nothing in it is for the host."""
        text: str = _module(self.name).harmless(output) if self.host.among else output
        return text

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
        from .output import Output, put

        text = shown(self.name, found)
        if self.file == "-":
            put(text, stream)
        else:
            Output.keep(self.file, text, "name another file with --format NAME=FILE")

    def _summary(self, text: str) -> None:
        """Append to what the step's summary holds already."""
        from ..errors import SurroundingsError

        variable = self.host.summary
        file = variable and os.environ.get(variable)
        if not file:
            return
        try:
            with open(file, "a", encoding="utf-8") as summary:
                summary.write(text)
        except OSError as error:
            raise SurroundingsError(
                f"cannot write the summary {file}: {error.strerror or error}",
                remedy=f"{variable} names it; --markdown FILE writes it elsewhere",
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
    """A host, and where its form goes if not where it belongs: `gitlab=FILE`."""

    name = f"{NAMES}[=FILE]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Telling:
        if isinstance(value, Telling):
            return value
        name, equals, file = str(value).partition("=")
        if name not in HOSTS or (equals and not file):
            self.fail(f"{value!r} is neither {' nor '.join(HOSTS)}, nor one of them with =FILE behind it", param, ctx)
        return Telling(name, file or HOSTS[name].file)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in HOSTS if name.startswith(incomplete)]
