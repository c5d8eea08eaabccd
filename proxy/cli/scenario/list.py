"""`ackdrop scenario list`: which scenarios come with ackdrop, and what each shows."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ...scenario.models import Scenario


@click.command("list", epilog="Example:  ackdrop scenario list")
def list_() -> None:
    """List the scenarios that come with ackdrop, and what each shows.

    Where standard output is not a terminal: a line each, with tabs between name, title and what it shows.
    """
    from ...scenario.files import load_all, shipped

    scenarios = load_all(shipped())
    if sys.stdout.isatty():
        _table(scenarios)
        return
    for one in scenarios:
        click.echo(f"{one.name}\t{one.title}\t{_first_sentence(one.description)}")


def _table(scenarios: list[Scenario]) -> None:
    from rich.table import Table

    from ...report.colours import console

    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what happens, and what it shows")
    for one in scenarios:
        table.add_row(one.name, f"{one.title}\n{_first_sentence(one.description)}")
    out = console()
    out.print(table)
    out.print("ackdrop run NAME runs one; ackdrop scenario show NAME prints its file.")


def _first_sentence(text: str) -> str:
    """A description begins with what the scenario shows."""
    return re.split(r"(?<=[.!?])\s", " ".join(text.split()), maxsplit=1)[0]
