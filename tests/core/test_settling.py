"""What is open on the short way stays there, whatever goes the long one; but for what that may be a retry of."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Send, Side
from ackdrop.core.link import FAR, Layer
from ackdrop.faults import Delay, Error, Late
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.verdicts import Lag
from ackdrop.observations import Acked, Attempt, Forwarded, Passed, Released

MANY, WINDOW = 8, 10


class Sender:
    """A producer on a connection of its own. Its requests have one record each."""

    def __init__(self, play: Any, frames: Any, producer: int, *, client: str = "app") -> None:
        self.line = play.connect()
        self.frames = frames
        self.producer = producer
        self.client = client
        self.cid = self.sequence = 0

    def batch(self, sequence: int | None = None) -> bytes:
        """The next batch, or the one of that sequence again."""
        if sequence is None:
            sequence, self.sequence = self.sequence, self.sequence + 1
        numbers = (self.producer, 0, sequence) if self.producer >= 0 else (-1, -1, -1)
        return bytes(self.frames.batch(self.frames.record(b"%d" % sequence), producer=numbers, at=1000 + sequence))

    def frame(self, batch: bytes | None = None, partition: int = 0) -> bytes:
        self.cid += 1
        raw = self.batch() if batch is None else batch
        return bytes(self.frames.produce(self.cid, ("t", partition, raw), client=self.client))

    def send(self, batch: bytes | None = None, partition: int = 0) -> None:
        self.line.client(self.frame(batch, partition))

    def answer(self, first: int, last: int | None = None) -> Any:
        """The broker's answers to the requests of these numbers."""
        cids = range(first, (first if last is None else last) + 1)
        return self.line.broker(b"".join(self.frames.produced(cid, ("t", 0, 0, cid)) for cid in cids))

    def learnt(self) -> Sender:
        """Its first request has gone the long way."""
        self.send()
        self.answer(1)
        return self


def opened(play: Any) -> int:
    return int(play.wire.lanes.shared.open)


def told(play: Any) -> list[int]:
    """The attempts that were told by themselves."""
    play.noted([])
    return [seen.number for seen in play.all(Attempt)]


def passed(play: Any) -> int:
    play.noted([])
    return sum(len(seen.attempts) for seen in play.all(Passed))


def firing(nth: int, fault: Any) -> Rule:
    return Rule("r", "produce", "request", Match(), When(nth=(nth,)), fault)


@pytest.mark.parametrize("producers", [range(MANY), [-1] * MANY], ids=["numbered", "not numbered"])
def test_of_very_many_that_are_open_none_is_restored_when_a_rule_fires(
    producers: Any, playbook: Any, frames: Any
) -> None:
    play = playbook(firing(MANY * (1 + WINDOW) + 1, Delay(0.0)), quick=True, told_singly=0)
    senders = [Sender(play, frames, producer).learnt() for producer in producers]
    for number, sender in enumerate(senders):
        sender.sequence = 100 + 100 * number
        for _ in range(WINDOW):
            sender.send()
    before = told(play)
    assert opened(play) == MANY * WINDOW
    senders[0].send()  # and here it fires
    assert [fact.fault for fact in play.seen if getattr(fact, "fired", False)] == ["r"]
    assert len(told(play)) - len(before) == 1
    assert opened(play) == MANY * WINDOW
    for sender in senders:
        sender.answer(2, 1 + WINDOW)
    assert (opened(play), passed(play), len(told(play)) - len(before)) == (0, MANY * WINDOW, 1)


def test_what_comes_behind_the_one_that_it_fires_on_goes_the_short_way_again(playbook: Any, frames: Any) -> None:
    play = playbook(firing(4, Error(6)), quick=True, told_singly=0)
    sender = Sender(play, frames, 5).learnt()
    requests = [sender.frame() for _ in range(6)]
    sender.line.client(b"".join(requests))  # the third of these is answered by ackdrop, behind the others
    assert b"".join(bytes(each.data) for each in play.commands if isinstance(each, Send) and each.to is Side.BROKER)
    assert told(play) == [1, 4, 2, 3]
    answers = sender.answer(2, 3)
    assert len(answers) == 1
    assert answers[0].data.startswith(bytes(frames.produced(2, ("t", 0, 0, 2))) + frames.produced(3, ("t", 0, 0, 3)))
    assert opened(play) == 3
    sender.answer(5, 7)
    assert (opened(play), passed(play)) == (0, 3)


def test_answers_that_come_in_one_piece_find_their_requests_whichever_way_they_went(playbook: Any, frames: Any) -> None:
    rules = [firing(nth, Delay(0.0)) for nth in (4, 6)]
    play = playbook(*rules, quick=True, told_singly=0)
    sender = Sender(play, frames, 5).learnt()
    for _ in range(7):
        sender.send()
    assert opened(play) == 5
    sent = sender.answer(2, 8)
    assert [bytes(each.data) for each in sent] == [b"".join(frames.produced(n, ("t", 0, 0, n)) for n in range(2, 9))]
    assert (opened(play), passed(play), told(play)) == (0, 5, [1, 4, 6])
    assert [seen.ack for seen in play.all(Acked)] == ["delivered"] * 3


class TestWhatMayBeARetry:
    """Only what it may be a retry of becomes known again."""

    def test_by_its_numbers(self, playbook: Any, frames: Any) -> None:
        play = playbook(quick=True)
        one, other, third = (Sender(play, frames, producer).learnt() for producer in (5, 6, 5))
        third.sequence = one.sequence = 1
        for _ in range(3):
            one.send()
            other.send()
        third.send(one.batch(2))
        assert opened(play) == 3
        assert play.retries[-1][1:] == (6, 2, False)

    def test_one_that_begins_behind_all_restores_nothing(self, playbook: Any, frames: Any) -> None:
        play = playbook(quick=True)
        one, other = (Sender(play, frames, 5) for _ in range(2))
        one.learnt()
        one.send()
        other.sequence = one.sequence
        other.send()
        assert (opened(play), play.retries) == (1, [])

    def test_after_it_later_numbers_are_still_looked_up(self, playbook: Any, frames: Any) -> None:
        """An old one takes the track back, beyond which the short way asks nobody."""
        play = playbook(quick=True)
        one, other = (Sender(play, frames, 5) for _ in range(2))
        one.learnt()
        for _ in range(3):
            one.send()
        other.send(one.batch(0))
        other.send(one.batch(2))
        assert play.retries[-1][1:] == (3, 2, False)

    def test_by_its_bytes(self, playbook: Any, frames: Any) -> None:
        play = playbook(quick=True)
        one, other = (Sender(play, frames, -1).learnt() for _ in range(2))
        one.sequence, other.sequence = 10, 20
        one.send()
        other.send()
        again = Sender(play, frames, -1)
        again.send(one.batch(10))
        assert opened(play) == 1
        assert [retry[1:] for retry in play.retries] == [(3, 2, True)]

    def test_by_records_of_one_that_was_lost_meanwhile(self, playbook: Any, frames: Any) -> None:
        """A producer of which attempts are known was asked about before; and then its records are lost."""
        rule = Rule("r", "produce", "request", Match(partition=(1,)), When(nth=(2,)), Delay(9.0))
        play = playbook(rule, quick=True, told_singly=0)
        one = Sender(play, frames, 5).learnt()
        lost = [one.batch() for _ in range(2)]
        one.send(lost[0], partition=1)
        one.answer(2)
        one.send(lost[1], partition=1)  # waits: the connection does
        other = Sender(play, frames, 5)
        other.sequence = 10
        for _ in range(3):
            other.send(partition=1)
        assert opened(play) == 2
        one.line.client_ends("reset")
        again = frames.batch(frames.record(b"2"), producer=(5, 0, 20), at=1002)
        other.send(again, partition=1)
        assert opened(play) == 2
        assert [seen.number for seen in play.all(Attempt)][-1] == play.wire.lanes.shared.numbered


def test_what_the_client_was_told_last_is_in_the_order_in_which_it_was_told(playbook: Any, frames: Any) -> None:
    """Of a connection that ends the last successes may be unread: eight of them, whichever way they went."""
    play = playbook(quick=True)
    sender = Sender(play, frames, 5).learnt()
    sender.send()
    sender.answer(2)
    sender.line.client(frames.produce(3, ("t", 0, sender.batch()), ("t", 9, None)))  # the long way
    sender.cid = 3
    sender.answer(3)
    for cid in range(4, 12):
        sender.send()
        sender.answer(cid)
    sender.line.client_ends("reset")
    again = Sender(play, frames, 5)
    for sequence in range(11):
        again.send(again.batch(sequence))
    assert sorted(retry[1] for retry in play.retries) == list(range(4, 12))


def test_what_is_open_when_its_connection_ends_does_not_count_as_told(playbook: Any, frames: Any) -> None:
    play = playbook(quick=True)
    sender = Sender(play, frames, 5).learnt()
    for _ in range(11):
        sender.send()
    sender.answer(2, 9)
    sender.line.client_ends("reset")
    again = Sender(play, frames, 5)
    for sequence in range(12):
        again.send(again.batch(sequence))
    assert sorted(retry[1] for retry in play.retries) == list(range(2, 13))


def test_while_a_request_waits_answers_still_go_the_short_way(playbook: Any, frames: Any) -> None:
    play = playbook(firing(6, Delay(1.0)), quick=True, told_singly=0)
    sender = Sender(play, frames, 5).learnt()
    for _ in range(5):
        sender.send()
    sender.answer(2, 4)
    assert (opened(play), passed(play), told(play)) == (1, 3, [1, 6])
    play.at(2.0)  # by now it has gone
    assert opened(play) == 1
    sender.answer(5, 6)
    assert [seen.ack for seen in play.all(Acked) if seen.attempt == 6] == ["delivered"]


def test_an_answer_that_lets_a_late_request_go_counts_on_every_connection(playbook: Any, frames: Any) -> None:
    late = Rule("r", "produce", "request", Match(), When(nth=(3,)), Late("acked_batches", batches=2))
    play = playbook(late, quick=True, told_singly=0)
    one, other = (Sender(play, frames, producer).learnt() for producer in (5, 6))
    one.send()
    other.send()
    other.send()
    assert not play.all(Released)
    other.answer(2, 3)
    assert [(seen.attempt, seen.why) for seen in play.all(Released)] == [(3, "acked_batches")]
    assert not play.wire.lanes.shared.shut


def test_a_request_that_goes_on_as_it_comes_has_gone_once_its_end_has(playbook: Any, frames: Any) -> None:
    play = playbook(quick=True)
    sender = Sender(play, frames, 5).learnt()
    whole = sender.frame(frames.batch(frames.record(bytes(50_000)), producer=(5, 0, 1)))
    assert len(sender.line.client(whole[:20_000])[0].data) == 20_000
    sender.line.connection.lay(Layer(Lag(0.5, 0.0, 0.0), FAR, None), play.now)
    sender.line.client(whole[20_000:])
    assert told(play) == [1, 2]
    assert [seen.attempt for seen in play.all(Forwarded)] == [1]
    play.at(3.0)
    assert [(seen.attempt, seen.at) for seen in play.all(Forwarded)] == [(1, 0.0), (2, 0.5)]
