"""Elements of SVG and the room that words take."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.report.clean import clean
from ackdrop.report.html.svg import fitting, number, tag, width, wrapped

FEW = settings(max_examples=80, deadline=None)


def test_an_element_and_its_names():
    told = tag("text", "a<b", tag("title", "c"), class_="words", x=12.0, text_anchor="end", viewBox="0 0", left=None)
    assert told == '<text class="words" x="12" text-anchor="end" viewBox="0 0">a&lt;b<title>c</title></text>'


@FEW
@given(st.text())
def test_any_text_comes_back_as_it_was_cleaned(text):
    element = ET.fromstring(tag("text", text, id=text))
    assert (element.text or "") == clean(text)
    assert element.get("id") == clean(text)
    assert not list(element)


@pytest.mark.parametrize(("value", "told"), [(12.0, "12"), (12.04, "12"), (12.55, "12.6"), (3, "3"), (-0.25, "-0.2")])
def test_numbers_are_short(value, told):
    assert number(value) == told


@FEW
@given(st.text(), st.floats(30, 300))
def test_lines_are_not_wider_than_the_room(text, room):
    lines = wrapped(text, room)
    assert len(lines) <= 3
    assert all(lines)
    assert bool(lines) == bool(clean(text).strip(" "))
    assert all(width(line) <= room for line in lines)


@FEW
@given(st.text(min_size=1), st.floats(30, 300))
def test_what_fits_stays_and_what_does_not_is_cut_in_the_middle(text, room):
    told = fitting(text, room)
    if width(clean(text)) <= room:
        assert told == clean(text)
    else:
        assert "…" in told
        assert width(told) <= room


def test_words_go_on_in_the_next_line():
    assert wrapped("the same sequence again", 120) == ["the same", "sequence again"]


# Advance widths of DejaVu Sans, the widest font that a page without fonts is shown in, in thousandths of its size.
@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("producer", 4481),
        ("sequence 2", 5773),
        ("known already: not written", 13407),
        ("REQUEST", 4724),
        ("0123456789", 6362),
    ],
)
def test_width_is_not_less_than_a_wide_font_takes(text, thousandths):
    assert thousandths / 1000 * 12 <= width(text) <= thousandths / 1000 * 12 * 1.25
