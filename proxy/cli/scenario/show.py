"""`ackdrop scenario show`: a scenario's file, as it is or as it is run."""

from __future__ import annotations

import click

from ..completion import scenario_names
from ..options import set_option

EPILOG = """\b
Examples:
  ackdrop scenario show lost-ack > my-scenario.yaml
  ackdrop scenario show my-scenario.yaml --effective --set records=50
"""


@click.command(epilog=EPILOG)
@click.argument("name", shell_complete=scenario_names)
@click.option("--effective", is_flag=True, help="With its parts, its variables filled in, and what --set gives.")
@set_option
def show(name: str, effective: bool, sets: tuple[str, ...]) -> None:
    """Print a scenario's file as it is: the start of one of your own.

    NAME is the name of a shipped scenario, or a file. With --effective it is what is run, as one file that means this
    alone; of a matrix all combinations, as YAML documents.
    """
    from ...errors import UsageError
    from ...scenario.files import find
    from ...scenario.load import effective as effective_of

    paths = find(name)
    if len(paths) > 1:
        raise UsageError(f"{name} is a folder of {len(paths)} scenarios", remedy=f"name one, such as {paths[0]}")
    if effective or sets:
        click.echo("---\n".join(effective_of(paths[0], sets)), nl=False)
        return
    try:
        content = paths[0].read_bytes()
    except OSError as error:
        raise UsageError(f"{paths[0]}: cannot be read: {error.strerror}", remedy="name a scenario file") from error
    click.echo(content, nl=False)
