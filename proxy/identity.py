"""What a record is known by: the identity that our own workload writes, or what a user names.

Our own workload writes an identity into a header of every record. Two levels: the logical record (`record`, what the
application means) and the send (`send`, how often the application has sent it before). A client's retry repeats both;
an application's resend raises `send`. `order` is the position in which `send()` was called, so that reordering can be
told. The header is named `ackdrop`, its value is the ASCII text `RUN/PRODUCER/RECORD/SEND/ORDER`; producers in a
foreign interpreter write the same text without this module.

A foreign program's records have no such header. A `Naming` says which part of them tells one from another; without one,
a record is known by create time, key, value and headers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

HEADER = "ackdrop"

NAMINGS = ("header:NAME", "key", "value", "json:PATH")
"""The forms of a Naming."""


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


class Named(Protocol):
    """What a Naming needs of a record; `kafka.records.Record` is one."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]: ...


@dataclass(frozen=True, slots=True)
class Naming:
    """Which part of a record names it. `of(record)` is that part, None where the record has none, or a null there.

    `header:NAME` is the value of the first header of that name, `key` and `value` are the record's own. `json:PATH`
    takes the value as JSON, and the one node that an RFC 9535 query finds in it, written canonically: keys sorted, no
    spaces, UTF-8, a whole number without fraction or exponent. A value that is no JSON, and a query that finds nothing
    or more than one node, name nothing.
    """

    text: str
    of: Callable[[Named], bytes | None] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> Naming:
        """From `header:NAME`, `key`, `value` or `json:PATH`. Raises ValueError with a sentence."""
        form, colon, argument = text.partition(":")
        if text == "key":
            return cls(text, lambda record: record.key)
        if text == "value":
            return cls(text, lambda record: record.value)
        if colon and form == "header":
            return cls(text, _header(argument))
        if colon and form == "json":
            return cls(text, _json(argument))
        raise ValueError(f"{text!r} names no part of a record: {', '.join(NAMINGS[:-1])} and {NAMINGS[-1]} do")


def _header(name: str) -> Callable[[Named], bytes | None]:
    if not name:
        raise ValueError("header: needs the name of a header, as in header:order-id")

    def of(record: Named) -> bytes | None:
        for each, value in record.headers:
            if each == name:
                return value
        return None

    return of


def _json(path: str) -> Callable[[Named], bytes | None]:
    from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError  # 0.1 s that only users of a path pay

    try:
        query = JSONPathEnvironment(strict=True).compile(path)
    except JSONPathError as error:
        reason = error.args[0] if error.args else "it cannot be read"
        raise ValueError(f"{path!r} is no JSONPath (RFC 9535): {reason}") from None
    assert isinstance(query, JSONPath)

    def of(record: Named) -> bytes | None:
        try:
            document = json.loads(record.value or b"", parse_float=_number, parse_constant=_number)
            found = query.findall(document)
            return _canonical(found[0]) if len(found) == 1 else None
        except (ValueError, RecursionError, JSONPathError):
            return None

    return of


def _number(text: str) -> float | int:
    """A JSON number with a fraction or an exponent; a whole one that a double holds exactly becomes an integer."""
    number = float(text)
    if not abs(number) < float("inf"):
        raise ValueError(f"{text} is no number that JSON can say")
    return int(number) if number.is_integer() and abs(number) <= 1 << 53 else number


def _canonical(node: Any) -> bytes | None:
    if node is None:
        return None
    text = json.dumps(node, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate has no UTF-8, but an escape in JSON
