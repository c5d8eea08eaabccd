"""Whatever happens in whatever order on two connections, the books are right at the end.

A made-up broker answers what is forwarded to it, in order; clients and broker send in chunks of any size and end in any
way at any time, while rules drop, delay, alter and copy. Everything is drawn from one list of steps.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.core.commands import AskStarts, Close, Dial, Finish, Send, Side
from ackdrop.faults import Delay, Drop, Duplicate, Error
from ackdrop.observations import Acked, Attempt, ConnectionClosed, ConnectionOpened, Forwarded

HEARTBEAT, FETCH, METADATA, PRODUCE = 12, 1, 3, 0

FAULTS = st.sampled_from(
    [
        *(Drop("hold"), Drop("hold", 1.5), Drop("disconnect"), Drop("reset")),
        *(Delay(0.0), Delay(1.0, 0.5), Error(7)),
        *(Duplicate(), Duplicate(2, "same", 1.0), Duplicate(1, "new"), Duplicate(2, "new", 1.0)),
    ]
)
WHEN = st.sampled_from([{}, {"nth": (2,)}, {"every": 2}, {"first": 1}, {"probability": 0.5}, {"per": "partition"}])
RULES = st.lists(st.tuples(FAULTS, WHEN), max_size=3)
REQUESTS = st.lists(
    st.sampled_from(["produce", "produce two", "produce acks=0", "heartbeat", "fetch", "metadata"]), max_size=8
)
ACTS = st.sampled_from(
    ["client sends"] * 6
    + ["broker sends"] * 6
    + ["time passes"] * 2
    + ["copies go on"] * 2
    + ["starts are told", "client fin", "client reset", "broker fin", "broker reset", "shut"]
)
STEPS = st.lists(st.tuples(ACTS, st.integers(0, 1), st.integers(1, 400)), max_size=40)


class Party:
    """One connection, its client's script and its broker."""

    def __init__(self, frames: Any, line: Any, requests: list[str]) -> None:
        self.line = line
        self._frames = frames
        self.asks = [self._ask(cid, kind) for cid, kind in enumerate(requests)]
        self.script = b"".join(self.asks)
        self.sent = self.answered = 0
        self.received = {Side.CLIENT: b"", Side.BROKER: b""}
        self.answers = b""
        self._read = 0
        self.closed: set[Side] = set()
        self.finished = False
        self.client_ended = False

    def _ask(self, cid: int, kind: str) -> bytes:
        frames = self._frames
        if kind.startswith("produce"):
            value = b"%d" % cid
            entries = [("t", partition, frames.batch(frames.record(value))) for partition in range(2)]
            acks = 0 if kind.endswith("=0") else -1
            made: bytes = frames.produce(cid, *entries[: 2 if kind.endswith("two") else 1], acks=acks)
            return made
        key = {"heartbeat": HEARTBEAT, "fetch": FETCH, "metadata": METADATA}[kind]
        other: bytes = frames.request(key, 1, cid, bytes(30))
        return other

    def answer(self, ask: bytes) -> bytes:
        key, _version, cid = struct.unpack_from(">hhi", ask, 4)
        frames = self._frames
        if key == METADATA:
            body = struct.pack(">iii", 0, 1, 0)
        elif key == PRODUCE:
            acks, _, partitions = struct.unpack_from(">hii", ask, 4 + 8 + 3 + 2)
            if acks == 0:
                return b""
            made: bytes = frames.produced(cid, *(("t", partition, 0, cid) for partition in range(partitions)))
            return made
        else:
            body = bytes(10 if key == HEARTBEAT else 200)
        other: bytes = frames.answer(cid, body)
        return other

    def take(self, command: Any) -> None:
        """A command for this connection; whatever contradicts an earlier one is an error."""
        if isinstance(command, Send):
            assert command.to not in self.closed
            assert not (command.to is Side.BROKER and self.finished)
            self.received[command.to] += bytes(command.data)
            self._serve()
        elif isinstance(command, Finish):
            assert command.to is Side.BROKER
            assert not self.finished
            assert command.to not in self.closed
            self.finished = True
        elif isinstance(command, Close):
            assert command.to not in self.closed
            self.closed.add(command.to)

    def _serve(self) -> None:
        got = self.received[Side.BROKER]
        while len(got) - self._read >= 4:
            end = self._read + 4 + struct.unpack_from(">i", got, self._read)[0]
            if end > len(got):
                return
            self.answers += self.answer(got[self._read : end])
            self._read = end

    def client_sends(self, size: int) -> list[Any]:
        data = b"" if self.client_ended else self.script[self.sent : self.sent + size]
        self.sent += len(data)
        commands: list[Any] = self.line.client(data) if data else []
        return commands

    def broker_sends(self, size: int) -> list[Any]:
        data = self.answers[self.answered : self.answered + size]
        self.answered += len(data)
        commands: list[Any] = self.line.broker(data) if data else []
        return commands


def frames_in(data: bytes) -> list[bytes]:
    """The whole frames at the start of some bytes."""
    out, at = [], 0
    while len(data) - at >= 4:
        end = at + 4 + struct.unpack_from(">i", data, at)[0]
        if end > len(data):
            break
        out.append(data[at:end])
        at = end
    return out


def correlation_ids(data: bytes) -> list[int]:
    return [struct.unpack_from(">i", frame, 4)[0] for frame in frames_in(data)]


class Schedule:
    """`copies` are the connections of ackdrop's own that were dialled, with what is still to be answered on each."""

    def __init__(self, play: Any, parties: list[Party]) -> None:
        self.play = play
        self.parties = parties
        self.asked: list[AskStarts] = []
        self.copies: dict[int, bytes | None] = {}

    def do(self, act: str, which: int, size: int) -> None:
        party = self.parties[which]
        self.take(getattr(self, "_" + act.replace(" ", "_"))(party, size))
        assert self.play.wire.unsettled >= 0

    def take(self, commands: list[Any]) -> None:
        for command in commands:
            if isinstance(command, AskStarts):
                self.asked.append(command)
            elif isinstance(command, Dial):
                self.copies[command.connection] = None
            elif command.connection > len(self.parties):
                self._take_copy(command)
            else:
                self.parties[command.connection - 1].take(command)

    def _take_copy(self, command: Any) -> None:
        assert command.to is Side.BROKER
        if isinstance(command, Close):
            del self.copies[command.connection]
        else:
            self.copies[command.connection] = self.parties[0].answer(bytes(command.data))

    def _copies_go_on(self, party: Party, size: int) -> list[Any]:
        """The eldest of them is connected, or gets a part of its answer, or its broker is gone."""
        if not self.copies:
            return []
        number, answer = next(iter(self.copies.items()))
        copy, now = self.play.wire.copy(number), self.play.now
        if size % 10 == 0:
            return list(self.play.noted(copy.ended("gone", now)))
        if answer is None:
            return list(self.play.noted(copy.connected(now)))
        self.copies[number] = answer[size:]
        return list(self.play.noted(copy.received(memoryview(answer[:size]), now)))

    def _client_sends(self, party: Party, size: int) -> list[Any]:
        return party.client_sends(size)

    def _broker_sends(self, party: Party, size: int) -> list[Any]:
        return party.broker_sends(size)

    def _time_passes(self, party: Party, size: int) -> list[Any]:
        commands: list[Any] = self.play.at(self.play.now + size / 100)
        return commands

    def _starts_are_told(self, party: Party, size: int) -> list[Any]:
        if not self.asked:
            return []
        asked = self.asked.pop(0)
        commands: list[Any] = self.play.starts(asked, asked.topic, {0: size})
        return commands

    def _client_fin(self, party: Party, size: int) -> list[Any]:
        party.client_ended = True
        commands: list[Any] = party.line.client_ends("fin")
        return commands

    def _client_reset(self, party: Party, size: int) -> list[Any]:
        party.client_ended = True
        commands: list[Any] = party.line.client_ends("reset")
        return commands

    def _broker_fin(self, party: Party, size: int) -> list[Any]:
        commands: list[Any] = party.line.broker_ends("fin")
        return commands

    def _broker_reset(self, party: Party, size: int) -> list[Any]:
        commands: list[Any] = party.line.broker_ends("reset")
        return commands

    def _shut(self, party: Party, size: int) -> list[Any]:
        commands: list[Any] = party.line.shut()
        return commands

    def run_out(self) -> None:
        """Everyone says the rest and ends: starts are told, clients close, brokers answer and close, time passes."""
        while self.asked:
            self.do("starts are told", 0, 1)
        for which in range(2):
            self.do("client fin", which, 1)
            self.do("broker sends", which, 1 << 20)
            self.do("broker fin", which, 1)
        self.do("time passes", 0, 100_000)
        while self.copies:
            self.do("copies go on", 0, 999)


@settings(max_examples=400, deadline=None)
@given(rules=RULES, requests=st.tuples(REQUESTS, REQUESTS), steps=STEPS, ask_starts=st.booleans())
def test_the_books_are_right(
    playbook: Any,
    rule: Any,
    frames: Any,
    rules: list[tuple[Any, dict[str, Any]]],
    requests: tuple[list[str], list[str]],
    steps: list[tuple[str, int, int]],
    ask_starts: bool,
) -> None:
    made = [rule(fault, f"r{number}", **when) for number, (fault, when) in enumerate(rules)]
    play = playbook(*made, ask_starts=ask_starts, drain=2.0)
    schedule = Schedule(play, [Party(frames, play.connect(), script) for script in requests])
    for step in steps:
        schedule.do(*step)
    schedule.run_out()

    attempts = {attempt.number: attempt for attempt in play.all(Attempt)}
    assert play.wire.unsettled == 0
    opened = Counter(seen.connection for seen in play.all(ConnectionOpened))
    assert Counter(seen.connection for seen in play.all(ConnectionClosed)) == opened
    assert set(opened.values()) == {1}
    assert Counter(acked.attempt for acked in play.all(Acked)) == dict.fromkeys(attempts, 1)
    forwarded = Counter(seen.attempt for seen in play.all(Forwarded))
    assert set(forwarded.values()) <= {1}
    assert {number for number in attempts if number not in forwarded} <= {n for n, a in attempts.items() if a.injected}
    assert not play.wire._connections
    assert not play.wire._copies
    assert play.wire._copied == 0
    assert not play.wire.attempts._outstanding
    assert play.wire.attempts._held == 0
    assert play.undecoded == []
    may_resume = any(isinstance(fault, Drop) and fault.seconds is not None for fault, _ in rules)
    for party in schedule.parties:
        assert party.closed == {Side.CLIENT, Side.BROKER}
        check_bytes(party, may_resume, altered=any(isinstance(fault, Error) for fault, _ in rules))
    check_acks(play, schedule.parties, attempts)


def check_bytes(party: Party, may_resume: bool, altered: bool) -> None:
    """The broker got a beginning of what the client sent; the client got answers of the broker's, in their order."""
    assert party.script.startswith(once(party.received[Side.BROKER]))
    shown, told = party.received[Side.CLIENT], once(party.answers)
    if not may_resume and not altered:
        assert told.startswith(shown)
    ids = iter(correlation_ids(told))
    assert all(cid in ids for cid in correlation_ids(shown))
    if not may_resume:
        assert len(shown) <= len(told)


def once(data: bytes) -> bytes:
    """The bytes without the frames that stand in them again, and what is left of one at the end."""
    frames = frames_in(data)
    return b"".join(dict.fromkeys(frames)) + data[len(b"".join(frames)) :]


def check_acks(play: Any, parties: list[Party], attempts: dict[int, Attempt]) -> None:
    """An ack that counts as delivered was on the wire to the client, whole."""
    shown = [set(correlation_ids(party.received[Side.CLIENT])) for party in parties]
    for acked in play.all(Acked):
        attempt = attempts[acked.attempt]
        if attempt.acks == 0:
            assert (acked.ack, acked.error) == ("none", None)
        if acked.error is not None:
            assert acked.ack in ("delivered", "delayed")
            assert not attempt.injected
            assert attempt.correlation_id in shown[attempt.connection - 1]
        else:
            assert acked.ack != "delivered"
        if acked.ack in ("dropped", "withheld"):
            assert attempt.correlation_id not in shown[attempt.connection - 1]
