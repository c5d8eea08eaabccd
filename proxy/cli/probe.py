"""`ackdrop probe`: what a broker remembers of a producer, measured with packets made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import DURATION, Wanted, broker_options, option, source_option
from .upstream import upstream_options

if TYPE_CHECKING:
    from ..probing.model import ProbeResult
    from ..security import Security

EPILOG = """\b
Examples:
  ackdrop probe --bootstrap localhost:9092
  ackdrop probe --broker embedded --json kafka.json
  ackdrop probe --bootstrap localhost:9092 --compare kafka.json
  ackdrop probe --broker embedded --at-most produce=7,init_producer_id=3

\b
Exit codes:
  0 measured (whether or not as documented); with --compare: nothing changed
  1 with --compare: something changed
  2 usage, or FILE is no probe  4 no broker, an internal error
  3 a case was not measured     130 interrupted
"""

INCONCLUSIVE, CHANGED, INTERRUPTED = 3, 1, 130

APIS = ("produce", "init_producer_id", "find_coordinator", "add_partitions_to_txn", "end_txn")
"""The APIs whose versions can be bounded: those that the cases speak."""

WITH_PRODUCER_IDS = 3
"""The first version of Produce whose batches have producer ids (KIP-98)."""


def _bounds(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """API -> newest version, of `produce=7,end_txn=2`."""
    bounds: dict[str, int] = {}
    for text in (part.strip() for value in values for part in value.split(",")):
        api, _, version = text.partition("=")
        if api not in APIS or not (version.isascii() and version.isdigit()):
            raise click.BadParameter(
                f"{text!r} is not API=VERSION, as in produce=7; the APIs are {', '.join(APIS)}", context, parameter
            )
        if api == "produce" and int(version) < WITH_PRODUCER_IDS:
            raise click.BadParameter(
                f"no batch has a producer id below produce={WITH_PRODUCER_IDS}", context, parameter
            )
        bounds[api] = int(version)
    return bounds


@click.command(epilog=EPILOG)
@broker_options
@source_option
@upstream_options
@option("--json", "json_file", metavar="FILE", help="Write what was measured as JSON; - is standard output.")
@option("--markdown", "markdown_file", metavar="FILE", help="Write it as Markdown, for a page or a CI summary.")
@option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="An earlier probe's JSON: say what has changed since, instead of the whole table.",
)
@option(
    "--at-most",
    multiple=True,
    metavar="API=VERSION",
    callback=_bounds,
    help="Speak no newer version of this API, as an older client would.",
)
@option("--case", "names", multiple=True, metavar="NAME", help="One case alone, by its name in the JSON; or several.")
@option("--replication", type=click.IntRange(1), default=1, show_default=True, help="Replicas of the probe's topic.")
@option("--timeout", type=DURATION, default="10s", show_default=True, help="How long an answer may take.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of what --json writes, and nothing else.")
@option("--keep", is_flag=True, help="Leave the probe's topic, ackdrop-probe-..., where it is.")
@option("--quiet", is_flag=True, help="Only errors, and the exit code.")
@option("--verbose", is_flag=True, help="Say what was tried and passed over.")
@option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")
def probe(
    bootstrap: str | None,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    broker: Any,
    security: Security,
    json_file: str | None,
    markdown_file: str | None,
    compare: Path | None,
    at_most: dict[str, int],
    names: tuple[str, ...],
    replication: int,
    timeout: float,
    schema: bool,
    keep: bool,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """Ask a broker how it de-duplicates, with packets made by hand.

    Duplicates, gaps, overlaps, old epochs, unknown producers, the end of the sequence numbers, batches in flight and
    outside of transactions: what comes back, what the log holds then, and where that is not what the broker's documents
    promise. It writes to a topic of its own alone, and removes it. A broker that ackdrop has started itself (--broker
    embedded or docker) is also restarted.
    """
    if schema:
        from ..probing import schema as published

        click.echo(published.text(), nl=False)
        return 0
    import trio

    from ..experiment.probe import ProbeSettings
    from ..experiment.probe import probe as measure
    from ..experiment.session import BrokerChoice
    from ..probing import store
    from ..probing.cases import named
    from ..probing.compare import compare as compared
    from ..probing.measure import Wish
    from .output import Output

    asked = {"json": json_file, "markdown": markdown_file}
    files = {word: file for word, file in asked.items() if file is not None}
    output = Output(Wanted(files=files, quiet=quiet, verbose=verbose, no_color=no_color))
    earlier = None if compare is None else store.read(compare)
    settings = ProbeSettings(
        wish=Wish(cases=named(names), at_most=at_most, seconds=timeout, keep=keep, replication=replication),
        mapping=dict(mapping),
        security=security,
    )
    choice = BrokerChoice(broker, bootstrap, allow_remote, brokers=replication if bootstrap is None else 1)
    result = trio.run(measure, settings, choice, output.told())
    if result is None:
        click.echo("interrupted before anything was measured", err=True)
        return INTERRUPTED
    for word, file in files.items():
        text = store.text(result) if word == "json" else _markdown(result)
        output.keep(file, text, "name another file, and run the probe again")
    if earlier is None:
        output.page(lambda console: _render(result, console))
        return _code(result)
    comparison = compared(earlier, result)
    output.page(lambda console: _render_comparison(comparison, console))
    return CHANGED if comparison.changes and not result.interrupted else _code(result)


def _code(result: ProbeResult) -> int:
    if result.interrupted:
        return INTERRUPTED
    return INCONCLUSIVE if result.inconclusive else 0


def _markdown(result: ProbeResult) -> str:
    from ..report.probe_markdown import text

    return text(result)


def _render(result: Any, console: Any) -> None:
    from ..report.probe import render

    render(result, console)


def _render_comparison(comparison: Any, console: Any) -> None:
    from ..report.probe import render_comparison

    render_comparison(comparison, console)
