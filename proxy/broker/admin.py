"""Redpanda's Admin API, as far as faults need it: another broker is made the leader of a partition.

`POST /v1/partitions/kafka/{topic}/{partition}/transfer_leadership?target={node}`; without `target` Redpanda chooses.
Whoever is not the leader answers with a redirect to it.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse

import trio

from ..errors import BrokerError
from .given import Address, is_loopback, parse

PORT = 9644
WITHIN = 5.0
REDIRECTS = 3
LONGEST = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)


async def transfer_leadership(
    admin: str, topic: str, partition: int, to: int | None, *, allow_remote: bool = False
) -> None:
    """Ask the Admin API at `admin` (HOST:PORT) to move a partition's leadership to node `to` (None: any other one).

    A redirect is followed, off this machine only with `allow_remote`. BrokerError: it was refused, or nobody answers.
    """
    path = f"/v1/partitions/kafka/{urllib.parse.quote(topic, safe='')}/{partition}/transfer_leadership"
    path += "" if to is None else f"?target={to}"
    where = parse(admin)
    for _ in range(REDIRECTS):
        if not allow_remote and not await is_loopback(where.host):
            raise BrokerError(f"the leader's Admin API at {where.host}:{where.port} is not on this machine")
        status, location, body = await _ask(where, path)
        if status not in _MOVED:
            break
        where, path = _target(location, where)
    if not 200 <= status < 300:
        raise BrokerError(f"the Admin API at {where.host}:{where.port} answered {status}{_message(body)}")


async def _ask(where: Address, path: str) -> tuple[int, str, bytes]:
    try:
        return await trio.to_thread.run_sync(_post, where, path, abandon_on_cancel=True)
    except (OSError, http.client.HTTPException) as error:
        told = str(error) or type(error).__name__
        raise BrokerError(f"Redpanda's Admin API at {where.host}:{where.port} does not answer: {told}") from error


def _post(where: Address, path: str) -> tuple[int, str, bytes]:
    """One request: the status, where it redirects to (or nowhere), and the body."""
    connection = http.client.HTTPConnection(where.host, where.port, timeout=WITHIN)
    try:
        connection.request("POST", path)
        response = connection.getresponse()
        return response.status, response.getheader("Location") or "", response.read(LONGEST)
    finally:
        connection.close()


def _target(location: str, now: Address) -> tuple[Address, str]:
    """Where a redirect leads: the address and the path. A path alone stays with the address."""
    try:
        parts = urllib.parse.urlsplit(location)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.scheme not in ("", "http") or not path.startswith("/"):
            raise ValueError(location)
        return (Address(parts.hostname, parts.port or 80) if parts.hostname else now), path
    except ValueError:
        raise BrokerError(f"the Admin API at {now.host}:{now.port} redirects to {location!r}") from None


def _message(body: bytes) -> str:
    """`: MESSAGE`, out of Redpanda's JSON object of an error; else the first line of what it answered."""
    text = body.decode(errors="replace").strip()
    try:
        said = json.loads(text)
        text = str(said["message"])
    except (ValueError, TypeError, KeyError):
        pass
    return f": {text.splitlines()[0][:240]}" if text.strip() else ""


def address_of(host: str) -> str:
    """Where the Admin API of a broker on this host is by default."""
    return f"[{host}]:{PORT}" if ":" in host else f"{host}:{PORT}"
