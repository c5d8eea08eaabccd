"""The types of the language's values: how each is read, and what a JSON schema says of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic_core import core_schema

from ..faults.spans import Span
from ..identity import NAMINGS, Naming
from ..kafka.codes import ERROR_CODES
from . import units
from .complaint import Complaint, expected, guess, unknown_word
from .models import Acks
from .vocabulary import LATER_PRODUCERS, PRODUCERS, arm_name

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler


@dataclass(frozen=True, eq=False)
class Reads:
    """Metadata of an annotated type: `read` makes the value or raises Complaint; `schema` describes the input."""

    read: Callable[[object], object]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)


class OfFile(Reads):
    """A key that belongs to the file, and is used up before the rest is read."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__(lambda value: value, schema)


def _whole(low: int, high: int) -> Reads:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise expected(f"a whole number from {low} to {high}", value, _as_number(value, low, high))
        return value

    return Reads(read, {"type": "integer", "minimum": low, "maximum": high})


def _as_number(value: object, low: int, high: int) -> str | None:
    """A hint for what looks like a whole number and is none."""
    if isinstance(value, float) and value.is_integer() and low <= value <= high:
        return f"did you mean {int(value)}?"
    digits = re.sub(r"[ _,']", "", value) if isinstance(value, str) else ""
    if not (len(digits) < 20 and digits.isascii() and digits.isdigit() and low <= int(digits) <= high):
        return None
    return "a number stands without quotes" if digits == value else f"did you mean {int(digits)}?"


def _text(most: int, *, lines: bool) -> Reads:
    """A text of at most `most` characters, of one line unless `lines`, without blanks around it."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise expected("a text", value, "put it in quotes")
        text = value.strip()
        if not lines and (not text or not text.isprintable()):
            raise expected("one line of text", value)
        if len(text) > most:
            raise Complaint(f"longer than {most} characters")
        return text

    return Reads(read, {"type": "string", "maxLength": most})


def words(kind: str, valid: Iterable[str], later: Iterable[str] = ()) -> Reads:
    """One of a few words; `later` are those that a later version brings."""
    known, coming = tuple(valid), frozenset(later)

    def read(value: object) -> str:
        if not isinstance(value, str):
            article = "an" if kind[0] in "aeiou" else "a"
            raise expected(f"{article} {kind}", value, f"one of: {', '.join(known)}")
        if value not in known:
            raise unknown_word(kind, value, known, coming)
        return value

    return Reads(read, {"type": "string", "enum": list(known)})


_FLAGS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def _any_case(word: str) -> str:
    """A pattern of the word in upper and lower case, in the terms that every reader of a JSON Schema knows."""
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _flag(value: object) -> bool:
    """True or false, in every spelling that YAML has had for it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise expected("true or false", value, guess(value, ("true", "false")))


def _producer(value: object) -> str:
    if isinstance(value, list) or (isinstance(value, str) and (" " in value.strip() or "/" in value)):
        raise Complaint(
            "a command as the producer is not in this version of ackdrop",
            hint=f"this version has: {', '.join(PRODUCERS)}",
        )
    return str(_PRODUCER_WORD.read(value))


def _any_or_flag(value: object) -> bool | None:
    if value == "any":
        return None
    try:
        return _flag(value)
    except Complaint:
        raise expected("any, true or false", value, guess(value, ("any", "true", "false"))) from None


def _acks(value: object) -> Acks:
    if value in ("all", -1, "-1"):
        return "all"
    if value in (0, "0") and value is not False:
        return 0
    if value in (1, "1") and value is not True:
        return 1
    raise expected("all, 0 or 1", value, guess(value, ("all",)))


def _attempt(value: object) -> Literal["any", "first", "retry"] | int:
    match value:
        case "any" | "first" | "retry":
            return value
        case int() if not isinstance(value, bool) and 1 <= value <= 1_000_000:
            return value
    hint = guess(value, ("any", "first", "retry"))
    raise expected("any, first, retry or the attempt's number, from 1", value, hint)


def _naming(value: object) -> Naming:
    if not isinstance(value, str):
        raise expected("what names a record", value, f"one of: {', '.join(NAMINGS)}")
    try:
        return Naming.parse(value.strip())
    except ValueError as error:
        raise Complaint(str(error), hint=f"one of: {', '.join(NAMINGS)}") from None


def _many(value: object, one: Callable[[object], object]) -> tuple[Any, ...]:
    """One value or a list of at least one, as a tuple; an error in an item says which."""
    if not isinstance(value, list):
        return (one(value),)
    if not value:
        hint = "leave the key out, or give one value or a list of them"
        raise Complaint("an empty list", hint=hint, incomplete=True)
    items = []
    for index, item in enumerate(value):
        try:
            items.append(one(item))
        except Complaint as complaint:
            raise Complaint(complaint.text, hint=complaint.hint, within=(index,)) from None
    return tuple(items)


def _one_or_many(item: Reads) -> Reads:
    listed = {"type": "array", "items": item.schema, "minItems": 1}
    return Reads(lambda value: _many(value, item.read), {"anyOf": [item.schema, listed]})


def _partitions(value: object) -> tuple[int, ...] | None:
    if value == "*":
        return None
    found: tuple[tuple[int, ...], ...] = _many(value, _partition_range)
    return tuple(dict.fromkeys(number for numbers in found for number in numbers))


def _partition_range(value: object) -> tuple[int, ...]:
    """`3`, `"3"`, or `"0-3"` as its four numbers."""
    found = _PARTITION_RANGE.match(value) if isinstance(value, str) else None
    if found is None:
        return (_PARTITION.read(value),)  # type: ignore[return-value]
    low, high = int(found[1]), int(found[2] or found[1])
    if not low <= high <= 1_000_000 or high - low >= 10_000:
        raise expected("a range of at most 10000 partitions such as 0-3", value)
    return tuple(range(low, high + 1))


def _span(one: Reads) -> Reads:
    """A whole number, a range `"0-8"` or a comparison `">= 9"`."""
    number = "[0-9]{1,15}" if one.schema else r"(0+|[0-9]{1,15}\s*(B|KiB|MiB|GiB))"
    pattern = rf"^\s*(((==|<=|>=|<|>|≤|≥)\s*)?{number}|{number}\s*-\s*{number})\s*$"
    schema = {"anyOf": [one.schema or {"const": 0}, {"type": "string", "pattern": pattern}]}
    return Reads(lambda value: units.span(value, one.read), schema)  # type: ignore[arg-type]


def _positive_size(value: object) -> int:
    size = units.size(value)
    if size < 1:
        raise expected("a size of at least 1B", value)
    return size


def _bytes(value: object) -> int:
    """A size with a unit; 0 needs none."""
    return 0 if value == 0 and not isinstance(value, bool) else units.size(value)


def _command(value: object) -> tuple[str, ...]:
    """A program and its arguments, as a list of texts."""
    if not isinstance(value, list):
        raise expected("a command as a list such as [docker, restart, redpanda]", value)
    if not value:
        raise Complaint(
            "an empty list", hint="a command is a list such as [docker, restart, redpanda]", incomplete=True
        )
    for position, part in enumerate(value):
        if not isinstance(part, str | int) or isinstance(part, bool) or not str(part):
            raise Complaint("a part of a command is a text", hint="put it in quotes", within=(position,))
    return tuple(str(part) for part in value)


def _acks_number(value: object) -> int | None:
    if value == "any":
        return None
    acks = _acks(value)
    return -1 if acks == "all" else int(acks)


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise expected("a probability above 0 and up to 1", value)
    return float(value)


def _error_code(value: object) -> int:
    names = [name for name, code in ERROR_CODES.items() if code != 0]
    if isinstance(value, int) and not isinstance(value, bool):
        name = next((name for name in names if ERROR_CODES[name] == value), None)
        raise expected("the name of a Kafka error", value, f"did you mean {name!r}?" if name else None)
    if not isinstance(value, str):
        raise expected("the name of a Kafka error such as REQUEST_TIMED_OUT", value)
    if value not in names:
        raise unknown_word("Kafka error", value, names)
    return ERROR_CODES[value]


_ARM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z", re.ASCII)


def _arm(value: object) -> str:
    if isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise expected("a name", value, "put it in quotes")
    if not _ARM.match(value):
        raise Complaint(
            f"{value[:40]!r} cannot name a folder and a topic",
            hint="at most 40 letters, digits, dots, underscores and hyphens, of which the first is a letter or digit",
        )
    return arm_name(value)


def _json_value(value: object) -> object:
    """Anything that JSON can say, so no infinity and no NaN."""
    match value:
        case dict():
            return {key: _json_value(item) for key, item in value.items()}
        case list():
            return [_json_value(item) for item in value]
        case float() if not math.isfinite(value):
            raise Complaint("holds an infinity or a NaN, which JSON cannot say", hint="put it in quotes")
    return value


_PRODUCER_WORD = words("producer", PRODUCERS, LATER_PRODUCERS)
_PARTITION = _whole(0, 1_000_000)
_PARTITION_RANGE = re.compile(r"\s*([0-9]{1,7})\s*(?:-\s*([0-9]{1,7})\s*)?\Z", re.ASCII)
_PARTITION_SCHEMA = Reads(
    _PARTITION.read,
    {"anyOf": [_PARTITION.schema, {"type": "string", "pattern": r"^\s*[0-9]{1,7}\s*(-\s*[0-9]{1,7}\s*)?$"}]},
)
_UNTIL_MILLION = _whole(1, 1_000_000)
_GLOB = _text(249, lines=False)

Title = Annotated[str, _text(120, lines=False)]
Name = Annotated[str, _text(80, lines=False)]
Description = Annotated[str, _text(20_000, lines=True)]
Seed = Annotated[int, _whole(0, 2**63 - 1)]
Records = Annotated[int, _whole(1, 10_000_000)]
NamingText = Annotated[Naming, Reads(_naming, {"type": "string", "pattern": "^(key|value|header:.+|json:[$].*)$"})]
Times = Annotated[int, _UNTIL_MILLION]
Copies = Annotated[int, _whole(1, 100)]
Resends = Annotated[int, _whole(0, 1000)]
Partitions = Annotated[int, _whole(1, 10_000)]
Replication = Annotated[int, _whole(1, 100)]
Retries = Annotated[int, _whole(0, 2**31 - 1)]
InFlight = Annotated[int, _UNTIL_MILLION]
Producer = Annotated[str, Reads(_producer, _PRODUCER_WORD.schema)]
FLAG_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(" + "|".join(map(_any_case, _FLAGS)) + ")$"}]
}
Flag = Annotated[bool, Reads(_flag, FLAG_SCHEMA)]
AnyOrFlag = Annotated[bool | None, Reads(_any_or_flag, {"anyOf": [{"const": "any"}, FLAG_SCHEMA]})]
_ACKS_SCHEMA = {"enum": ["all", 0, 1, -1, "0", "1", "-1"]}
AcksWord = Annotated[Acks, Reads(_acks, _ACKS_SCHEMA)]
Attempt = Annotated[
    Literal["any", "first", "retry"] | int,
    Reads(_attempt, {"anyOf": [{"enum": ["any", "first", "retry"]}, _UNTIL_MILLION.schema]}),
]
Globs = Annotated[tuple[str, ...], _one_or_many(_GLOB)]
PartitionNumbers = Annotated[
    tuple[int, ...] | None,
    Reads(_partitions, {"anyOf": [{"const": "*"}, *_one_or_many(_PARTITION_SCHEMA).schema["anyOf"]]}),
]
Numbers = Annotated[tuple[int, ...], _one_or_many(_UNTIL_MILLION)]
NodeId = Annotated[int, _whole(-1, 2**31 - 1)]
NodeIds = Annotated[tuple[int, ...], _one_or_many(_whole(-1, 2**31 - 1))]
ProducerIds = Annotated[tuple[int, ...], _one_or_many(_whole(-1, 2**63 - 1))]
TimeoutMs = Annotated[int, _whole(-(2**31), 2**31 - 1)]
Versions = Annotated[Span, _span(_whole(0, 32767))]
Counted = Annotated[Span, _span(_whole(0, 2**31 - 1))]
AnyAcks = Annotated[int | None, Reads(_acks_number, {"enum": ["any", *_ACKS_SCHEMA["enum"]]})]
Command = Annotated[
    tuple[str, ...], Reads(_command, {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1})
]
Probability = Annotated[float, Reads(_share, {"type": "number", "exclusiveMinimum": 0, "maximum": 1})]
ErrorCode = Annotated[
    int, Reads(_error_code, {"type": "string", "enum": [name for name, code in ERROR_CODES.items() if code]})
]
ArmName = Annotated[
    str,
    Reads(_arm, {"anyOf": [{"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"}, {"type": "boolean"}]}),
]
JsonValue = Annotated[object, Reads(_json_value, {})]

_AMOUNT = r"^\s*[0-9]{1,15}(\.[0-9]{1,9})?\s*"
DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": _AMOUNT + r"(ms|s|m)\s*$"}
SIZE_SCHEMA: dict[str, Any] = {"type": "string", "pattern": _AMOUNT + r"(B|KiB|MiB|GiB)\s*$"}
Duration = Annotated[float, Reads(units.duration, DURATION_SCHEMA)]
PositiveDuration = Annotated[float, Reads(units.positive_duration, DURATION_SCHEMA)]
Rate = Annotated[float, Reads(units.rate, {"type": "string", "pattern": _AMOUNT + r"/s\s*$"})]
Size = Annotated[int, Reads(units.size, SIZE_SCHEMA)]
PositiveSize = Annotated[int, Reads(_positive_size, SIZE_SCHEMA)]
Sizes = Annotated[Span, _span(Reads(_bytes, {}))]
ByteRate = Annotated[float, Reads(units.byte_rate, {"type": "string", "pattern": _AMOUNT + r"(B|KiB|MiB|GiB)/s\s*$"})]

_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}
VARIABLES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
    "additionalProperties": _SCALAR_SCHEMA,
}
MATRIX_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "array", "minItems": 1, "maxItems": 64, "items": {"not": {"type": "null"}}},
}
_FILE_SCHEMA = {"type": "string", "minLength": 1, "not": {"anyOf": [{"pattern": "^/"}, {"pattern": r"(^|/)\.\.(/|$)"}]}}
INCLUDE_SCHEMA: dict[str, Any] = {"anyOf": [_FILE_SCHEMA, {"type": "array", "items": _FILE_SCHEMA}]}
