"""`ackdrop scenario`: which scenarios there are, what is in them, and whether one's own are valid."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..scenario.models import Scenario


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog="Start with:  ackdrop scenario list")
def scenario() -> None:
    """List, show and validate scenarios."""


@scenario.command("list", epilog="Example:  ackdrop scenario list")
def list_() -> None:
    """List the scenarios that come with ackdrop, and what each shows.

    Where standard output is not a terminal: a line each, with tabs between name, title and what it shows.
    """
    from ..scenario import load_all, shipped

    scenarios = load_all(shipped())
    if sys.stdout.isatty():
        _table(scenarios)
        return
    for one in scenarios:
        click.echo(f"{one.name}\t{one.title}\t{_first_sentence(one.description)}")


@scenario.command(epilog="Example:  ackdrop scenario show lost-ack > my-scenario.yaml")
@click.argument("name")
def show(name: str) -> None:
    """Print a scenario's file as it is: the start of one of your own.

    NAME is the name of a shipped scenario, or a file.
    """
    from ..errors import UsageError
    from ..scenario import find

    paths = find(name)
    if len(paths) > 1:
        raise UsageError(f"{name} is a folder of {len(paths)} scenarios", remedy=f"name one, such as {paths[0]}")
    try:
        content = paths[0].read_bytes()
    except OSError as error:
        raise UsageError(f"{paths[0]}: cannot be read: {error.strerror}", remedy="name a scenario file") from error
    click.echo(content, nl=False)


@scenario.command(epilog="Example:  ackdrop scenario validate my-scenario.yaml scenarios/")
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1, required=True)
@click.pass_context
def validate(context: click.Context, paths: tuple[str, ...]) -> None:
    """Check scenarios, and show every error of every file with its place.

    A folder means the .yaml and .yml files in it, not those in folders below. Valid files are listed on standard
    output, errors on standard error; the exit code is 2 when there was one.
    """
    from ..errors import ScenarioError
    from ..scenario import find
    from ..scenario.load import load

    files = list(dict.fromkeys(file for path in paths for file in find(path)))
    wrong = errors = 0
    for file in files:
        try:
            click.echo(f"{file}: valid: {load(file).title}")
        except ScenarioError as error:
            wrong += 1
            errors += len(error.problems)
            click.echo("\n".join(error.problems), err=True)
    if wrong:
        counted = f"{errors} error{'s'[: errors != 1]} in {wrong} of {len(files)} file{'s'[: len(files) != 1]}"
        click.echo(counted, err=True)
        context.exit(2)


def _table(scenarios: list[Scenario]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what happens, and what it shows")
    for one in scenarios:
        table.add_row(one.name, f"{one.title}\n{_first_sentence(one.description)}")
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print("ackdrop run NAME runs one; ackdrop scenario show NAME prints its file.")


def _first_sentence(text: str) -> str:
    """A description begins with what the scenario shows."""
    return re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]
