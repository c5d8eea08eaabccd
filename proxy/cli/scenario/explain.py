"""`ackdrop scenario explain`: a scenario in plain English."""

from __future__ import annotations

import sys

import click

from ..completion import scenario_names
from ..options import set_option


@click.command(epilog="Example:  ackdrop scenario explain lost-ack")
@click.argument("path", metavar="FILE|NAME", shell_complete=scenario_names)
@set_option
def explain(path: str, sets: tuple[str, ...]) -> None:
    """Say in plain English what will happen in each arm, and what the author expects.

    Nothing is run. FILE is a scenario's file, NAME that of a shipped one.
    """
    from ...errors import UsageError
    from ...scenario.explain.text import explain as explained
    from ...scenario.files import find, load_all

    paths = find(path)
    if len(paths) > 1:
        raise UsageError(f"{path} is a folder of {len(paths)} scenarios", remedy=f"name one, such as {paths[0]}")
    for one in load_all(paths, sets):
        _show(explained(one))


def _show(text: str) -> None:
    """Headings are bold on a terminal; elsewhere the text stands as it is."""
    if not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.text import Text

    from ...report.colours import console

    out = console()
    for line in text.splitlines():
        heading = line.split(":")[0].split(",")[0]
        out.print(Text(line, style="bold" if heading[:3].isupper() and not line.startswith(" ") else ""))
