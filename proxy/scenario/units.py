"""The texts with a unit, read as numbers: durations, rates, sizes; and the comparisons of `expect`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

from ..faults.spans import Span
from .complaint import Complaint, described, expected

Comparison = Literal["==", "!=", "<", "<=", ">", ">="]

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_LONGEST = 24 * 3600.0
_LARGEST_SIZE = 2**31 - 1
_LARGEST_RATE = 1_000_000.0
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([A-Za-z/]*)\Z", re.ASCII)
_COMPARISON = re.compile(r"(==|!=|<=|>=|<|>|≤|≥|≠)?\s*([0-9]{1,15})\Z", re.ASCII)
_NUMBER = r"[0-9]{1,15}\s*(?:B|KiB|MiB|GiB)?"
_SPAN = re.compile(rf"(==|<=|>=|<|>|\u2264|\u2265)?\s*({_NUMBER})(?:\s*-\s*({_NUMBER}))?\Z", re.ASCII)
_SIGNS = {"≤": "<=", "≥": ">=", "≠": "!="}

DURATION_FORM = "a duration such as 250ms, 3s or 2m"
RATE_FORM = "a rate such as 100/s"
SIZE_FORM = "a size such as 16KiB, 1MiB or 500B"
BYTE_RATE_FORM = "a rate such as 64KiB/s or 2MiB/s"
SPAN_FORM = 'a whole number, a range or a comparison such as 9, "0-8" or ">= 9"'
EXPECTATION_FORM = 'a whole number or a comparison such as 0, ">= 1" or "!= 0"'


def duration(value: object) -> float:
    """`250ms`, `3s`, `2m` as seconds; at most 24 hours. Raises Complaint."""
    amount, unit = _quantity(value, DURATION_FORM, "s")
    if unit not in _SECONDS:
        raise expected(DURATION_FORM, value, "the units are ms, s and m")
    seconds = amount * _SECONDS[unit]
    if seconds > _LONGEST:
        raise Complaint(f"{value} is too long", hint="a duration is at most 1440m, which is a day")
    return seconds


def positive_duration(value: object) -> float:
    """A duration above zero, in seconds. Raises Complaint."""
    seconds = duration(value)
    if seconds <= 0:
        raise Complaint("a duration above zero is needed here", hint=f"expected {DURATION_FORM}")
    return seconds


def rate(value: object) -> float:
    """`100/s` as a number a second, above zero. Raises Complaint."""
    amount, unit = _quantity(value, RATE_FORM, "/s")
    if unit != "/s":
        raise expected(RATE_FORM, value, "a rate counts records in a second")
    if not 0 < amount <= _LARGEST_RATE:
        raise expected("a rate above 0/s and of at most 1000000/s", value)
    return amount


def size(value: object) -> int:
    """`64KiB` as bytes, from 0 to 2 GiB - 1. Raises Complaint."""
    amount, unit = _quantity(value, SIZE_FORM, "B")
    if unit not in _BYTES:
        raise expected(SIZE_FORM, value, "the units are B, KiB, MiB and GiB")
    total = amount * _BYTES[unit]
    if total != int(total):
        raise Complaint(f"{value} is not a whole number of bytes", hint=f"expected {SIZE_FORM}")
    if total > _LARGEST_SIZE:
        raise Complaint(f"{value} is too large", hint="a size is below 2GiB")
    return int(total)


def byte_rate(value: object) -> float:
    """`64KiB/s` as bytes a second, above zero. Raises Complaint."""
    amount, unit = _quantity(value, BYTE_RATE_FORM, "B/s")
    total = amount * _BYTES[unit[:-2]] if unit.endswith("/s") and unit[:-2] in _BYTES else 0.0
    if not 0 < total <= _LARGEST_SIZE:
        raise expected(BYTE_RATE_FORM, value, "the units are B/s, KiB/s and MiB/s")
    return total


def span(value: object, one: Callable[[object], int]) -> Span:
    """`9`, `"0-8"`, `">= 9"` as a range of whole numbers; `one` reads a number. Raises Complaint."""
    if not isinstance(value, str):
        number = one(value)
        return Span(number, number)
    found = _SPAN.match(value.strip())
    if found is None:
        raise expected(SPAN_FORM, value)
    sign, first, second = found.groups()
    low = one(_plain(first.strip()))
    if second is not None:
        high = one(_plain(second.strip()))
        if sign or high < low:
            raise expected(SPAN_FORM, value)
        return Span(low, high)
    match _SIGNS.get(sign, sign):
        case ">=":
            return Span(low, None)
        case ">":
            return Span(low + 1, None)
        case "<=":
            return Span(None, low)
        case "<":
            return Span(None, low - 1)
    return Span(low, low)


def _plain(text: str) -> int | str:
    """A number where the text is one: a size keeps its unit."""
    return int(text) if text.isdigit() else text


def comparison(value: object) -> tuple[Comparison, int]:
    """`0`, `">= 1"`, `"!= 0"` as sign and number. Raises Complaint."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return "==", value
    found = _COMPARISON.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise expected(EXPECTATION_FORM, value)
    return _sign(found[1] or "=="), int(found[2])


def _sign(text: str) -> Comparison:
    text = _SIGNS.get(text, text)
    return next(sign for sign in get_args(Comparison) if sign == text)


def _quantity(value: object, form: str, unit: str) -> tuple[float, str]:
    """The number and the unit of a text such as `3s`; `unit` is the one to suggest for a number without one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not _QUANTITY.match(str(value)):
            raise expected(form, value)
        raise Complaint(f"expected {form}, not {described(value)} without a unit", hint=f"did you mean {value}{unit}?")
    found = _QUANTITY.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise expected(form, value)
    if not found[2]:
        raise Complaint(
            f"expected {form}, not {described(value)} without a unit", hint=f"did you mean {found[1]}{unit}?"
        )
    return float(found[1]), found[2]
