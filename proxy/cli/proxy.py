"""`ackdrop proxy`: stand between programs that are not ours and a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .again import again
from .completion import scenario_names
from .control import control_options
from .front import front_options
from .options import DURATION, Wanted, broker_options, capture_options, log_options, option, report_options, set_option
from .upstream import upstream_options

if TYPE_CHECKING:
    from ..capture.writing.writer import CaptureSettings
    from ..core.wire import WireSettings
    from ..experiment.settings import ControlSettings, Listening
    from ..security import Security

EPILOG = """\b
Examples:
  ackdrop proxy --bootstrap localhost:9092 --listen 127.0.0.1:19092
  ackdrop proxy --bootstrap localhost:9092 --scenario lost-ack --for 30s
  ackdrop proxy --bootstrap localhost:9092 --capture proxy.pcapng
  ackdrop proxy --bootstrap localhost:9092 --control 127.0.0.1:9191
  ackdrop proxy --bootstrap localhost:9092 --metrics 0.0.0.0:9192
  ackdrop proxy --bootstrap a:9092,b:9092 --listen 0.0.0.0:19092 \\
      --advertise proxy.test --ports 19093-19099
  ackdrop proxy --bootstrap kafka.test:9093 --allow-remote --upstream-tls \\
      --upstream-ca ca.pem --upstream-sasl-mechanism SCRAM-SHA-256 \\
      --upstream-sasl-username alice --upstream-sasl-password-file password
"""


@click.command(epilog=EPILOG)
@broker_options
@upstream_options
@front_options("127.0.0.1:19092")
@option(
    "--scenario",
    metavar="SCENARIO",
    shell_complete=scenario_names,
    help="A scenario whose faults are injected; its workload is not used.",
)
@set_option
@control_options
@option("--for", "seconds", type=DURATION, help="End by itself after so long, instead of at Ctrl-C.")
@option("--verify/--no-verify", default=True, show_default=True, help="Read the log at the end, or leave it alone.")
@option(
    "--log-format",
    "form",
    type=click.Choice(["text", "json"]),
    help="Log lines in this form, on a terminal too; otherwise a terminal shows a live view, and anything else text.",
)
@log_options
@capture_options
@report_options
@click.pass_context
def proxy(
    context: click.Context,
    bootstrap: str | None,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    security: Security,
    listening: Listening,
    wire: WireSettings,
    grace: float,
    scenario: str | None,
    sets: tuple[str, ...],
    control: ControlSettings | None,
    metrics: tuple[str, int] | None,
    seconds: float | None,
    verify: bool,
    form: Any,
    naming: Any,
    isolation: Any,
    capture: CaptureSettings | None,
    wanted: Wanted,
) -> int:
    """Relay between your own producers and a broker, inject a scenario's faults, and report at the end.

    Point your programs at the address that --listen names. Ctrl-C, SIGTERM or --for ends it; then the topics that were
    written through it are read back and what happened is reported. Exit codes are those of `ackdrop run`.

    On a terminal a live view shows what happens meanwhile: a fault's number arms or disarms it, q ends the proxy.

    The scenario's files are watched: what is changed in their faults is taken while it runs. With --control, faults are
    added, removed, armed, disarmed and reset over HTTP, or with `ackdrop ctl`.
    """
    import trio

    from ..errors import UsageError
    from ..experiment.settings import WatchSettings
    from ..experiment.watching import watch_programs
    from .output import Output
    from .scenarios import chosen_one

    if bootstrap is None:
        raise UsageError("no broker is named", remedy="--bootstrap HOST:PORT, as in --bootstrap localhost:9092")
    chosen = chosen_one(scenario, sets, quiet=wanted.quiet)
    output = Output(wanted)
    settings = WatchSettings(
        bootstrap=bootstrap,
        allow_remote=allow_remote,
        listening=listening,
        wire=wire,
        grace=grace,
        out=wanted.out,
        naming=naming,
        isolation=isolation,
        command=again(context),
        control=control,
        metrics=metrics,
        sets=sets,
        seconds=seconds,
        verify=verify,
        mapping=dict(mapping),
        security=security,
        capture=capture,
    )
    told = output.told(in_lines=form == "json")
    code = trio.run(watch_programs, chosen, settings, told, output.live(form))
    output.write(told.results)
    return code
