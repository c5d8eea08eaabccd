"""Saying who we are to a broker, before anything else is asked of it (KIP-43, KIP-152).

SaslHandshake names the mechanism, in version 1, so that the tokens travel in SaslAuthenticate requests. Nothing here
reads or writes: whoever has a connection sends the frames that are given, and hands in the answers.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..errors import BrokerError
from ..kafka import bodies
from ..kafka.codes import error_code, error_name
from ..kafka.sasl import TokenError, tokens
from ..security import MECHANISMS, Sasl

CLIENT_ID = "ackdrop"

OPTIONS = "--upstream-sasl-mechanism, --upstream-sasl-username and --upstream-sasl-password-file"

_UNSUPPORTED = error_code("UNSUPPORTED_SASL_MECHANISM")
_ILLEGAL = error_code("ILLEGAL_SASL_STATE")
_FAILED = error_code("SASL_AUTHENTICATION_FAILED")
_HANDSHAKE = 1

NEWEST = 2
"""The newest version of SaslAuthenticate that we ask for."""

Frames = Generator[bytes, memoryview, float | None]


class NotLetIn(BrokerError):
    """Whoever answers there is a broker, and does not speak with us as we are. Trying again changes nothing."""


class SaslWanted(NotLetIn):
    """The broker wants to know who is speaking, and we have nobody to name. `mechanisms` are those it takes."""

    def __init__(self, address: str, mechanisms: tuple[str, ...]) -> None:
        ours = [each for each in mechanisms if each in MECHANISMS]
        remedy = f"Say who ackdrop is with {OPTIONS}."
        if mechanisms and not ours:
            remedy = f"Have the listener take one that ackdrop knows, too: {', '.join(MECHANISMS)}."
        super().__init__(
            f"{address}: the broker wants to know who is speaking (SASL: {', '.join(mechanisms) or 'any'})",
            remedy=remedy,
        )
        self.mechanisms = mechanisms


def authentication(sasl: Sasl, address: str, version: int = 0) -> Frames:
    """Request frames, each to be answered with the whole frame that the broker sends; then the seconds for which it
    will listen (KIP-368), None where it does not tell.

    `version` is that of SaslAuthenticate. Raises NotLetIn with what is wrong, and UndecodableError.
    """
    sasl = sasl.renewed()
    answer = bodies.decode_response("sasl_handshake", _HANDSHAKE, (yield handshake(sasl.mechanism)))
    _check_handshake(answer, sasl, address)
    conversation = tokens(sasl.mechanism, sasl.username, sasl.password)
    token, asked, lifetime = next(conversation), 1, None
    while True:
        asked += 1
        request = bodies.encode_request("sasl_authenticate", version, asked, CLIENT_ID, auth_bytes=token)
        body = bodies.decode_response("sasl_authenticate", version, (yield request))
        if body.error_code:
            raise _refused(body, sasl, address)
        lifetime = body.session_lifetime_ms
        try:
            token = conversation.send(bytes(body.auth_bytes or b""))
        except StopIteration:
            return lifetime / 1000 if lifetime else None
        except TokenError as error:
            raise NotLetIn(f"{address}: {sasl.mechanism} failed: {error.message}", remedy=SEE_SECRET) from None


def handshake(mechanism: str) -> bytes:
    """The request that names a mechanism; its correlation id is 1."""
    return bodies.encode_request("sasl_handshake", _HANDSHAKE, 1, CLIENT_ID, mechanism=mechanism)


def mechanisms_in(answer: memoryview) -> tuple[str, ...] | None:
    """Those that the broker takes, by its answer to a mechanism that nobody has; None where it wants none at all.
    Raises UndecodableError."""
    body = bodies.decode_response("sasl_handshake", _HANDSHAKE, answer)
    return tuple(map(str, body.mechanisms)) if body.error_code == _UNSUPPORTED else None


SEE_SECRET = "See that --upstream-sasl-username and the content of --upstream-sasl-password-file are right."


def _check_handshake(answer: Any, sasl: Sasl, address: str) -> None:
    if answer.error_code == _ILLEGAL:
        raise NotLetIn(
            f"{address}: this listener does not want to know who is speaking",
            remedy="Leave the --upstream-sasl-... options out, or name the listener with SASL.",
        )
    if answer.error_code == _UNSUPPORTED:
        known = ", ".join(map(str, answer.mechanisms))
        raise NotLetIn(
            f"{address}: the broker does not take {sasl.mechanism}" + (f", but {known}" if known else ""),
            remedy="Name one that it takes with --upstream-sasl-mechanism.",
        )
    if answer.error_code:
        raise NotLetIn(f"{address}: the broker refuses {sasl.mechanism}: {error_name(answer.error_code)}")


def _refused(body: Any, sasl: Sasl, address: str) -> NotLetIn:
    who = f"{sasl.username!r} with {sasl.mechanism}" if sasl.username else f"the token of {sasl.mechanism}"
    said = str(body.error_message or "").replace(sasl.password, "***") if sasl.password else ""
    name = "" if body.error_code == _FAILED else error_name(body.error_code)
    why = ": ".join(filter(None, (name, said)))
    return NotLetIn(f"{address}: the broker does not let {who} in" + (f" ({why})" if why else ""), remedy=SEE_SECRET)
