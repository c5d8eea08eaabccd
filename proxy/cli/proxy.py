"""`ackdrop proxy`: stand between programs that are not ours and a broker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .again import again
from .options import ADDRESS, DURATION, PORTS, Wanted, broker_options, log_options, option, report_options, set_option

if TYPE_CHECKING:
    from ..security import ClientTls

PEM = click.Path(dir_okay=False, path_type=Path)

EPILOG = """\b
Examples:
  ackdrop proxy --bootstrap localhost:9092 --listen 127.0.0.1:19092
  ackdrop proxy --bootstrap localhost:9092 --scenario lost-ack --for 30s
  ackdrop proxy --bootstrap a:9092,b:9092 --listen 0.0.0.0:19092 \\
      --advertise proxy.test --ports 19093-19099
"""


@click.command(epilog=EPILOG)
@broker_options
@option(
    "--listen",
    type=ADDRESS,
    default="127.0.0.1:19092",
    show_default=True,
    help="Where clients find the proxy; port 0 takes any free one.",
)
@option("--advertise", metavar="HOST", help="The host that clients are told, where it is not the one of --listen.")
@option(
    "--ports",
    type=PORTS,
    help="The ports that stand for the cluster's brokers, one for each; otherwise any free ones.",
)
@option("--tls-cert", type=PEM, metavar="FILE", help="Speak TLS with clients, with this certificate (PEM).")
@option("--tls-key", type=PEM, metavar="FILE", help="The certificate's key, where the file above does not hold it.")
@option("--tls-client-ca", type=PEM, metavar="FILE", help="Let only clients in whose certificate this CA vouches for.")
@option("--scenario", metavar="SCENARIO", help="A scenario whose faults are injected; its workload is not used.")
@set_option
@option("--for", "seconds", type=DURATION, help="End by itself after so long, instead of at Ctrl-C.")
@option("--verify/--no-verify", default=True, show_default=True, help="Read the log at the end, or leave it alone.")
@log_options
@report_options
@click.pass_context
def proxy(
    context: click.Context,
    bootstrap: str | None,
    allow_remote: bool,
    mapping: tuple[Any, ...],
    listen: tuple[str, int],
    advertise: str | None,
    ports: range | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    scenario: str | None,
    sets: tuple[str, ...],
    seconds: float | None,
    verify: bool,
    naming: Any,
    isolation: Any,
    wanted: Wanted,
) -> int:
    """Relay between your own producers and a broker, inject a scenario's faults, and report at the end.

    Point your programs at the address that --listen names. Ctrl-C, SIGTERM or --for ends it; then the topics that were
    written through it are read back and what happened is reported. Exit codes are those of `ackdrop run`.
    """
    import trio

    from ..errors import UsageError
    from ..experiment.session import watch_programs
    from ..experiment.settings import WatchSettings
    from .output import Output
    from .scenarios import chosen_ones

    if bootstrap is None:
        raise UsageError("no broker is named", remedy="--bootstrap HOST:PORT, as in --bootstrap localhost:9092")
    if scenario is None and sets:
        raise UsageError("--set without a scenario", remedy="name one with --scenario")
    found = () if scenario is None else chosen_ones((scenario,), sets, ours=False, quiet=wanted.quiet)
    if len(found) > 1:
        raise UsageError(f"{scenario} holds {len(found)} scenarios", remedy="name one of them with --scenario")
    chosen = found[0] if found else None
    output = Output(wanted)
    settings = WatchSettings(
        bootstrap=bootstrap,
        allow_remote=allow_remote,
        listen=listen,
        advertise=_told(listen, advertise),
        ports=ports or (),
        client_tls=_client_tls(tls_cert, tls_key, tls_client_ca),
        out=wanted.out,
        naming=naming,
        isolation=isolation,
        command=again(context),
        seconds=seconds,
        verify=verify,
        mapping=dict(mapping),
    )
    told = output.told()
    code = trio.run(watch_programs, chosen, settings, told)
    output.write(told.results)
    return code


def _told(listen: tuple[str, int], advertise: str | None) -> str | None:
    """The host that clients are told. Raises UsageError where it would be one that nobody can connect to."""
    from ipaddress import ip_address

    from ..errors import UsageError

    try:
        everywhere = ip_address(listen[0]).is_unspecified
    except ValueError:
        everywhere = False
    if everywhere and advertise is None:
        raise UsageError(
            f"--listen {ADDRESS.text(listen)} would have clients told to connect to {listen[0]}, which leads nowhere",
            remedy="name the host under which they find this machine with --advertise HOST",
        )
    return advertise


def _client_tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> ClientTls | None:
    """The TLS that clients are met with, its files looked at. Raises UsageError."""
    from ..errors import UsageError
    from ..security import ClientTls

    if cert is None:
        if key is None and client_ca is None:
            return None
        option = "--tls-key" if key is not None else "--tls-client-ca"
        raise UsageError(f"{option} without --tls-cert", remedy="name our certificate with --tls-cert FILE")
    tls = ClientTls(cert, key, client_ca)
    tls.context()
    return tls
