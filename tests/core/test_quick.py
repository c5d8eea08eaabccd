"""The short way is the long one, only shorter: whatever happens, the same bytes go on and the same is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from .twins import STEPS, Twins, seeds


def same_with(seeds: Iterable[int], playbook: Any, frames: Any, **more: Any) -> int:
    """Let it all happen with each of these seeds. How many attempts went the short way."""
    passed = 0
    for seed in seeds:
        twins = Twins(seed, playbook, frames, **more)
        try:
            for _ in range(STEPS):
                twins.step()
            passed += twins.same_in_the_end()
        except AssertionError:
            print("seed", seed, twins.rules)
            raise
    return passed


@pytest.mark.parametrize("part", range(2))
def test_whatever_happens_the_same_is_told(playbook: Any, frames: Any, part: int) -> None:
    assert same_with(seeds(13, part), playbook, frames) > 260


@pytest.mark.parametrize("part", range(2))
def test_and_so_it_is_where_bytes_are_wrong(playbook: Any, frames: Any, part: int) -> None:
    same_with(seeds(10, part), playbook, frames, spoil=0.02)


@pytest.mark.parametrize("part", range(2))
def test_and_while_rules_are_armed(playbook: Any, frames: Any, part: int) -> None:
    assert same_with(seeds(13, part), playbook, frames, armed=True) > 130


@pytest.mark.parametrize("part", range(2))
def test_rules_that_count_alone(playbook: Any, frames: Any, part: int) -> None:
    assert same_with(seeds(10, part), playbook, frames, armed=True, counting=True) > 125


class TestSeveralPartitions:
    """The same of requests for several partitions, and topics."""

    @pytest.mark.parametrize("part", range(2))
    def test_whatever_happens_the_same_is_told(self, playbook: Any, frames: Any, part: int) -> None:
        assert same_with(seeds(10, part), playbook, frames, several=True) > 250

    def test_and_so_it_is_where_bytes_are_wrong(self, playbook: Any, frames: Any) -> None:
        same_with(seeds(10), playbook, frames, several=True, spoil=0.02)

    @pytest.mark.parametrize("part", range(2))
    def test_and_while_rules_are_armed(self, playbook: Any, frames: Any, part: int) -> None:
        assert same_with(seeds(10, part), playbook, frames, several=True, armed=True) > 50
