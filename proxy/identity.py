"""The identity that our own workload writes into a header of every record.

Two levels: the logical record (`record`, what the application means) and the send (`send`, how often the application
has sent it before). A client's retry repeats both; an application's resend raises `send`. `order` is the position in
which `send()` was called, so that reordering can be told. The header is named `ackdrop`, its value is the ASCII text
`RUN/PRODUCER/RECORD/SEND/ORDER`; producers in a foreign interpreter write the same text without this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEADER = "ackdrop"


@dataclass(frozen=True, slots=True)
class Identity:
    run: str
    producer: str
    record: int
    send: int
    order: int


def write(identity: Identity) -> bytes:
    """The header's value."""
    return f"{identity.run}/{identity.producer}/{identity.record}/{identity.send}/{identity.order}".encode("ascii")


def read(headers: Iterable[tuple[str, bytes | None]]) -> Identity | None:
    """The identity in a record's headers, or None where there is none of ours (a foreign record)."""
    for name, value in headers:
        if name == HEADER and value is not None:
            return _parse(value)
    return None


def _parse(value: bytes) -> Identity | None:
    parts = value.split(b"/")
    if len(parts) != 5 or not all(part.isdigit() for part in parts[2:]):
        return None
    try:
        run, producer = parts[0].decode("ascii"), parts[1].decode("ascii")
    except UnicodeDecodeError:
        return None
    return Identity(run, producer, int(parts[2]), int(parts[3]), int(parts[4]))
