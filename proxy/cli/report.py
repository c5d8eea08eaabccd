"""`ackdrop report`: a finished run again, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import HERE_BY_DEFAULT, Wanted, output_options

EPILOG = """\b
Examples:
  ackdrop report                          the last run, as a table
  ackdrop report RUN_DIR --html run.html --junit run.xml
  ackdrop report ackdrop-runs/* --junit - several runs in one file
  ackdrop report RUN_DIR --format gitlab  for the merge request's page
  ackdrop report --schema                 the JSON Schema of report.json
  ackdrop report merge shard-*.json       the results of several jobs as one
"""


class _Report(click.Command):
    """`report` itself, and `report merge`. A folder of that name is `./merge`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] != ["merge"]:
            return super().make_context(info_name, args, parent, **extra)
        from .merge import merge

        return merge.make_context(f"{info_name} merge", args[1:], parent, **extra)


@click.command(cls=_Report, epilog=EPILOG)
@click.argument("folders", metavar="[RUN_DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema of report.json, and nothing else.")
@output_options
def report(folders: tuple[Path, ...], schema: bool, wanted: Wanted) -> int:
    """Show finished runs again, also one that was killed; without RUN_DIR the last one in ackdrop-runs.

    The exit code says whether that could be done: 0. That of the run is in the report.
    """
    from ..experiment.again import finished
    from ..experiment.folder import latest
    from ..report import schema as schemas
    from .output import Output

    if schema:
        click.echo(schemas.text(), nl=False)
        return 0
    output = Output(wanted)
    runs = [finished(folder) for folder in folders or (latest(HERE_BY_DEFAULT),)]
    for run in runs:
        output.show(run)
    output.close(runs)
    output.write(runs)
    return 0
