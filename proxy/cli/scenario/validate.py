"""`ackdrop scenario validate`: every error and every warning of every file, each with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ...report.folding import say
from ..completion import scenario_names
from ..hosts import HOSTS, shown
from ..options import set_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...scenario.load import Examined
    from ...scenario.problems import Diagnostic

EPILOG = """\b
Examples:
  ackdrop scenario validate my-scenario.yaml scenarios/
  ackdrop scenario validate --strict --format github scenarios/
  ackdrop scenario validate --format gitlab . > gl-code-quality-report.json
"""


@click.command(epilog=EPILOG)
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1, required=True, shell_complete=scenario_names)
@set_option
@click.option("--strict", is_flag=True, help="A warning is an error.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *HOSTS]),
    default="text",
    show_default=True,
    help="For a person, for an editor, as annotations of GitHub Actions, or as GitLab's Code Quality report.",
)
@click.pass_context
def validate(context: click.Context, paths: tuple[str, ...], sets: tuple[str, ...], strict: bool, form: str) -> None:
    """Check scenarios, and show every error and warning of every file with its place.

    A folder means the .yaml and .yml files in it, not those in folders below. Valid files are listed on standard
    output, errors and warnings on standard error; every other --format writes to standard output alone. The exit code
    is 2 when there was an error, with --strict also when there was a warning.
    """
    found = _examined(paths, sets)
    diagnostics = [diagnostic for examined in found.values() for diagnostic in examined.diagnostics]
    if form == "json":
        click.echo(json.dumps([_as_json(diagnostic) for diagnostic in diagnostics], indent=2))
    elif form in HOSTS:
        from ...report import notes

        click.echo(shown(form, [notes.of_diagnostic(diagnostic) for diagnostic in diagnostics]), nl=False)
    else:
        _show(found, strict)
    if any(diagnostic.severity == "error" or strict for diagnostic in diagnostics):
        context.exit(2)


def _examined(paths: Sequence[str], sets: Sequence[str]) -> dict[str, Examined]:
    """What each file says, under its name, each file once; a path that means nothing is such a name too."""
    from ...errors import UsageError
    from ...scenario.files import find
    from ...scenario.load import Examined, examine
    from ...scenario.problems import unread

    found: dict[str, Examined] = {}
    for path in dict.fromkeys(paths):
        try:
            files = find(path)
        except UsageError as error:
            said = error.message.removeprefix(f"{path}: ")
            found[path] = Examined((), [unread(path, said, error.remedy or "Name a scenario file.")])
            continue
        found.update((str(file), examine(file, sets)) for file in files if str(file) not in found)
    return found


def _show(found: dict[str, Examined], strict: bool) -> None:
    from ...scenario.problems import visible

    for file, examined in found.items():
        if examined.scenarios and not (strict and examined.diagnostics):
            many = len(examined.scenarios)
            told = f" ({many} combinations)" if many > 1 else ""
            say([f"{visible(file)}: valid: {_title(examined)}{told}"])
        for diagnostic in examined.diagnostics:
            say(diagnostic.shown.splitlines(), error=True)
    if summary := _summary(list(found.values())):
        say(summary, error=True)


def _title(examined: Examined) -> str:
    """The title; of several combinations what they have in common."""
    first = examined.scenarios[0]
    return first.title.rpartition(" (")[0] or first.title if first.combination else first.title


def _summary(found: Sequence[Examined]) -> list[str]:
    """`4 errors in 2 of 3 files`"""
    lines = []
    for word, counts in (
        ("error", [len(examined.errors()) for examined in found]),
        ("warning", [len(examined.warnings()) for examined in found]),
    ):
        total, wrong = sum(counts), sum(map(bool, counts))
        if total:
            lines.append(f"{total} {word}{'s'[: total != 1]} in {wrong} of {len(found)} file{'s'[: len(found) != 1]}")
    return lines


def _as_json(found: Diagnostic) -> dict[str, object]:
    keys = ("file", "line", "column", "severity", "text", "hint", "code")
    return {key: getattr(found, key) for key in keys}
