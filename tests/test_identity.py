"""What a record is known by: our own header, or what a user names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ackdrop.identity import HEADER, Identity, Naming, read, write
from ackdrop.kafka.records import Record

Headers = tuple[tuple[str, bytes | None], ...]


def record(value: bytes | None = None, *, key: bytes | None = None, headers: Headers = ()) -> Record:
    return Record(0, 1_700_000_000_000, key, value, headers)


def named(text: str, value: bytes | None) -> bytes | None:
    return Naming.parse(text).of(record(value))


def test_our_own_header_is_read_as_it_was_written() -> None:
    identity = Identity("run", "off", 7, 1, 9)
    assert read(((HEADER, write(identity)),)) == identity


@pytest.mark.parametrize(
    "value", [None, b"", b"a/b/1/2", b"a/b/1/2/x", b"a/b/1/2/-3", b"\xff/b/1/2/3"], ids=lambda value: repr(value)
)
def test_another_s_header_of_our_name_is_no_identity(value: bytes | None) -> None:
    assert read(((HEADER, value),)) is None


def test_key_and_value_name_a_record() -> None:
    one = record(b"v", key=b"k")
    assert Naming.parse("key").of(one) == b"k"
    assert Naming.parse("value").of(one) == b"v"
    assert Naming.parse("key").of(record(b"v")) is None
    assert Naming.parse("value").of(record(None)) is None
    assert Naming.parse("key").of(record(key=b"")) == b""


def test_the_first_header_of_a_name_counts() -> None:
    naming = Naming.parse("header:order-id")
    assert naming.of(record(headers=(("x", b"0"), ("order-id", b"1"), ("order-id", b"2")))) == b"1"
    assert naming.of(record(headers=(("Order-Id", b"1"),))) is None
    assert naming.of(record(headers=(("order-id", None), ("order-id", b"2")))) is None


def test_a_header_s_name_may_hold_a_colon() -> None:
    assert Naming.parse("header:ce:id").of(record(headers=(("ce:id", b"1"),))) == b"1"


@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("$.id", b'{"id": 5}', b"5"),
        ("$.id", b'{"id": "5"}', b'"5"'),
        ("$.order.id", b'{"order": {"id": "A"}}', b'"A"'),
        ("$['order id']", b'{"order id": true}', b"true"),
        ("$[0]", b"[7, 8]", b"7"),
        ("$.items[?@.main == true].id", b'{"items": [{"main": true, "id": 1}, {"main": false, "id": 2}]}', b"1"),
        ("$", b'{"b": [1, 2], "a": "\\u00e4"}', '{"a":"ä","b":[1,2]}'.encode()),
        ("$", '{"a":"ä","b":[1,2.0]}'.encode(), '{"a":"ä","b":[1,2]}'.encode()),
        ("$", b"1.50e1", b"15"),
        ("$", b"-0.0", b"0"),
        ("$", b"1.5", b"1.5"),
        ("$", b'"\\ud800"', b'"\\ud800"'),
    ],
)
def test_a_path_names_the_one_node_that_it_finds(path: str, value: bytes, name: bytes) -> None:
    assert named(f"json:{path}", value) == name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.id", None),
        ("$.id", b""),
        ("$.id", b"\x00\x00\x00\x00\x05 avro"),
        ("$.id", b"\xff\xfe"),
        ("$.id", b'{"name": 5}'),
        ("$.id", b'{"id": null}'),
        ("$.id", b"[1]"),
        ("$.id", b'{"id": NaN}'),
        ("$.id", b'{"id": 1e999}'),
        ("$.id", b'{"id": 5'),
        ("$.*", b"[1, 2]"),
        ("$", b"[" * 200_000),
        ("$", b"[" * 990 + b"]" * 990),
        ("$..id", b'{"a":' * 900 + b"1" + b"}" * 900),
    ],
    ids=range(14),
)
def test_a_value_without_exactly_one_such_node_is_not_named(path: str, value: bytes | None) -> None:
    assert named(f"json:{path}", value) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no part of a record"),
        ("keys", "header:NAME, key, value and json:PATH do"),
        ("key:x", "names no part"),
        ("header", "names no part"),
        ("header:", "needs the name of a header"),
        ("json:", "no JSONPath"),
        ("json:id", "no JSONPath"),
        ("json:$.", "expected a shorthand selector"),
        ("json:$.a | $.b", "no JSONPath"),
        ("json:$[?foo(@.a)]", "'foo' is not defined"),
    ],
)
def test_what_names_nothing_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (its text is looked at below)
        Naming.parse(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["header:order-id", "key", "value", "json:$.id"])
def test_a_naming_is_its_text(text: str) -> None:
    assert str(Naming.parse(text)) == text
    assert Naming.parse(text) == Naming.parse(text) != Naming.parse("header:other")
    assert len({Naming.parse(text), Naming.parse(text)}) == 1


def test_the_json_library_is_imported_by_a_path_alone() -> None:
    script = (
        "import sys; from ackdrop.identity import Naming; [Naming.parse(t) for t in ('key', 'value', 'header:x')]; "
        "before = 'jsonpath' in sys.modules; Naming.parse('json:$.id'); print(before, 'jsonpath' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True"]
