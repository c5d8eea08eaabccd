"""The broker that the user gave, and the one that is found on localhost:9092."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

import trio

from ..direct.approach import Approach
from ..direct.authentication import NotLetIn
from ..direct.connection import shown
from ..errors import BrokerError, UsageError
from ..security import ANYBODY, Security
from .probe import probe
from .running import RunningBroker

FOUND_AT = "localhost:9092"
FOUND_WITHIN = 3.0
GIVEN_TRIES = 2
BETWEEN_TRIES = 0.5
GIVEN_WAIT = 5.0
RESOLVED_WITHIN = 3.0
"""Seconds for one try to reach a given broker, and for its name: together all ends within 15."""


class Address(NamedTuple):
    host: str
    port: int


def parse(text: str) -> Address:
    """HOST:PORT, the host of an IPv6 address in brackets. Raises UsageError."""
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not host or "," in text or not (port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(f"{text!r} is not the address of a broker", remedy="give one as HOST:PORT, localhost:9092 say")
    return Address(host, int(port))


async def given(bootstrap: str, allow_remote: bool, security: Security = ANYBODY) -> RunningBroker:
    """The broker at this address, or at one of several with commas between them, once it has answered.

    Raises UsageError for an address that is not loopback without `allow_remote`, and BrokerError within 15 s when no
    broker answers: NotLetIn, where one does that does not speak with us as we are.
    """
    addresses, approach = await allowed(bootstrap, allow_remote), Approach.of(security)
    tried: list[str] = []
    not_let_in: NotLetIn | None = None
    wait = GIVEN_WAIT / len(addresses)
    for _ in range(GIVEN_TRIES):
        for address in addresses:
            try:
                with trio.fail_after(wait):
                    await probe(*address, wait=wait, approach=approach)
                return RunningBroker(bootstrap, "given", remote=allow_remote, security=security)
            except NotLetIn as error:
                not_let_in = not_let_in or error
            except BrokerError as error:
                tried.append(error.message)
            except trio.TooSlowError:
                tried.append(f"{shown(*address)}: no answer within {wait:g} s")
        if not_let_in is not None:
            raise not_let_in
        await trio.sleep(BETWEEN_TRIES)
    raise BrokerError(
        f"no Kafka broker answers at {bootstrap}; tried {GIVEN_TRIES} times: {'; '.join(dict.fromkeys(tried))}",
        remedy="see that it runs and that the address is its Kafka listener,"
        " or leave --bootstrap out: ackdrop then starts a broker of its own",
    )


async def allowed(bootstrap: str, allow_remote: bool) -> list[Address]:
    """The addresses that are named. Raises UsageError for what is none, and for one that is not loopback without
    `allow_remote`; BrokerError for a name that is not known."""
    addresses = [parse(each) for each in bootstrap.split(",")]
    for address in addresses:
        if not allow_remote and not await is_loopback(address.host):
            raise UsageError(
                f"{shown(*address)} is not on this machine; ackdrop writes test records and breaks connections",
                remedy="say --allow-remote if that is meant",
            )
    return addresses


async def found() -> RunningBroker | str:
    """The broker on localhost:9092, or a clause that says why there is none."""
    try:
        with trio.fail_after(FOUND_WITHIN):
            await probe(*parse(FOUND_AT), wait=FOUND_WITHIN)
    except BrokerError as error:
        return f"no Kafka broker on {error.message}"
    except trio.TooSlowError:
        return f"no Kafka broker on {FOUND_AT}: what listens there did not answer within {FOUND_WITHIN:g} s"
    return RunningBroker(FOUND_AT, "found")


async def is_loopback(host: str) -> bool:
    """Does every address of this host lie on this machine's loopback? Raises BrokerError for an unknown name."""
    try:
        with trio.fail_after(RESOLVED_WITHIN):
            entries = await trio.socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        raise BrokerError(
            f"the host name {host!r} is not known ({error})", remedy="see that the name of --bootstrap is right"
        ) from error
    except trio.TooSlowError as error:
        raise BrokerError(
            f"the host name {host!r} was not resolved within {RESOLVED_WITHIN:g} s", remedy="give its address instead"
        ) from error
    return all(_is_loopback_address(str(entry[4][0])) for entry in entries)


def _is_loopback_address(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
