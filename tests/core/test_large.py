"""Large requests on the short way while rules are armed: when these are asked, and what happens in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core import changing
from ackdrop.core.commands import Command, Do, Send, Side
from ackdrop.faults import Blackhole, Delay, Drop, Kill
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.spans import Span
from ackdrop.observations import Attempt, Changed, Decided, LetPass, Passed, Reached

SIZE = 5_000
HEADER = 200
"""More than stands before a request's records."""


def at_requests(fault: Any = None, *, match: dict[str, Any] | None = None, **when: Any) -> Rule:
    return Rule("r", "produce", "request", Match(**(match or {})), When(**when), fault or Delay(1.0))


def gone(commands: list[Command]) -> bytes:
    """What went to the broker."""
    return b"".join(bytes(each.data) for each in commands if isinstance(each, Send) and each.to is Side.BROKER)


class Talk:
    """Producers on connections of their own, of each of which one small request was answered."""

    def __init__(self, play: Any, frames: Any, version: int) -> None:
        self.play, self.frames, self.version = play, frames, version
        self.cid = self.sequence = 0
        self.lines: list[Any] = []

    def connect(self, producer: int = 5) -> Any:
        line = self.play.connect()
        self.lines.append(line)
        line.client(self.request(producer, 1))
        line.broker(self.answer())
        return line

    def batch(self, producer: int, size: int = SIZE) -> bytes:
        self.sequence += 1
        numbers = (producer, 0, self.sequence) if producer >= 0 else (-1, -1, -1)
        record = self.frames.record(b"%d" % self.sequence + bytes(size))
        return bytes(self.frames.batch(record, producer=numbers, at=1000 + self.sequence))

    def request(self, producer: int = 5, size: int = SIZE, batch: bytes | None = None) -> bytes:
        self.cid += 1
        entry = "t", 0, self.batch(producer, size) if batch is None else batch
        return bytes(self.frames.produce(self.cid, entry, version=self.version))

    def answer(self, cid: int = 0) -> bytes:
        return bytes(self.frames.produced(cid or self.cid, ("t", 0, 0, 7), version=self.version))

    def both(self, line: Any, request: bytes) -> None:
        """A request in two pieces, and its answer."""
        assert gone(line.client(request[:HEADER])) == request[:HEADER]
        assert gone(line.client(request[HEADER:])) == request[HEADER:]
        answer = self.answer(int.from_bytes(request[8:12], "big"))
        assert line.broker(answer) == [line.to_client(answer)]

    def counted(self, rule: Rule) -> int:
        return int(self.play.wire.engine.counts(rule)[0])

    def told(self) -> tuple[int, int]:
        """How many requests rules could be asked about, and how many the rules have let pass."""
        self.play.noted([])
        passed = sum(len(each.attempts) for each in self.play.all(Passed) if each.asked is not None)
        reached = sum(each.place == "produce.request" for each in self.play.all(Reached))
        asked = sum(not each.fired for each in self.play.all(Decided))
        return passed + reached, asked + sum(each.frames for each in self.play.all(LetPass))

    def change(self, rules: list[Rule]) -> None:
        """Other rules are armed."""
        play = self.play
        told = [Changed(play.now, "r", "added", "control", None, play.wire.elapsed(play.now))]
        changing.install(play.wire, rules, told, play.now)


@pytest.fixture(params=[(7, False), (7, True), (9, True)], ids=["v7", "v7, unread", "v9, unread"])
def armed(request: pytest.FixtureRequest, playbook: Any, frames: Any) -> Callable[..., Talk]:
    """`armed(*rules)`: with these rules."""
    version, unread = request.param

    def make(*rules: Rule) -> Talk:
        talk = Talk(playbook(*rules, quick=True, told_singly=0), frames, version)
        talk.play.unread = unread
        return talk

    return make


def waits(line: Any) -> bool:
    """Whether its client's request is kept until it is whole."""
    return not line.connection.large.passing and line.connection.buffered > 0


def test_it_goes_on_as_it_comes_and_counts_once(armed: Any) -> None:
    rule = at_requests(nth=(9,))
    talk = armed(rule)
    line = talk.connect()
    for _ in range(7):
        talk.both(line, talk.request())
    assert talk.counted(rule) == 8
    assert talk.told() == (8, 8)
    assert len(talk.play.all(Attempt)) == 1
    request = talk.request()
    assert line.client(request[:HEADER]) == []
    assert waits(line)
    assert line.client(request[HEADER:]) == []
    assert talk.play.at(1.0) == [line.to_broker(request)]
    assert talk.play.fired == [("r", 0, 9, "delay")]


@pytest.mark.parametrize("size", [1, 7, 60])
def test_it_goes_on_once_its_batchs_header_is_there(armed: Any, size: int) -> None:
    rule = at_requests(nth=(9,))
    talk = armed(rule)
    line = talk.connect()
    request = talk.request()
    assert gone(line.dribble(Side.CLIENT, request[:HEADER], size)) == request[:HEADER]
    assert talk.counted(rule) == 2
    line.client(request[HEADER:])
    assert (talk.counted(rule), talk.told()[1]) == (2, 2)


def test_requests_count_in_the_order_of_their_headers(armed: Any) -> None:
    talk = armed(at_requests(nth=(5,)))
    slow, quick = talk.connect(5), talk.connect(6)
    large, small = talk.request(5), talk.request(6, 1)
    slow.client(large[:HEADER])
    quick.client(small)
    later = talk.request(6, 1)
    assert quick.client(later) == []
    assert talk.play.fired == [("r", 0, 5, "delay")]
    assert gone(slow.client(large[HEADER:])) == large[HEADER:]


@pytest.mark.parametrize("match", [{}, {"size": Span(1, None)}, {"attempt": "first"}])
def test_one_whose_client_ends_in_the_middle_has_counted(armed: Any, match: dict[str, Any]) -> None:
    """So the fourth is one request, and not two."""
    rule = at_requests(nth=(4,), match=match)
    talk = armed(rule)
    line = talk.connect()
    line.client(talk.request()[:HEADER])
    line.client_ends("reset")
    other = talk.connect(6)
    assert talk.counted(rule) == 3
    for _ in range(3):
        other.client(talk.request(6, 1))
    assert talk.play.fired == [("r", 0, 4, "delay")]


class TestRetries:
    RETRY = {"attempt": "retry"}  # noqa: RUF012

    @pytest.mark.parametrize("producer", [5, -1])
    def test_one_that_may_be_a_retry_waits(self, armed: Any, producer: int) -> None:
        talk = armed(at_requests(match=self.RETRY))
        line, other = talk.connect(producer), talk.connect(producer)
        batch = talk.batch(producer)
        talk.both(other, talk.request(producer))
        line.client(talk.request(batch=batch))
        line.broker_ends("reset")
        again = talk.request(batch=batch)
        assert other.client(again[:HEADER]) == []
        assert waits(other)
        assert other.client(again[HEADER:]) == []
        assert [fired[0] for fired in talk.play.fired] == ["r"]

    @pytest.mark.parametrize("producer", [5, -1])
    def test_any_other_does_not(self, armed: Any, producer: int) -> None:
        rule = at_requests(match=self.RETRY)
        talk = armed(rule)
        line = talk.connect(producer)
        for _ in range(3):
            talk.both(line, talk.request(producer))
        assert (talk.counted(rule), talk.told()) == (0, (4, 0))

    @pytest.mark.parametrize("producer", [5, -1])
    def test_what_is_known_only_at_its_end_changes_nothing(self, armed: Any, producer: int) -> None:
        """The same was sent and lost on another connection meanwhile: it is a retry, and was asked about as none."""
        first, retry = at_requests(Drop(), match={"attempt": "first"}, nth=(6,)), at_requests(match=self.RETRY)
        talk = armed(first, retry)
        line, other = talk.connect(producer), talk.connect(producer)
        batch = talk.batch(producer)
        large, same = talk.request(batch=batch), talk.request(batch=batch)
        line.client(large[:HEADER])
        other.client(same)
        other.broker_ends("reset")
        assert gone(line.client(large[HEADER:])) == large[HEADER:]
        assert talk.play.all(Attempt)[-1].tries == 2
        assert (talk.counted(first), talk.counted(retry), talk.play.fired) == (4, 0, [])
        assert talk.told() == (4, 4)


class TestTheLongWay:
    """What happens in the middle of it may lead there: the rules are not asked again."""

    def test_where_its_answer_is_delayed(self, armed: Any) -> None:
        rule = at_requests(every=4)
        slow = Rule("slow", "produce", "response", Match(), When(nth=(2,)), Delay(1.0))
        talk = armed(rule, slow)
        line = talk.connect()
        line.client(talk.request())
        large = talk.request()
        line.client(large[:HEADER])
        assert line.broker(talk.answer(2)) == []
        assert gone(line.client(large[HEADER:])) == large[HEADER:]
        assert talk.play.at(1.0)
        line.broker(talk.answer(3))
        assert talk.counted(rule) == 3
        assert talk.told() == (3, 3 + 2)

    def test_where_its_end_is_not_like_others(self, playbook: Any, frames: Any) -> None:
        rule = Rule("p", "broker", "event", Match(), When(every=3), Kill())
        play = playbook(rule, quick=True, told_singly=0)
        talk = Talk(play, frames, 9)
        line = talk.connect()
        large = talk.request()
        other = large[:-1] + b"\1"
        line.client(other[:HEADER])
        assert talk.counted(rule) == 2
        assert not any(isinstance(each, Do) for each in line.client(other[HEADER:]))
        assert talk.counted(rule) == 2


class TestRulesThatChange:
    """What is on its way was asked about by those that were armed when it began."""

    def test_armed_in_the_middle(self, armed: Any) -> None:
        talk = armed()
        line = talk.connect()
        large = talk.request()
        line.client(large[:HEADER])
        rule = at_requests(first=1)
        talk.change([rule])
        assert gone(line.client(large[HEADER:])) == large[HEADER:]
        assert line.broker(talk.answer()) == [line.to_client(talk.answer())]
        assert (talk.counted(rule), talk.told()) == (0, (0, 0))
        assert line.client(talk.request()) == []
        assert talk.play.fired == [("r", 0, 1, "delay")]

    def test_disarmed_in_the_middle(self, armed: Any) -> None:
        rule = at_requests(nth=(9,))
        talk = armed(rule)
        line = talk.connect()
        large = talk.request()
        line.client(large[:HEADER])
        talk.change([])
        assert gone(line.client(large[HEADER:])) == large[HEADER:]
        line.broker(talk.answer())
        talk.both(line, talk.request())
        assert talk.told() == (1, 2)

    def test_a_window_that_opens_in_the_middle(self, armed: Any) -> None:
        rule = at_requests(after=1.0)
        talk = armed(rule)
        line = talk.connect()
        large = talk.request()
        line.client(large[:HEADER])
        talk.play.at(2.0)
        assert gone(line.client(large[HEADER:])) == large[HEADER:]
        assert talk.counted(rule) == 0
        large = talk.request()
        assert line.client(large[:HEADER]) == []
        assert waits(line)


@pytest.mark.parametrize(
    ("rule", "whole"),
    [
        (Rule("c", "connection", "event", Match(), When(after=9.0), Blackhole()), True),
        (Rule("p", "broker", "event", Match(), When(after=9.0), Kill()), False),
        (Rule("p", "broker", "event", Match(), When(every=2), Kill()), True),
        (Rule("p", "broker", "event", Match(), When(every=3), Kill()), False),
    ],
)
def test_what_may_lie_on_its_connection_wants_it_whole(armed: Any, rule: Rule, whole: bool) -> None:
    talk = armed(rule)
    line = talk.connect()
    assert bool(gone(line.client(talk.request()[:HEADER]))) is not whole
    assert waits(line) is whole
