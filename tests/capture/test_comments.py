"""What stands beside packets: one line that people read, and that is read back as it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.capture.comments import FAULT, Comment, parse, render

VALUES = st.integers(-(2**63), 2**63) | st.text(max_size=100) | st.sampled_from(['", connection 9', "\x1b[2J\n", "\\"])


def test_a_comment_reads_well() -> None:
    line = render(FAULT, fault='lose, "it"', does="drop", connection=2, topic=None, partition=-1)
    assert line == 'ackdrop: fault, fault "lose, \\"it\\"", does "drop", connection 2, partition -1'


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True).filter(lambda word: word != "what"), VALUES))
def test_what_was_written_is_read_and_nothing_leaves_its_quotes(values: dict[str, int | str]) -> None:
    line = render("fault", **values)
    assert line.isascii()
    assert line.isprintable()
    assert parse(line) == Comment("fault", values)


def test_long_names_are_cut() -> None:
    comment = parse(render("fault", fault="x" * 100_000))
    assert comment is not None
    assert len(str(comment.values["fault"])) == 400


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a note of somebody else",
        "ackdrop: fault, connection",
        'ackdrop: fault, fault "x',
        'ackdrop: fault, fault "\\x"',
        "ackdrop: fault, connection 3 and more",
        "ackdrop: fault, connection " + "9" * 9999,
        "ackdrop: fault\n",
    ],
)
def test_what_is_not_ours_is_none_of_ours(line: str) -> None:
    assert parse(line) is None
