"""A short version of the fuzzing, in every test run; `python -m tests.fuzz.run` is the long one."""

from __future__ import annotations

import random

import pytest

from ackdrop.kafka.headers import request_header

from . import corpus, targets
from .run import connections, packets, parsers


@pytest.mark.parametrize("seed", [1, 2])
def test_no_frame_is_more_than_an_error_of_ours_to_any_parser(seed: int) -> None:
    assert parsers(random.Random(seed), 15_000) == 15_000


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_a_client_or_a_broker_sends_harms_a_wire(seed: int) -> None:
    assert connections(random.Random(seed), 6_000) >= 6_000


def test_no_frame_is_more_than_raw_bytes_to_the_scapy_layers() -> None:
    assert packets(random.Random(5), 600) == 600


def test_frames_are_spoilt_and_sound() -> None:
    """The fuzzing would find nothing if it gave only noise, or only what is right."""
    draw = random.Random(3)
    sound = [corpus.frame(draw) for _ in range(300)]
    assert {frame.kind for frame in sound} == {"request", "response"}
    assert len({frame.api_key for frame in sound}) > 5
    for frame in sound:
        if frame.kind == "request":
            assert request_header(frame.data).api_key == frame.api_key
    spoilt = [corpus.spoilt(draw, frame.data) for frame in sound]
    assert sum(one != frame.data for one, frame in zip(spoilt, sound, strict=True)) > 250
    assert 50 < sum(int.from_bytes(one[:4], "big") == len(one) - 4 for one in spoilt) < 300


def test_what_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is not ours gets out, with the frame that made it."""

    def broken(data: memoryview) -> None:
        raise IndexError("a parser that trusts its frame")

    monkeypatch.setattr(targets, "request_header", broken)
    with pytest.raises(SystemExit, match="IndexError"):
        parsers(random.Random(4), 50)
