"""Options of every verb that speaks with a broker of the user's: how it is spoken to, and who ackdrop says it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .options import Command, option

if TYPE_CHECKING:
    from ..security import Sasl, UpstreamTls

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
"""As in `security.py`, which is not imported for the sake of a help text."""

_FILE = click.Path(dir_okay=False, path_type=Path)
_TLS = ("upstream_ca", "upstream_cert", "upstream_key", "upstream_server_name", "upstream_insecure")
_SASL = ("upstream_sasl_mechanism", "upstream_sasl_username", "upstream_sasl_password_file")


def upstream_options(command: Command) -> Command:
    """TLS and SASL towards brokers; the command gets them as `security`, their files looked at."""

    @wraps(command)
    def collected(*arguments: Any, **options: Any) -> Any:
        from ..security import Security

        tls = _tls(options.pop("upstream_tls"), *(options.pop(name) for name in _TLS))
        sasl = _sasl(*(options.pop(name) for name in _SASL))
        return command(*arguments, security=Security(tls, sasl), **options)

    made: Any = collected
    for one in reversed(_OPTIONS):
        made = one(made)
    return cast(Command, made)


_OPTIONS: list[Callable[[Any], Any]] = [
    option("--upstream-tls", is_flag=True, help="Speak TLS with the brokers, and verify whose certificate they show."),
    option(
        "--upstream-ca",
        type=_FILE,
        metavar="FILE",
        help="Whom to trust (PEM), instead of whom the system trusts.",
    ),
    option("--upstream-cert", type=_FILE, metavar="FILE", help="The certificate that ackdrop shows to brokers (PEM)."),
    option("--upstream-key", type=_FILE, metavar="FILE", help="Its key, where the file above does not hold it."),
    option(
        "--upstream-server-name",
        metavar="NAME",
        help="What the brokers' certificates are for, where it is not the hosts that they are known by.",
    ),
    option("--upstream-insecure", is_flag=True, help="Believe any certificate. Anybody in between can read all."),
    option(
        "--upstream-sasl-mechanism",
        type=click.Choice(MECHANISMS, case_sensitive=False),
        help="How ackdrop says who it is, for what it asks of brokers itself; clients' own SASL passes through.",
    ),
    option("--upstream-sasl-username", metavar="NAME", help="Who ackdrop is. Not needed for OAUTHBEARER."),
    option(
        "--upstream-sasl-password-file",
        type=_FILE,
        metavar="FILE",
        help="The password; for OAUTHBEARER the token, which may be renewed there while ackdrop runs.",
    ),
]


def _tls(
    wanted: bool, ca: Path | None, cert: Path | None, key: Path | None, server_name: str | None, insecure: bool
) -> UpstreamTls | None:
    """Raises UsageError for what does not go together, and for a file that cannot be used."""
    from ..errors import UsageError
    from ..security import UpstreamTls

    given = [name for name, value in zip(_TLS, (ca, cert, key, server_name, insecure), strict=True) if value]
    if not wanted and given:
        raise UsageError(f"{_typed(given[0])} without --upstream-tls", remedy="add --upstream-tls")
    if not wanted:
        return None
    if key is not None and cert is None:
        raise UsageError("--upstream-key without --upstream-cert", remedy="name the certificate with --upstream-cert")
    if insecure and ca is not None:
        raise UsageError(
            "--upstream-ca says whom to trust, and --upstream-insecure to trust anybody", remedy="leave one of them out"
        )
    tls = UpstreamTls(ca, cert, key, server_name or None, verify=not insecure)
    tls.context()
    return tls


def _sasl(mechanism: Any, username: str | None, file: Path | None) -> Sasl | None:
    """Raises UsageError for what does not go together, and for a file that cannot be used."""
    from ..errors import UsageError
    from ..security import Sasl

    values = mechanism, username, file
    given = [name for name, value in zip(_SASL, values, strict=True) if value is not None]
    if not given:
        return None
    needed = [name for name in _SASL if name not in given]
    if mechanism == "OAUTHBEARER":
        needed = [name for name in needed if name != "upstream_sasl_username"]
    if needed:
        raise UsageError(
            f"{_typed(given[0])} without {_typed(needed[0])}",
            remedy="say " + " and ".join(f"{_typed(name)} {_SHOWN[name]}" for name in needed) + ", too",
        )
    assert file is not None
    return Sasl.read(mechanism, username or "", file)


_SHOWN = {
    "upstream_sasl_mechanism": "SCRAM-SHA-256 (say)",
    "upstream_sasl_username": "NAME",
    "upstream_sasl_password_file": "FILE",
}


def _typed(name: str) -> str:
    return "--" + name.replace("_", "-")
