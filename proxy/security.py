"""How a connection is made safe, on each side of the proxy for itself: TLS, and who ackdrop is towards a broker.

Values and what the standard library makes of them. Secrets are in no `repr`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, get_args

from .errors import UsageError

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards brokers. `ca` is a PEM file of who is trusted (None: whom the system trusts), `cert` and `key` name
    us (mTLS). `server_name` is what the certificate has to be for, where it is not the host that is connected to.
    Without `verify` anyone is believed."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """What Python needs to connect. Raises UsageError for a file that is not what it should be."""
        if self.ca is not None:
            _readable(self.ca, "--upstream-ca")
        context = _context(ssl.PROTOCOL_TLS_CLIENT)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca is None:
            context.load_default_certs()
        else:
            _load_ca(context, self.ca, "--upstream-ca")
        if self.cert is not None:
            _load_pair(context, self.cert, self.key, "--upstream-cert", "--upstream-key")
        return context


@dataclass(frozen=True, slots=True)
class ClientTls:
    """TLS towards clients: our certificate and its key (None: both are in one file). With `client_ca` a client has to
    show a certificate that this PEM file vouches for."""

    cert: Path
    key: Path | None = None
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What Python needs to accept. Raises UsageError for a file that is not what it should be."""
        context = _context(ssl.PROTOCOL_TLS_SERVER)
        _load_pair(context, self.cert, self.key, "--tls-cert", "--tls-key")
        if self.client_ca is not None:
            _load_ca(context, self.client_ca, "--tls-client-ca")
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True, slots=True)
class Sasl:
    """Who ackdrop is towards a broker. With OAUTHBEARER `password` is the token, and `username` may be empty. `file` is
    where the password came from."""

    mechanism: Mechanism
    username: str
    password: str = field(repr=False)
    file: Path | None = None

    @classmethod
    def read(cls, mechanism: Mechanism, username: str, file: Path) -> Self:
        """With the password in this file, without the end of line behind it. Raises UsageError."""
        return cls(mechanism, username, _password(file), file)

    def renewed(self) -> Self:
        """With what stands in the file now: a token is good for a while, and somebody may write the next one. Where
        there is nothing to be read at the moment, as it was."""
        if self.file is None:
            return self
        try:
            return replace(self, password=_password(self.file))
        except UsageError:
            return self


@dataclass(frozen=True, slots=True)
class Security:
    """How ackdrop speaks to the brokers of a cluster: all of them alike."""

    tls: UpstreamTls | None = None
    sasl: Sasl | None = None


ANYBODY = Security()
"""No TLS, and nobody is named."""


_LONGEST = 1 << 16


def _password(file: Path) -> str:
    option = f"--upstream-sasl-password-file {file}"
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST + 1)
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise UsageError(f"{option}: {error.strerror or error}", remedy="name a file with the password") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} is no text in UTF-8", remedy="name a file with the password alone") from error
    if not text or len(content) > _LONGEST or "\0" in text:
        what = "is empty" if not text else "holds no password: it is too long, or no text"
        raise UsageError(f"{option} {what}", remedy="name a file with the password alone")
    return text


def _context(protocol: int) -> ssl.SSLContext:
    """TLS from 1.2 on, and never negotiated anew in the middle, as TLS 1.3 does not know it either."""
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def _readable(path: Path, option: str) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror or error}", remedy="name a PEM file") from error


def _load_ca(context: ssl.SSLContext, path: Path, option: str) -> None:
    _readable(path, option)
    try:
        context.load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError) as error:
        raise UsageError(
            f"{option} {path} holds no certificate that can be read", remedy="name a PEM file (BEGIN CERTIFICATE)"
        ) from error


def _load_pair(context: ssl.SSLContext, cert: Path, key: Path | None, cert_option: str, key_option: str) -> None:
    _readable(cert, cert_option)
    if key is not None:
        _readable(key, key_option)
    where = f"{cert_option} {cert}" + ("" if key is None else f", {key_option} {key}")
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as error:
        raise UsageError(
            f"{where}: {_why(error)}", remedy=f"name PEM files, with {key_option} the certificate's own"
        ) from error


def _no_password() -> str:
    raise UsageError("the key is encrypted", remedy="name a key without a password (openssl pkey -in KEY -out PLAIN)")


def _why(error: ssl.SSLError) -> str:
    if "KEY_VALUES_MISMATCH" in str(error):
        return "the key does not belong to the certificate"
    return "there is no certificate and key that can be read"
