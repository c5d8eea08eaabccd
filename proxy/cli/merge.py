"""`ackdrop report merge`: the results of several jobs as those of one run."""

from __future__ import annotations

from pathlib import Path

import click

from .options import Wanted, output_options

EPILOG = """\b
Examples:
  ackdrop report merge shard-*.json --junit all.xml --html all.html
  ackdrop report merge one/ackdrop-runs other/ackdrop-runs --json all.json

\b
Exit codes, the worst of all results:
  0 every expectation held      3 inconclusive, or a shard is missing
  1 an expectation failed       4 a run that could not be done
  2 usage: no result, a run twice, shards of different divisions
  130 a run that was interrupted
"""


@click.command(epilog=EPILOG)
@click.argument("paths", metavar="RESULT...", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_options
def merge(paths: tuple[Path, ...], wanted: Wanted) -> int:
    """Join RESULTs into one report: files that --json wrote, run folders, or folders of these.

    Of a run that was divided with --shard all shards have to be there: one that is missing is said, and makes the whole
    inconclusive.
    """
    from ..experiment.again import found
    from ..report import merge as merging
    from ..result import EXIT_CODES
    from ..verify.of_runs import worst
    from .output import Output

    output = Output(wanted)
    runs = merging.merge(found(paths))
    for run in runs:
        output.show(run)
    output.close(runs)
    output.write(runs)
    return worst(EXIT_CODES[run.result.verdict] for run in runs)
