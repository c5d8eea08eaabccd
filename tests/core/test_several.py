"""Requests for several partitions on the short way: which of them go it, how large ones do, and which answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ackdrop.core.commands import AskStarts, Send, Side
from ackdrop.faults import Drop
from ackdrop.observations import Acked, Answered, Attempt, LetPass, Passed, Reached

PARTITIONS = [("t", 0), ("t", 2), ("another", 1)]
VERSIONS = [3, 5, 8, 9, 12, 13]
IDS = {"t": b"T" * 16, "another": b"A" * 16}


class Talk:
    """A connection whose client has sent one request for PARTITIONS, which was answered."""

    def __init__(self, play: Any, frames: Any, version: int) -> None:
        self.play, self.frames, self.version = play, frames, version
        self.line = play.connect()
        self.cid = 0
        self.sequence = 0
        for topic, topic_id in IDS.items():
            play.wire.learn(topic_id, topic)
        self.line.client(self.request(*PARTITIONS))
        self.line.broker(self.answer(*PARTITIONS))
        self.singly = len(play.all(Attempt))

    def request(self, *partitions: tuple[str, int], size: int = 10) -> bytes:
        self.cid += 1
        record = self.frames.record(bytes(size))
        batch = self.frames.batch(record, producer=(7, 0, self.sequence), at=self.cid)
        self.sequence += 1
        entries = [(self.name(topic), partition, batch) for topic, partition in partitions]
        return bytes(self.frames.produce(self.cid, *entries, version=self.version, grouped=True))

    def answer(self, *partitions: tuple[str, int], errors: tuple[int, ...] = (), cid: int = 0) -> bytes:
        codes = dict(enumerate(errors))
        told = [
            (self.name(topic), partition, codes.get(n, 0), -1 if codes.get(n) else 7)
            for n, (topic, partition) in enumerate(partitions)
        ]
        return bytes(self.frames.produced(cid or self.cid, *told, version=self.version, grouped=True))

    def name(self, topic: str) -> str | bytes:
        return IDS[topic] if self.version >= 13 else topic

    @property
    def went_short(self) -> int:
        """How many attempts went the short way, and have passed."""
        self.play.wire.lanes.tell_all()
        self.play.noted([])
        return sum(len(each.attempts) for each in self.play.all(Passed))

    @property
    def went_long(self) -> int:
        """How many went the long way since the first request."""
        return len(self.play.all(Attempt)) - self.singly


@pytest.fixture(params=VERSIONS)
def talk(playbook: Any, frames: Any, request: pytest.FixtureRequest) -> Talk:
    return Talk(playbook(quick=True), frames, request.param)


@pytest.fixture
def armed(playbook: Any, frames: Any) -> Callable[..., Talk]:
    """`armed(*rules)`: with these rules."""
    return lambda *rules: Talk(playbook(*rules, quick=True, told_singly=0), frames, 9)


def test_any_of_the_partitions_in_any_order(talk: Talk) -> None:
    for partitions in (PARTITIONS, PARTITIONS[::-1], PARTITIONS[1:], PARTITIONS[:1]):
        request = talk.request(*partitions)
        assert talk.line.client(request) == [talk.line.to_broker(request)]
        assert talk.play.wire.unsettled == 1
        answer = talk.answer(*reversed(partitions))
        assert talk.line.broker(answer) == [talk.line.to_client(answer)]
    assert (talk.went_short, talk.went_long, talk.play.wire.unsettled) == (9, 0, 0)


def test_several_requests_in_one_piece(talk: Talk) -> None:
    requests = [talk.request(*PARTITIONS[: n % 3 + 1]) for n in range(20)]
    assert talk.line.client(*requests) == [talk.line.to_broker(*requests)]
    answers = [talk.answer(*PARTITIONS[: n % 3 + 1], cid=n + 2) for n in range(20)]
    assert talk.line.broker(*answers) == [talk.line.to_client(*answers)]
    assert (talk.went_short, talk.went_long) == (39, 0)


def test_an_answer_in_pieces(talk: Talk) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    answer = talk.answer(*PARTITIONS)
    assert talk.line.dribble(Side.BROKER, answer) == [talk.line.to_client(answer)]
    assert talk.went_short == 3


def test_a_large_one_goes_on_as_it_comes(talk: Talk) -> None:
    request = talk.request(*PARTITIONS, size=5_000)
    half = talk.line.client(request[:8_000])
    assert half == [talk.line.to_broker(request[:8_000])]
    assert talk.line.client(request[8_000:]) == [talk.line.to_broker(request[8_000:])]
    talk.line.broker(talk.answer(*PARTITIONS))
    assert (talk.went_short, talk.went_long) == (3, 0)


@pytest.mark.parametrize("size", [1, 7, 100, 777])
def test_and_so_it_does_in_pieces_of_any_size(talk: Talk, size: int) -> None:
    request = talk.request(*PARTITIONS, size=600)
    assert talk.line.dribble(Side.CLIENT, request, size) == [talk.line.to_broker(request)]
    talk.line.broker(talk.answer(*PARTITIONS))
    assert (talk.went_short, talk.went_long) == (3, 0)


def unlike(talk: Talk) -> Iterator[tuple[bytes, int]]:
    """Requests that may not go the short way, and how many attempts they are."""
    yield talk.request(*PARTITIONS, ("t", 5)), 4
    yield talk.request(PARTITIONS[0], PARTITIONS[0]), 2
    talk.sequence -= 4
    yield talk.request(*PARTITIONS), 3


def test_what_goes_the_long_way(talk: Talk) -> None:
    for request, attempts in unlike(talk):
        before = talk.went_long
        assert talk.line.client(request) == [talk.line.to_broker(request)]
        assert talk.went_long == before + attempts
    assert talk.went_short == 0


def test_and_does_so_in_pieces(talk: Talk) -> None:
    for request, attempts in unlike(talk):
        before = talk.went_long
        assert talk.line.dribble(Side.CLIENT, request, 90) == [talk.line.to_broker(request)]
        assert talk.went_long == before + attempts


def test_an_error_for_one_of_them(talk: Talk) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    answer = talk.answer(*PARTITIONS, errors=(0, 6))
    assert talk.line.broker(answer) == [talk.line.to_client(answer)]
    assert (talk.went_short, talk.went_long) == (0, 3)
    assert [each.error for each in talk.play.all(Acked)][-3:] == [0, 6, 0]


@pytest.mark.parametrize("partitions", [PARTITIONS[1:], [*PARTITIONS, ("t", 9)], [("t", 0), ("t", 0), ("t", 2)]])
def test_an_answer_that_is_not_to_each_of_them(talk: Talk, partitions: list[tuple[str, int]]) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    answer = talk.answer(*partitions)
    assert talk.line.broker(answer) == [talk.line.to_client(answer)]
    assert (talk.went_short, talk.went_long) == (0, 3)


def test_an_answer_that_tells_of_a_partition_twice(talk: Talk) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    talk.line.broker(talk.answer(*PARTITIONS, PARTITIONS[0], errors=(0, 6, 0, 7)))
    assert [(each.attempt, each.error) for each in talk.play.all(Answered)][-3:] == [(4, 0), (5, 6), (6, 0)]


def test_the_client_ends_before_the_answer(talk: Talk) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    talk.line.client_ends("reset")
    assert talk.went_long == 3
    again = talk.play.connect()
    talk.cid, talk.sequence = talk.cid - 1, talk.sequence - 1
    again.client(talk.request(*PARTITIONS[::-1]))
    assert [of for _, of, _, _ in talk.play.retries] == [6, 5, 4]


def test_what_was_learnt_is_forgotten_before_the_answer(talk: Talk, frames: Any) -> None:
    talk.line.client(talk.request(*PARTITIONS))
    another_client = b"\x05name\x021\0"
    talk.line.client(frames.request(18, 3, 99, another_client, tags=b"\0"))
    talk.line.broker(talk.answer(*PARTITIONS))
    assert (talk.went_short, talk.went_long, talk.play.wire.unsettled) == (0, 3, 0)


def test_a_partition_that_comes_up_in_the_middle_waits_for_its_start(playbook: Any, frames: Any) -> None:
    play = playbook(quick=True, ask_starts=True, starts=dict.fromkeys(PARTITIONS, 0))
    talk = Talk(play, frames, 9)
    request = talk.request(*PARTITIONS, ("another", 3), size=3_000)
    behind = talk.request(*PARTITIONS)
    got = talk.line.dribble(Side.CLIENT, request + behind, 1_000)
    asked = got.pop()
    assert isinstance(asked, AskStarts)
    assert (asked.topic, asked.partitions) == ("another", (3,))
    (begun,) = got
    assert isinstance(begun, Send)
    assert len(begun.data) > 6_000
    assert talk.went_long == 0
    (rest,) = play.starts(asked, "another", {3: 0})
    assert bytes(begun.data) + bytes(rest.data) == request + behind
    assert talk.went_long == 7


def test_a_rule_at_one_of_the_topics_counts_the_request_once(armed: Callable[..., Talk], rule: Any) -> None:
    counting = [rule(Drop("hold"), per, {"topic": ("t",)}, nth=(4,), per=per) for per in ("run", "partition")]
    talk = armed(*counting)
    for _ in range(2):
        talk.line.client(talk.request(*PARTITIONS))
        talk.line.broker(talk.answer(*PARTITIONS))
    assert (talk.went_short, talk.went_long) == (6, 0)
    assert sum(each.frames for each in talk.play.all(LetPass)) == 2 * 2 * 2, "as often as it was asked about a batch"
    assert [talk.play.wire.engine.counts(each) for each in counting] == [(3, 0)] * 2
    talk.line.client(talk.request(*PARTITIONS))
    talk.line.broker(talk.answer(*PARTITIONS))
    assert talk.went_long == 3
    assert [talk.play.wire.engine.counts(each) for each in counting] == [(4, 1), (4, 0)]


def test_rules_elsewhere_are_told_of_the_whole_request(armed: Callable[..., Talk], rule: Any) -> None:
    talk = armed(rule(Drop("hold"), match={"topic": ("elsewhere",)}))
    for cut in (1, 300):
        request = talk.request(*PARTITIONS, size=200)
        talk.line.client(request[:cut])
        talk.line.client(request[cut:])
        talk.line.broker(talk.answer(*PARTITIONS))
    assert (talk.went_short, talk.went_long) == (6, 0)
    frames = [each for each in talk.play.all(Reached) if each.correlation_id > 1]
    assert [(each.side, len(each.entries)) for each in frames] == [("request", 3), ("response", 3)] * 2
    assert not [each for each in talk.play.all(Passed) if each.asked is not None]


def test_many_topics_do_not_push_each_other_out(playbook: Any, frames: Any) -> None:
    talk = Talk(playbook(quick=True), frames, 9)
    names = [("x" * n, 0) for n in range(1, 30)]
    for _ in range(3):
        talk.line.client(talk.request(*names))
        talk.line.broker(talk.answer(*names))
    assert (talk.went_short, talk.went_long) == (58, 29)
    assert sum(each.requests for each in talk.play.all(Passed)) == 2
