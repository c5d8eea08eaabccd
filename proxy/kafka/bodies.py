"""Bodies that ackdrop asks for itself, encoded and decoded by kafka-python's `kafka.protocol`.

This is the only module that imports it, and only when the first body is needed: importing it costs a tenth of a
second. It reads what a broker answered to us, and of what passes the proxy only the answers into which a fault writes
an error. It is not trusted with more: whatever it raises on a frame that it cannot read becomes UndecodableError.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from struct import error as StructError
from types import ModuleType
from typing import Any

from ..errors import UndecodableError
from .apis import api_key, flexible_version
from .headers import response_body_at
from .primitives import Buffer

_ROOMS = ("metadata", "producer", "consumer", "admin", "sasl")
_FAILURES = (StructError, IndexError, KeyError, ValueError, TypeError, AttributeError, AssertionError, OverflowError)


def encode_request(api: str, version: int, correlation_id: int, client_id: str, **fields: object) -> bytes:
    """A whole request frame of this API (`list_offsets`) and version.

    `fields` are the body's fields in snake_case as Kafka's message definitions name them, arrays of structures as lists
    of dictionaries: `topics=[{"name": "t", "partitions": [{"partition_index": 0, "timestamp": -1}]}]`. A field that
    is not given has its default; one that this version does not have is left out. Raises KeyError for an API and
    ValueError for a version or a field that kafka-python does not know: mistakes of the caller's.
    """
    message = _message_class(api, "Request")
    request = _build(message, message._struct, version, fields)
    request.with_header(correlation_id=correlation_id, client_id=client_id)
    return bytes(request.encode(header=True, framed=True))


def _build(container: Any, struct: Any, version: int, fields: Mapping[str, object]) -> Any:
    """A container of kafka-python's with its nested ones made from dictionaries."""
    values = {name: _value(struct.fields.get(name), version, value) for name, value in fields.items()}
    return container(version=version, **values)


def _value(field: Any, version: int, value: object) -> object:
    if isinstance(value, Mapping) and field is not None and field.is_struct():
        return _build(field.data_class, field, version, value)
    if isinstance(value, list | tuple) and field is not None and field.is_struct_array():
        return [_build(field.data_class, field, version, item) if isinstance(item, Mapping) else item for item in value]
    return value


def decode_response(api: str, version: int, frame: Buffer) -> Any:
    """The body in a whole response frame: an object with the body's fields as attributes, in snake_case.

    Fields that the version does not have hold their defaults, topic ids are `uuid.UUID`, records are bytes-like, null
    arrays None. ApiVersions answers that carry an error are read as version 0, as a broker sends them to a client
    that asked in a version it does not know (KIP-511). An array that is null where it may not be counts as empty.
    Raises UndecodableError.
    """
    message = _known(api, "Response", version)
    at = response_body_at(frame, api_key(api), version)
    return _decoded(message, memoryview(frame)[at:], version, f"{api} v{version}: the answer")


def decode_request(api: str, version: int, frame: Buffer, at: int) -> Any:
    """The body in a whole request frame, which begins at `at`, in the form that `decode_response` gives. Raises
    UndecodableError."""
    message = _known(api, "Request", version)
    return _decoded(message, memoryview(frame)[at:], version, f"{api} v{version}: the request")


def _known(api: str, kind: str, version: int) -> Any:
    """The class of a `Request` or a `Response` that has this version. Raises UndecodableError."""
    try:
        message = _message_class(api, kind)
    except KeyError:
        raise UndecodableError(f"{api} {'requests' if kind == 'Request' else 'answers'} are not known") from None
    if not 0 <= version <= message.max_version:
        raise UndecodableError(f"{api} v{version} is not known: 0 to {message.max_version} are")
    return message


def _decoded(message: Any, body: memoryview, version: int, what: str) -> Any:
    """The body; `what` it is of is for the error."""
    try:
        return _filled(message.decode(body, version=version), message._struct, version)
    except _FAILURES as error:
        raise UndecodableError(f"{what} cannot be read ({error})") from None


def _filled(body: Any, struct: Any, version: int) -> Any:
    """The body, with an empty array for each that is null and may not be: whoever reads it goes through it."""
    for field in struct._fields:
        if not field.is_array() or not field.for_version_q(version):
            continue
        items, nullable = getattr(body, field.name), field._nullable_versions
        if items is None and not (nullable and nullable[0] <= version <= nullable[1]):
            setattr(body, field.name, [])
        elif field.is_struct_array():
            for item in items or ():
                _filled(item, field.array_of, version)
    return body


def empty_response(api: str, version: int) -> Any:
    """The body of an answer in which every field has its default. Raises UndecodableError for an API not known."""
    try:
        return _message_class(api, "Response")(version=version)
    except (KeyError, *_FAILURES) as error:
        raise UndecodableError(f"{api} v{version} is not known to be answered ({error})") from None


def encode_response(body: Any, api: str, version: int, correlation_id: int) -> bytes:
    """A whole response frame with this body, which `decode_response` or `empty_response` gave.

    Raises UndecodableError where the body cannot be written.
    """
    flexible = flexible_version(api_key(api), version) and api != "api_versions"
    try:
        header = correlation_id.to_bytes(4, "big", signed=True) + b"\0" * flexible
        message = header + bytes(body.encode())
    except _FAILURES as error:
        raise UndecodableError(f"{api} v{version}: the answer cannot be written ({error})") from None
    return len(message).to_bytes(4, "big") + message


def error_codes(body: Any, version: int) -> list[Any]:
    """Every part of a body that has an `error_code` in this version: the body itself first, where it has one."""
    fields = body._struct.fields
    own = "error_code" in fields and fields["error_code"].for_version_q(version)
    found = [body] if own else []
    for name in fields:
        value = getattr(body, name)
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "_struct"):
                found += error_codes(item, version)
    return found


def parts(body: Any, version: int) -> Iterator[tuple[str, Any]]:
    """The fields of a body, or of a structure in one, that this version has: each one's name and value."""
    for field in body._struct._fields:
        if field.for_version_q(version):
            yield field.name, getattr(body, field.name)


def is_structure(value: object) -> bool:
    """Whether a field's value has fields of its own."""
    return hasattr(value, "_struct")


def NEWEST(api: str) -> int:
    """The newest version of this API that kafka-python knows. Raises KeyError for an API that it does not know."""
    return int(_message_class(api, "Request").max_version)


@cache
def _message_class(api: str, kind: str) -> Any:
    name = "".join(part.capitalize() for part in api.split("_")) + kind
    for room in _rooms():
        found = getattr(room, name, None)
        if found is not None:
            return found
    raise KeyError(api)


@cache
def _rooms() -> tuple[ModuleType, ...]:
    """kafka-python's modules that hold message classes.

    While it is imported it reads its definitions by a function that is deprecated in Python 3.11 and 3.12: no news for
    anyone who runs us with warnings as errors.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return tuple(import_module(f"kafka.protocol.{room}") for room in _ROOMS)
