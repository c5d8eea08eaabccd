"""`ackdrop run`: the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from .again import again
from .budget import Budget, budget_options
from .completion import scenario_names
from .options import (
    PRODUCER,
    Wanted,
    broker_options,
    capture_options,
    option,
    report_options,
    set_option,
    source_option,
)
from .upstream import upstream_options

if TYPE_CHECKING:
    from ..capture.writing.writer import CaptureSettings
    from ..security import Security

EPILOG = """\b
Examples:
  ackdrop run                             the shipped scenario lost-ack
  ackdrop run lost-ack-disconnect --producer confluent-kafka
  ackdrop run my-scenario.yaml --bootstrap localhost:9092 --json result.json
  ackdrop run --repeat 10 --junit result.xml
  ackdrop run lost-ack --capture run.pcapng
  ackdrop run scenarios/                  every scenario of a folder
  ackdrop run lost-ack --set faults[0].when.nth=5 --set workload.records=50
  ackdrop run scenarios/ --max-time 10m --shard 2/5 --json shard-2.json
  ackdrop run scenarios/ --fail-fast --baseline known.json

\b
Exit codes:
  0 every expectation held      3 inconclusive, with its reasons
  1 an expectation failed       4 no broker, no producer, an internal error
  2 usage, or a bad scenario    130 interrupted
"""


@click.command(epilog=EPILOG)
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1, shell_complete=scenario_names)
@broker_options
@upstream_options
@source_option
@option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Instead of the scenario's own seed.")
@option("--producer", type=PRODUCER, metavar="NAME", help="Instead of the scenario's own producer.")
@option("--producer-python", metavar="PYTHON", help="The Python interpreter that runs the producer.")
@option(
    "--repeat",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run each scenario N times, and compare: all fail, it is broken; they disagree, it is flaky.",
)
@option(
    "--isolation",
    type=click.Choice(["read_uncommitted", "read_committed"]),
    help="Whether records of transactions that were aborted, or are open, count.",
)
@set_option
@option(
    "--strict",
    is_flag=True,
    help="A warning about the scenario is an error, and so is a word of `config` that the producer does not have.",
)
@option("--keep", is_flag=True, help="Keep the topics that were made.")
@budget_options
@capture_options
@report_options
@click.pass_context
def run(
    context: click.Context,
    scenarios: tuple[str, ...],
    bootstrap: str | None,
    broker: Any,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    security: Security,
    seed: int | None,
    producer: str | None,
    producer_python: str | None,
    repeat: int | None,
    isolation: Any,
    sets: tuple[str, ...],
    strict: bool,
    keep: bool,
    budget: Budget,
    capture: CaptureSettings | None,
    wanted: Wanted,
) -> int:
    """Run SCENARIOs against a real broker, with idempotence off and on, and report what reached the log.

    SCENARIO is a file, a folder or the name of a shipped scenario (see `ackdrop scenario list`). Without --bootstrap
    the broker is one found on localhost:9092, else Redpanda in Docker, else an embedded Apache Kafka.
    """
    import trio

    from ..experiment.session import BrokerChoice, run_scenarios
    from ..experiment.settings import RunSettings
    from ..security import ANYBODY
    from .output import Output
    from .scenarios import chosen_ones, not_varied

    chosen = chosen_ones(scenarios or ("lost-ack",), sets, strict=strict, quiet=wanted.quiet)
    not_varied(chosen, producer=producer, seed=seed, isolation=isolation, repeat=repeat)
    output, overruled = Output(wanted), _overruled(context)
    settings = RunSettings(
        out=wanted.out,
        command=again(context),
        seed=seed,
        producer=producer,
        producer_python=producer_python,
        repeat=repeat,
        isolation=isolation,
        strict=strict,
        keep=keep,
        mapping=dict(mapping),
        security=ANYBODY if overruled else security,
        capture=capture,
        **budget,
    )
    told = output.told()
    choice = BrokerChoice(broker, None if overruled else bootstrap, allow_remote)
    try:
        return trio.run(run_scenarios, chosen, choice, settings, told)
    finally:
        output.close(told.results)
        output.write(told.results)


def _overruled(context: click.Context) -> bool:
    """Whether a broker of the user's stands in the environment, and the command line asks for another one."""
    environment, typed = ParameterSource.ENVIRONMENT, ParameterSource.COMMANDLINE
    given, asked = context.get_parameter_source("bootstrap"), context.get_parameter_source("broker")
    return given is environment and asked is typed and context.params["broker"] != "auto"
