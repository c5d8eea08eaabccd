"""Scales and ticks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.report.html.plot import FOLD, LogScale, decades, named, time_scale

FEW = settings(max_examples=100, deadline=None)


def test_time_without_waits_is_one_piece():
    scale = time_scale([n / 10 for n in range(11)], 100, 200)
    assert [scale.at(seconds) for seconds in (0, 0.5, 1)] == [100, 150, 200]
    assert scale.folds == []
    assert (scale.start, scale.end) == (100, 200)


def test_a_long_wait_is_folded():
    scale = time_scale([0, 0.1, 0.2, 3.2, 3.3], 0, 800)
    (fold,) = scale.folds
    assert (fold.first, fold.last) == (0.2, 3.2)
    assert fold.end - fold.start == pytest.approx(FOLD)
    assert scale.at(0.1) - scale.at(0) == pytest.approx(scale.at(3.3) - scale.at(3.25), rel=2.5)


def test_a_short_wait_is_not_folded_however_few_moments_there_are():
    assert time_scale([0.2], 0, 800).folds == []


@FEW
@given(st.lists(st.floats(0, 1000), max_size=30))
def test_later_is_further_right_and_all_is_inside(moments):
    scale = time_scale(moments, 100, 900)
    places = [scale.at(moment) for moment in sorted(moments)]
    assert places == sorted(places)
    assert all(100 <= place <= 900.001 for place in places)
    assert scale.end == pytest.approx(900)
    assert all(one.end == other.start and one.last == other.first for one, other in pairwise(scale.pieces))


@FEW
@given(st.lists(st.floats(0, 1000), max_size=30))
def test_ticks_are_apart_and_where_they_belong(moments):
    scale = time_scale(moments, 100, 900)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 20
    assert all(place == pytest.approx(scale.at(seconds), abs=0.5) for seconds, place in ticks)
    assert all(other[1] - one[1] >= 56 for one, other in pairwise(ticks))


def test_powers_of_ten():
    assert decades(0.002, 0.03) == pytest.approx([0.001, 0.01, 0.1])
    assert decades(0.01, 0.01) == pytest.approx([0.01, 0.1])
    scale = LogScale(0.001, 0.1, 100, 0)
    assert [round(scale.at(seconds)) for seconds in (0.0001, 0.001, 0.01, 0.1, 7)] == [100, 100, 50, 0, 0]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0"),
        (0.00005, "50 µs"),
        (0.2, "200 ms"),
        (1.5, "1.5 s"),
        (2.1394, "2.139 s"),
        (1200.5, "1,200.5 s"),
    ],
)
def test_moments_are_named(seconds, told):
    assert named(seconds) == told
