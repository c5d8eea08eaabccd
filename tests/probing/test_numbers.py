from __future__ import annotations

import pytest

from ackdrop.probing.numbers import LAST, ends, span


@pytest.mark.parametrize(
    ("first", "records", "said"),
    [
        (0, 3, "0-2"),
        (7, 1, "7"),
        (LAST - 2, 3, "2^31-3 to 2^31-1"),
        (LAST - 1, 4, "2^31-2 to 1"),
        (-LAST - 1, 1, "-2^31"),
    ],
)
def test_sequences_in_words(first, records, said):
    assert span(first, records) == said


def test_they_go_on_with_0():
    assert ends(LAST, 1) == LAST
    assert ends(LAST, 2) == 0
