"""What markers may say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ackdrop.api.fixture import check_markers


class Item:
    """A test with one marker."""

    nodeid = "test_it.py::test_it"

    def __init__(self, mark: pytest.MarkDecorator) -> None:
        self._mark = mark.mark

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        assert name == "ackdrop"
        yield self._mark


def test_a_marker_takes_the_options_of_a_proxy() -> None:
    check_markers(Item(pytest.mark.ackdrop(scenario="lost-ack", faults=[], identity="key")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (
            pytest.mark.ackdrop("lost-ack"),
            "test_it.py::test_it: the marker `ackdrop` takes keywords, as in scenario=...",
        ),
        (pytest.mark.ackdrop(scenaro="lost-ack"), "there is no option 'scenaro'\ntry: did you mean scenario?"),
        (
            pytest.mark.ackdrop(bootstrap="a:1"),
            "there is no option 'bootstrap'\ntry: there are: scenario, sets, faults",
        ),
    ],
)
def test_what_it_does_not_know_is_refused(mark: pytest.MarkDecorator, told: str) -> None:
    with pytest.raises(pytest.UsageError) as caught:
        check_markers(Item(mark))  # type: ignore[arg-type]
    assert told in str(caught.value)
