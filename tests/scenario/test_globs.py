from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.scenario.globs import fits


@given(st.text("ab*?[!]-", max_size=8), st.text("ab-]", max_size=6))
def test_a_name_without_open_places_fits_as_fnmatch_says(glob: str, name: str) -> None:
    assert fits(glob, name) == fnmatchcase(name, glob)


@given(st.text("ab*?", max_size=6), st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4))
def test_open_places_take_any_of_theirs(glob: str, name: list[str]) -> None:
    names = [""]
    for characters in name:
        names = [one + character for one in names for character in characters]
    assert fits(glob, name) == any(fnmatchcase(one, glob) for one in names)


@pytest.mark.parametrize(
    ("glob", "fit"), [("x-[a-f]?", True), ("x-[!0-9]*", True), ("x-g*", False), ("x-[g-z]*", False)]
)
def test_classes(glob: str, fit: bool) -> None:
    assert fits(glob, ["x", "-", "0123456789abcdef", "0123456789abcdef"]) is fit
