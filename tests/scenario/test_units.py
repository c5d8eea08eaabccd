from __future__ import annotations

from collections.abc import Callable

import pytest

from ackdrop.scenario import units
from ackdrop.scenario.complaint import Complaint


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (units.duration, "250ms", 0.25),
        (units.duration, "3s", 3.0),
        (units.duration, "2m", 120.0),
        (units.duration, " 1.5 s ", 1.5),
        (units.duration, "0ms", 0.0),
        (units.duration, "1440m", 86400.0),
        (units.rate, "100/s", 100.0),
        (units.rate, "0.5/s", 0.5),
        (units.size, "500B", 500),
        (units.size, "64KiB", 65536),
        (units.size, "0.5MiB", 524288),
        (units.comparison, 0, ("==", 0)),
        (units.comparison, "3", ("==", 3)),
        (units.comparison, ">= 1", (">=", 1)),
        (units.comparison, "<=2", ("<=", 2)),
        (units.comparison, "== 1", ("==", 1)),
        (units.comparison, "!= 0", ("!=", 0)),
        (units.comparison, "> 0", (">", 0)),
        (units.comparison, "< 9", ("<", 9)),
        (units.comparison, "≥ 1", (">=", 1)),
    ],
)
def test_what_is_read(read: Callable[[object], object], text: object, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "complaint", "hint"),
    [
        (units.duration, 3, "expected a duration such as 250ms, 3s or 2m, not the number 3 without a unit", "3s?"),
        (units.duration, "3", "expected a duration such as 250ms, 3s or 2m, not the text '3' without a unit", "3s?"),
        (units.duration, "3h", "expected a duration such as 250ms, 3s or 2m, not the text '3h'", "the units are ms"),
        (units.duration, "-3s", "expected a duration such as 250ms, 3s or 2m, not the text '-3s'", None),
        (units.duration, True, "expected a duration such as 250ms, 3s or 2m, not true", None),
        (units.duration, "1441m", "1441m is too long", "1440m"),
        (units.positive_duration, "0s", "a duration above zero is needed here", "expected a duration"),
        (units.rate, 100, "expected a rate such as 100/s, not the number 100 without a unit", "100/s?"),
        (units.rate, "2MiB/s", "expected a rate such as 100/s, not the text '2MiB/s'", "records in a second"),
        (units.rate, "0/s", "expected a rate above 0/s and of at most 1000000/s, not the text '0/s'", None),
        (units.size, "64KB", "expected a size such as 16KiB, 1MiB or 500B, not the text '64KB'", "KiB"),
        (units.size, "0.3B", "0.3B is not a whole number of bytes", None),
        (units.size, "2GiB", "2GiB is too large", "below 2GiB"),
        (units.comparison, -1, 'expected a whole number or a comparison such as 0, ">= 1" or "!= 0"', None),
        (units.comparison, ">> 1", 'expected a whole number or a comparison such as 0, ">= 1" or "!= 0"', None),
        (units.comparison, True, 'expected a whole number or a comparison such as 0, ">= 1" or "!= 0", not true', None),
        (units.comparison, 1.0, "expected a whole number or a comparison", None),
        (units.comparison, "\N{ARABIC-INDIC DIGIT ONE}", "expected a whole number or a comparison", None),
    ],
)
def test_what_is_refused(read: Callable[[object], object], text: object, complaint: str, hint: str | None) -> None:
    with pytest.raises(Complaint) as caught:
        read(text)
    assert caught.value.text.startswith(complaint)
    assert hint is None or hint in (caught.value.hint or "")
