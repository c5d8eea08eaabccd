"""What is written reads back as the same values."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.scenario.yaml_text import text_of
from ackdrop.scenario.yaml_tree import read

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def back(data: Any) -> Any:
    root, problems = read(text_of(data))
    assert root is not None
    assert not problems
    return root.data()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(st.dictionaries(texts, values, max_size=4))
def test_anything_reads_back(data: dict[str, Any]) -> None:
    assert same(data, back(data))


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "on",
            "Off",
            "no",
            "null",
            "~",
            "010",
            "0o7",
            "0x1",
            "1_000",
            "1:30",
            "2001-01-01",
            "1e3",
            ".5",
            "-",
        ),
        *(
            "a: b",
            "a #b",
            "- a",
            "? a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            ">= 1",
            "|",
            "[",
            "{",
            '"',
            "'",
            "\\",
            "---",
        ),
        *(
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n",
            "\na",
            " a\nb",
            "a \nb",
            "a\tb",
            "\x07",
            "\x85",
            "\u2028",
            "\ufeff",
            "é",
            "𝄞",
            "x" * 2000,
        ),
        *(0, -1, 16**37, -(10**30), 1.5, 1e300, -0.0, math.inf, -math.inf, math.nan, True, None, [], {}, [[]], [{}]),
    ],
)
def test_values_that_yaml_might_take_for_others(value: Any) -> None:
    for data in ({"a": value}, {"a": [value, {"b": value}]}, [value, [value]]):
        assert same(data, back(data))
    if isinstance(value, str):
        assert same({value: 1}, back({value: 1}))


def test_it_is_plain_to_read() -> None:
    data = {
        "version": 1,
        "title": "A title",
        "off": {"lost": 0},
        "faults": [{"at": "produce.response", "when": {"nth": 3}}],
    }
    assert text_of(data) == (
        'version: 1\ntitle: A title\n"off":\n  lost: 0\nfaults:\n  - at: produce.response\n    when:\n      nth: 3\n'
    )


def test_lines_stay_lines() -> None:
    assert text_of({"description": "one\n\ntwo\n"}) == "description: |\n  one\n\n  two\n"
