"""Options of the verbs that stand in front of programs which are not ours: where clients find the proxy, and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .options import ADDRESS, DURATION, PORTS, SIZE, Command, option

if TYPE_CHECKING:
    from ..security import ClientTls

_PEM = click.Path(dir_okay=False, path_type=Path)


def front_options(listen: str) -> Callable[[Command], Command]:
    """Where and how the proxy listens, by default at `listen`; the command gets it all as `listening` and
    `wire`."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def collected(*arguments: Any, **options: Any) -> Any:
            from ..core.wire import WireSettings
            from ..experiment.settings import Listening
            from ..relay.limits import Limits

            names = ("listen", "advertise", "ports", "tls_cert", "tls_key", "tls_client_ca")
            address, advertise, ports, cert, key, client_ca = (options.pop(name) for name in names)
            limits = Limits(connections=options.pop("max_connections"), idle=options.pop("idle"))
            frame_limit = options.pop("max_frame")
            listening = Listening(
                address, _told(address, advertise), ports or (), _client_tls(cert, key, client_ca), limits
            )
            wire = WireSettings() if frame_limit is None else WireSettings(frame_limit=frame_limit)
            return command(*arguments, listening=listening, wire=wire, **options)

        made: Any = collected
        for one in reversed(_options(listen)):
            made = one(made)
        return cast(Command, made)

    return decorate


def _options(listen: str) -> list[Callable[[Any], Any]]:
    return [
        option(
            "--listen",
            type=ADDRESS,
            default=listen,
            show_default=True,
            help="Where clients find the proxy; port 0 takes any free one.",
        ),
        option(
            "--advertise", metavar="HOST", help="The host that clients are told, where it is not the one of --listen."
        ),
        option(
            "--ports",
            type=PORTS,
            help="The ports that stand for the cluster's brokers, one for each; otherwise any free ones.",
        ),
        option("--tls-cert", type=_PEM, metavar="FILE", help="Speak TLS with clients, with this certificate (PEM)."),
        option("--tls-key", type=_PEM, metavar="FILE", help="Its key, where the file above does not hold it."),
        option(
            "--tls-client-ca",
            type=_PEM,
            metavar="FILE",
            help="Let only clients in whose certificate this CA vouches for.",
        ),
        option(
            "--max-connections",
            type=click.IntRange(min=1),
            metavar="N",
            help="Close further clients as they come. Otherwise there is no limit.",
        ),
        option(
            "--max-frame", type=SIZE, help="The largest request, and answer that has to be read; 100MiB if not said."
        ),
        option("--idle", type=DURATION, help="Close a connection on which nothing came from either side for so long."),
        option(
            "--grace",
            type=DURATION,
            default="5s",
            show_default=True,
            help="How long answers may still come for requests that are in flight at the end.",
        ),
    ]


def _told(listen: tuple[str, int], advertise: str | None) -> str | None:
    """The host that clients are told. Raises UsageError where it would be one that nobody can connect to."""
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
        given = "--tls-key" if key is not None else "--tls-client-ca"
        raise UsageError(f"{given} without --tls-cert", remedy="name our certificate with --tls-cert FILE")
    tls = ClientTls(cert, key, client_ca)
    tls.context()
    return tls
