from __future__ import annotations

import math

import pytest

from ackdrop.scenario.scalars import resolve


@pytest.mark.parametrize("text", ["on", "off", "yes", "no", "y", "1:30", "2026-11-23", "0b11", "1_000", "<<", "=", "-"])
def test_words_of_yaml_1_1_stay_texts(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("010", 10),
        ("-3", -3),
        ("0o17", 15),
        ("0xff", 255),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
    ],
)
def test_the_core_schema(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_nan_is_a_number() -> None:
    value = resolve(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_number_of_a_hundred_thousand_digits_is_a_text() -> None:
    assert resolve("9" * 100_000) == "9" * 100_000
