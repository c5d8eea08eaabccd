"""Text from outside made harmless."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.report.clean import clean, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders-1.v2", "orders-1.v2"),
        ("Größe 大 ✓", "Größe 大 ✓"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("a\r\n\tb", "a b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x00\x07\x7f\x9b", "\\x00\\x07\\x7f\\x9b"),
        ("\u202eevil\u2069", "\\u202eevil\\u2069"),
        ("caf\udce9", "caf\\udce9"),
        ("\U000e0041\u2028", "\\U000e0041\\u2028"),
    ],
)
def test_clean(text, shown):
    assert clean(text) == shown


@given(st.text())
def test_nothing_hidden_is_left(text):
    assert {unicodedata.category(char)[0] for char in clean(text)} <= set("LMNPSZ")
    assert clean(text, ascii_only=True).isascii()


@given(st.text(), st.integers(5, 80))
def test_shortened_is_short_and_keeps_both_ends(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    if len(text) > limit:
        head, tail = short.split("…") if text.count("…") == 0 else (short[:1], short[-1:])
        assert text.startswith(head)
        assert text.endswith(tail)
        assert head
        assert tail
    else:
        assert short == text
