"""`ackdrop tls init`: a throw-away CA with a server's and a client's certificate."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ..report.folding import say
from .group import Group

EPILOG = """\b
Examples:
  ackdrop tls init
  ackdrop tls init certificates --name kafka.example --name 10.0.0.7
"""


@click.group(cls=Group, epilog="Example:  ackdrop tls init")
def tls() -> None:
    """Certificates for tests and local use."""


@tls.command(epilog=EPILOG)
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default="ackdrop-tls")
@click.option(
    "--name",
    "names",
    metavar="HOST",
    multiple=True,
    help="A host name or IP address that the server's certificate is for, beside localhost, 127.0.0.1 and ::1. "
    "Can be given several times.",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def init(folder: Path, names: tuple[str, ...], force: bool) -> None:
    """Make a throw-away CA, a server's certificate and a client's, as PEM files in DIR [ackdrop-tls].

    Good for a year. The CA's own key is not kept, so nobody can sign anything else with it. The other keys are readable
    for you alone and have no password. Then it says which options go where.
    """
    from .. import authority

    issued = authority.issue(names)
    authority.write(issued, folder, force=force)
    say(
        [
            f"Written to {folder}: {', '.join(issued.files)}",
            f"for {', '.join(issued.names)}; good until {issued.until:%Y-%m-%d}",
            *_next(folder).splitlines(),
        ]
    )


def _next(folder: Path) -> str:
    """What to type next: to the proxy as the folder was named, to clients with its whole path."""
    from ..authority import CA, CLIENT, CLIENT_KEY, CLIENT_STORE, SERVER, SERVER_KEY

    def at(name: str) -> str:
        return shlex.quote(str(folder / name))

    here = folder.absolute()
    return f"""
TLS between clients and the proxy:
  ackdrop proxy --bootstrap HOST:PORT \\
    --tls-cert {at(SERVER)} --tls-key {at(SERVER_KEY)}
and, where clients have to show a certificate too:
  --tls-client-ca {at(CA)}

Clients need the first lines, and the last two only with --tls-client-ca.
librdkafka (confluent-kafka, kcat):
  security.protocol=ssl
  ssl.ca.location={here / CA}
  ssl.certificate.location={here / CLIENT}
  ssl.key.location={here / CLIENT_KEY}
Java:
  security.protocol=SSL
  ssl.truststore.type=PEM
  ssl.truststore.location={here / CA}
  ssl.keystore.type=PEM
  ssl.keystore.location={here / CLIENT_STORE}
kafka-python:
  security_protocol="SSL", ssl_cafile={str(here / CA)!r},
  ssl_certfile={str(here / CLIENT)!r},
  ssl_keyfile={str(here / CLIENT_KEY)!r}"""
