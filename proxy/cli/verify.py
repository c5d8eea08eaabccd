"""`ackdrop verify`: a topic's log alone, or against the ledger of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .again import again
from .options import Wanted, broker_options, log_options, option, report_options
from .upstream import upstream_options

if TYPE_CHECKING:
    from ..security import Security

EPILOG = """\b
Examples:
  ackdrop verify --bootstrap localhost:9092 --topic orders
  ackdrop verify --bootstrap localhost:9092 --topic orders --identity key
  ackdrop verify --bootstrap localhost:9092 --run ackdrop-runs/RUN_DIR

\b
Exit codes:
  0 no duplicate                3 inconclusive, with its reasons
  1 duplicates, or records lost 4 no broker, an internal error
  2 usage, no such topic        130 interrupted
"""


@click.command(epilog=EPILOG)
@broker_options
@upstream_options
@option("--topic", "topics", multiple=True, metavar="TOPIC", help="A topic to look at; may be given several times.")
@option(
    "--run",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="RUN_DIR",
    help="A run whose log is read again and held against its ledger.",
)
@log_options
@report_options
@click.pass_context
def verify(
    context: click.Context,
    bootstrap: str | None,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    security: Security,
    topics: tuple[str, ...],
    folder: Path | None,
    naming: Any,
    isolation: Any,
    wanted: Wanted,
) -> int:
    """Look for duplicates in a topic's log, with nothing but the log to go by, or with a run's ledger beside it.

    Two records are copies of one if they have the same key, value, headers and create time, or, with --identity, the
    same of what it names. Nothing is changed at the broker.
    """
    import trio

    from ..errors import UsageError
    from ..experiment.session import verify_log
    from ..experiment.settings import VerifySettings
    from .output import Output

    if bootstrap is None:
        raise UsageError("no broker is named", remedy="--bootstrap HOST:PORT, as in --bootstrap localhost:9092")
    if bool(topics) == (folder is not None):
        raise UsageError("name topics or a run, one of both", remedy="--topic TOPIC, or --run RUN_DIR")
    output = Output(wanted)
    settings = VerifySettings(
        bootstrap=bootstrap,
        topics=tuple(dict.fromkeys(topics)),
        run=folder,
        allow_remote=allow_remote,
        mapping=dict(mapping),
        security=security,
        naming=naming,
        isolation=isolation,
        out=wanted.out,
        command=again(context),
    )
    told = output.told()
    code = trio.run(verify_log, settings, told)
    output.write(told.results)
    return code
