"""Why a listener ends the connection without a word: it speaks TLS, or does not, or wants to know who is speaking.

Each question is a connection of its own, and asked only after something has failed. None is answered by guessing.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Literal

import trio

from ..errors import BrokerError, UndecodableError
from ..kafka import bodies
from .approach import PLAINLY, Approach
from .authentication import CLIENT_ID, SEE_SECRET, NotLetIn, SaslWanted, handshake, mechanisms_in
from .connection import Connection, ConnectionLost, shown, wants_tls

PATIENCE = 3.0
"""Seconds for each question."""

_HANDSHAKE, _ALERT = 0x16, 0x15
_NOBODY_HAS = "ACKDROP"
"""A mechanism that no broker takes: the answer lists those that it does."""


Stage = Literal["opening", "learning", "authenticating", "asking"]
"""How far a connection has come: it is made, the versions are asked for, we say who we are, we ask."""


async def explained(
    error: ConnectionLost, stage: Stage, host: str, port: int, approach: Approach, name: str | None
) -> BrokerError:
    """The error that says why a connection to that address ended at this stage, twice; the same one where nobody
    knows."""
    address = shown(host, port)
    if stage == "opening" and approach.context is not None and await speaks_kafka_plainly(host, port):
        return NotLetIn(
            f"{address}: this listener does not speak TLS",
            remedy="Leave --upstream-tls out, or name the listener with TLS.",
        )
    if stage == "learning" and approach.context is None and await speaks_tls(host, port):
        return wants_tls(address)
    if stage == "learning" and approach.context is not None:
        return ConnectionLost(
            error.message,
            remedy="See whether the listener wants a certificate of ours, for --upstream-cert and --upstream-key.",
        )
    if stage == "authenticating":
        return ConnectionLost(error.message, remedy=SEE_SECRET)
    if stage == "asking" and approach.sasl is None:
        mechanisms = await wanted_mechanisms(host, port, approach, name)
        if mechanisms is not None:
            return SaslWanted(address, mechanisms)
    return error


async def speaks_tls(host: str, port: int) -> bool:
    """Whether a greeting in TLS is answered in TLS."""
    with trio.move_on_after(PATIENCE):
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError:
            return False
        try:
            await stream.send_all(_greeting(host))
            answer = await stream.receive_some(3)
        except trio.BrokenResourceError:
            return False
        finally:
            stream.socket.close()
        return len(answer) > 1 and answer[0] in (_HANDSHAKE, _ALERT) and answer[1] == 3
    return False


async def speaks_kafka_plainly(host: str, port: int) -> bool:
    """Whether ApiVersions is answered without TLS."""
    return await _answer(host, port, bodies.encode_request("api_versions", 0, 1, CLIENT_ID), PLAINLY) is not None


async def wanted_mechanisms(host: str, port: int, approach: Approach, name: str | None) -> tuple[str, ...] | None:
    """The SASL mechanisms that the broker takes; None where it does not want to know who is speaking."""
    answer = await _answer(host, port, handshake(_NOBODY_HAS), approach, name)
    try:
        return None if answer is None else mechanisms_in(answer)
    except UndecodableError:
        return None


async def _answer(
    host: str, port: int, request: bytes, approach: Approach, name: str | None = None
) -> memoryview | None:
    with trio.move_on_after(PATIENCE):
        try:
            connection = await Connection.open(host, port, PATIENCE, approach, name)
        except BrokerError:
            return None
        try:
            return await connection.exchange(request, "a question", PATIENCE)
        except BrokerError:
            return None
        finally:
            connection.close()
    return None


def _greeting(host: str) -> bytes:
    """A ClientHello; nothing is verified, since nothing is said after it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with contextlib.suppress(ssl.SSLWantReadError):
        side.do_handshake()
    return outgoing.read()
