"""A throw-away CA, and what it signs: for tests and local use. The CA's own key is never written anywhere."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import SurroundingsError, UsageError

if TYPE_CHECKING:
    import trustme

NAMES = ("localhost", "127.0.0.1", "::1")
"""Whom the server's certificate is for, whatever else is asked for."""
LASTS = timedelta(days=365)

CA, SERVER, SERVER_KEY = "ca.pem", "server.pem", "server-key.pem"
CLIENT, CLIENT_KEY, CLIENT_STORE = "client.pem", "client-key.pem", "client-keystore.pem"
"""Files in PEM: the CA's certificate; a server's and a client's chain, each with its key (PKCS#8, without a password);
the client's key and chain once more in one file, as Java wants them."""
_HOST = re.compile(r"(\*\.)?[^\s.:@/*]+(\.[^\s.:@/*]+)*")
_SECRET = frozenset({SERVER_KEY, CLIENT_KEY, CLIENT_STORE})


@dataclass(frozen=True, slots=True)
class Issued:
    """What a CA has signed: the files by name, the server's names, and until when both certificates are good."""

    files: Mapping[str, bytes]
    names: tuple[str, ...]
    until: datetime


def issue(names: Iterable[str] = ()) -> Issued:
    """A new CA, a server's certificate for NAMES and these, and a client's. Raises UsageError for what is no name."""
    import trustme

    authority = trustme.CA(organization_name="ackdrop", organization_unit_name="throw-away CA")
    wanted = tuple(dict.fromkeys((*NAMES, *(_name(authority, name) for name in names))))
    until = datetime.now(UTC).replace(microsecond=0) + LASTS
    server_chain, server_key = _leaf(authority, "server", wanted, until)
    client_chain, client_key = _leaf(authority, "client", ("client.invalid",), until)
    files = {
        CA: authority.cert_pem.bytes(),
        SERVER: server_chain,
        SERVER_KEY: server_key,
        CLIENT: client_chain,
        CLIENT_KEY: client_key,
        CLIENT_STORE: client_key + client_chain,
    }
    return Issued(files, wanted, until)


def write(issued: Issued, folder: Path, *, force: bool = False) -> None:
    """Write the files, keys for their owner's eyes alone; each appears whole.

    Raises UsageError where one of them is there already and `force` is not asked for (nothing is written then), and
    SurroundingsError for a folder that cannot be written.
    """
    there = [name for name in issued.files if os.path.lexists(folder / name)]
    if there and not force:
        raise UsageError(
            f"{folder} has {', '.join(there)} already",
            remedy="name another folder, or say --force to replace what is there",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in issued.files.items():
            _write(folder / name, data, secret=name in _SECRET)
    except OSError as error:
        raise SurroundingsError(
            f"{error.filename2 or error.filename or folder} cannot be written: {error.strerror}",
            remedy="name a folder of your own",
        ) from error


def _write(path: Path, data: bytes, *, secret: bool) -> None:
    """One file, by way of a new one beside it: what is there is never half of it, and its mode never too wide."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb") as file:
            file.write(data)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _name(authority: trustme.CA, text: str) -> str:
    """A host name or an IP address that this authority can make a certificate for."""
    bare = text.strip().removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        return str(ipaddress.ip_address(bare))
    if _HOST.fullmatch(bare):
        with suppress(ValueError):  # what IDNA forbids
            authority.issue_cert(bare)
            return bare.lower()
    raise UsageError(
        f"--name {text!r} is no host name and no IP address",
        remedy="give the host alone, without a port: --name kafka.example --name 10.0.0.7",
    )


def _leaf(authority: trustme.CA, who: str, names: tuple[str, ...], until: datetime) -> tuple[bytes, bytes]:
    """A certificate's chain, and its key."""
    leaf = authority.issue_cert(*names, organization_name="ackdrop", common_name=f"ackdrop {who}", not_after=until)
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems), _pkcs8(leaf.private_key_pem.bytes())


def _pkcs8(key: bytes) -> bytes:
    """The key in the form that Java reads too."""
    from cryptography.hazmat.primitives import serialization as form

    loaded = form.load_pem_private_key(key, None)
    return loaded.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
