"""Answers with an error in them, over all APIs that kafka-python knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.apis import API_NAMES, api_key
from ackdrop.kafka.error_answers import INNER_ERROR, OWN_ERROR, error_answer, with_error_code
from ackdrop.kafka.headers import RequestHeader


def known() -> Iterator[tuple[str, list[int], Any]]:
    """Every API that kafka-python knows: its name, its versions and the class of its answers."""
    for api in API_NAMES.values():
        try:
            message = bodies._message_class(api, "Response")
        except KeyError:
            continue
        yield api, list(range(max(message.min_version, 0), message.max_version + 1)), message


def has_code(struct: Any, version: int) -> bool:
    """Whether a structure of kafka-python's holds an `error_code` in this version, at any depth."""
    for name, field in struct.fields.items():
        if not field.for_version_q(version):
            continue
        inner = field.array_of if field.is_struct_array() else field if field.is_struct() else None
        if name == "error_code" or (inner is not None and has_code(inner, version)):
            return True
    return False


def has_own_code(message: Any, version: int) -> bool:
    field = message._struct.fields.get("error_code")
    return field is not None and bool(field.for_version_q(version))


KNOWN = list(known())
OWN = [(api, version) for api, versions, _ in KNOWN if api in OWN_ERROR for version in versions]


def header(api: str, version: int) -> RequestHeader:
    return RequestHeader(api_key(api), version, 77, "c", None)


def test_the_sets_are_what_kafka_python_says() -> None:
    own = {api for api, versions, message in KNOWN if all(has_own_code(message, each) for each in versions)}
    some = {api for api, versions, message in KNOWN if all(has_code(message._struct, each) for each in versions)}
    assert own == OWN_ERROR
    assert some - own == INNER_ERROR


@pytest.mark.parametrize(("api", "version"), OWN)
def test_an_answer_of_our_own(api: str, version: int) -> None:
    read = bodies.decode_response(
        api, 0 if api == "api_versions" and version >= 3 else version, error_answer(header(api, version), 51)
    )
    assert read.error_code == 51


@pytest.mark.parametrize(("api", "version"), OWN)
def test_the_code_in_an_answer_is_replaced_and_nothing_else(api: str, version: int) -> None:
    spoken = 0 if api == "api_versions" else version  # a later one is told errors in version 0 (KIP-511)
    frame = bodies.encode_response(bodies.empty_response(api, spoken), api, spoken, 77)
    changed = with_error_code(api_key(api), spoken, frame, 51)
    expected = bodies.decode_response(api, spoken, frame).to_dict() | {"error_code": 51}
    assert bodies.decode_response(api, spoken, changed).to_dict() == expected
    assert changed[4:8] == frame[4:8]


@pytest.mark.parametrize("api", sorted(set(API_NAMES.values()) - {api for api, *_ in KNOWN}))
def test_an_api_that_is_not_known_is_refused(api: str) -> None:
    with pytest.raises(UndecodableError, match=api):
        error_answer(header(api, 0), 51)
    with pytest.raises(UndecodableError, match=api):
        with_error_code(api_key(api), 0, b"\0\0\0\x06\0\0\0\x01\0\0", 51)


def test_no_code_of_its_own_is_refused() -> None:
    with pytest.raises(UndecodableError, match="list_offsets v1"):
        error_answer(header("list_offsets", 1), 51)
