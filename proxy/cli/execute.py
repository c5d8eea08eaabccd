"""`ackdrop exec`: run a program of the user's behind the proxy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from .again import again
from .completion import scenario_names
from .front import front_options
from .options import (
    DURATION,
    Wanted,
    broker_options,
    capture_options,
    log_options,
    option,
    report_options,
    set_option,
    source_option,
)
from .upstream import upstream_options

if TYPE_CHECKING:
    from ..capture.writing.writer import CaptureSettings
    from ..core.wire import WireSettings
    from ..experiment.settings import Listening, ProgramArm
    from ..security import Security

EPILOG = """\b
Examples:
  ackdrop exec --scenario lost-ack -- pytest tests/
  ackdrop exec --bootstrap localhost:9092 --env MY_BROKERS -- ./producer
  ackdrop exec --capture tests.pcapng -- go test ./...
  ackdrop exec --scenario lost-ack --arm off=IDEMPOTENCE=false \\
      --arm on=IDEMPOTENCE=true -- python produce.py

\b
Exit codes:
  0 nothing wrong was seen, and the program ended with 0
  1, 3, 4 as those of `ackdrop run`; 2 usage
  any other is the program's own, where ours is 0; 128 and more: a signal's
"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@click.command("exec", epilog=EPILOG, context_settings={"allow_interspersed_args": False}, options_metavar="[OPTIONS]")
@click.argument("program", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
@broker_options
@upstream_options
@source_option
@front_options("127.0.0.1:0")
@option(
    "--scenario",
    metavar="SCENARIO",
    shell_complete=scenario_names,
    help="A scenario whose faults are injected; its workload is not used.",
)
@set_option
@option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME",
    help="One more environment variable that holds the proxy's address for the program.",
)
@option(
    "--arm",
    "arms",
    multiple=True,
    metavar="NAME=ENV=VALUE",
    help="Run the program once for each NAME, with this variable; the arms off and on are held against each other.",
)
@option("--for", "seconds", type=DURATION, help="End a program that still runs after so long.")
@option("--verify/--no-verify", default=True, show_default=True, help="Read the log at the end, or leave it alone.")
@log_options
@capture_options
@report_options
@click.pass_context
def execute(
    context: click.Context,
    program: tuple[str, ...],
    bootstrap: str | None,
    broker: Any,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    security: Security,
    listening: Listening,
    wire: WireSettings,
    grace: float,
    scenario: str | None,
    sets: tuple[str, ...],
    variables: tuple[str, ...],
    arms: tuple[str, ...],
    seconds: float | None,
    verify: bool,
    naming: Any,
    isolation: Any,
    capture: CaptureSettings | None,
    wanted: Wanted,
) -> int:
    """Run COMMAND behind the proxy, and report what its retries left in the topics that it wrote.

    The program finds the proxy's address in ACKDROP_PROXY, KAFKA_BOOTSTRAP_SERVERS and BOOTSTRAP_SERVERS, and in each
    --env NAME. Its input and output are its own (the report goes to standard error), signals are passed on to it.
    Without --bootstrap the broker is one found on localhost:9092, else Redpanda in Docker, else an embedded Kafka.

    With --arm it runs once for each arm: say how idempotence is switched off and on, and the arm `off` is the control
    that the arm `on` is held against. Without, there is one arm: were there retries, were they protected, did
    duplicates land?
    """
    import trio

    from ..errors import UsageError
    from ..experiment.session import BrokerChoice, execute_program
    from ..experiment.settings import ExecSettings
    from .output import Output
    from .scenarios import chosen_one

    if not program:
        raise UsageError("no command is named", remedy="put it behind --, as in: ackdrop exec -- python produce.py")
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f"--env {name}: that is no name of a variable", remedy="such as --env MY_BROKERS")
    settings = ExecSettings(
        program=program,
        variables=variables,
        arms=_arms(arms),
        listening=listening,
        wire=wire,
        grace=grace,
        out=wanted.out,
        naming=naming,
        isolation=isolation,
        command=(*again(context), "--", program[0], *(["..."] if program[1:] else [])),
        seconds=seconds,
        verify=verify,
        mapping=dict(mapping),
        security=security,
        capture=capture,
    )
    chosen = chosen_one(scenario, sets, quiet=wanted.quiet)
    output = Output(wanted, aside=True)
    told = output.told()
    try:
        return trio.run(execute_program, chosen, settings, BrokerChoice(broker, bootstrap, allow_remote), told)
    finally:
        output.write(told.results)


def _arms(texts: Iterable[str]) -> tuple[ProgramArm, ...]:
    """The arms in the order of their first mention, each with all its variables. Raises UsageError."""
    from ..errors import UsageError
    from ..experiment.settings import ProgramArm

    found: dict[str, list[tuple[str, str]]] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        variable, equals, value = rest.partition("=")
        if not (_NAME.fullmatch(name) and _VARIABLE.fullmatch(variable) and equals):
            raise UsageError(
                f"--arm {text}: that is not NAME=ENV=VALUE", remedy="such as --arm off=ENABLE_IDEMPOTENCE=false"
            )
        found.setdefault(name, []).append((variable, value))
    return tuple(ProgramArm(name, tuple(each)) for name, each in found.items())
