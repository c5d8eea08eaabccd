"""The short way is the long one, only shorter: whatever happens, the same bytes go on and the same is told of them."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from ackdrop.core.commands import Command, Send, Side
from ackdrop.errors import WireError
from ackdrop.faults import (
    Blackhole,
    Corrupt,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Error,
    Late,
    Latency,
    Pause,
    Reorder,
    Reset,
    Truncate,
)
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.spans import Span
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import ProduceEntry, parse_request
from ackdrop.observations import (
    Acked,
    Answered,
    Attempt,
    Decided,
    Forwarded,
    LetPass,
    Observation,
    Passed,
    Reached,
)
from ackdrop.passed import expanded, reached

from ..effort import TIMES

STEPS = 120
Fate = dict[type, Any]


def stories(seen: Iterable[Observation]) -> dict[int, Fate]:
    """By attempt, all that was told of it."""
    found: dict[int, Fate] = {}
    for fact in seen:
        match fact:
            case Attempt():
                assert fact.number not in found, "told twice"
                found[fact.number] = {Attempt: fact}
            case Forwarded() | Answered() | Acked():
                assert type(fact) not in found[fact.attempt], "told twice"
                found[fact.attempt][type(fact)] = fact
            case Passed():
                singly = stories(expanded(fact))
                assert not found.keys() & singly.keys(), "told twice"
                found |= singly
    return found


TOLD_OTHERWISE = (Attempt, Forwarded, Answered, Acked, Passed, LetPass, Reached, Decided)


def others(seen: Iterable[Observation]) -> Counter[Observation]:
    return Counter(each for each in seen if not isinstance(each, TOLD_OTHERWISE))


def frames_reached(seen: Iterable[Observation]) -> Counter[Reached]:
    """What rules could be asked about."""
    found: Counter[Reached] = Counter()
    for fact in seen:
        if isinstance(fact, Reached):
            found[fact] += 1
        elif isinstance(fact, Passed) and fact.asked is not None:
            found.update(reached(fact))
    return found


def fired(seen: Iterable[Observation]) -> list[Decided]:
    """What rules did, with the count at which they did it."""
    return [fact for fact in seen if isinstance(fact, Decided) and fact.fired]


def let_pass(seen: Iterable[Observation]) -> Counter[str]:
    """How often each rule let pass."""
    found: Counter[str] = Counter()
    for fact in seen:
        if isinstance(fact, LetPass):
            found[fact.fault] += fact.frames
        elif isinstance(fact, Decided) and not fact.fired:
            found[fact.fault] += 1
    return found


def any_rules(draw: random.Random, counting: bool) -> list[Rule]:
    """Rules of all kinds, most of which fire now and then; `counting`: those at requests never do, and there is none
    that lies on connections."""
    kinds: list[tuple[str, Callable[[], Any]]] = [
        ("produce.response", lambda: Drop(draw.choice(("hold", "skip", "disconnect", "reset")))),
        ("produce.response", lambda: Delay(draw.choice((0.1, 0.5)), 0.1)),
        ("produce.response", lambda: Error(6)),
        ("produce.response", lambda: Disconnect(draw.choice((None, 0.7)))),
        ("produce.request", lambda: Delay(0.2)),
        ("produce.request", lambda: Drop("skip")),
        ("produce.request", lambda: Duplicate(1, draw.choice(("same", "new")))),
        ("produce.request", lambda: Late("time", 0, 0.5)),
        ("produce.request", lambda: Reorder()),
        ("produce.request", lambda: Truncate(30)),
        ("produce.request", lambda: Corrupt("crc")),
        ("*.request", lambda: Delay(0.1)),
        ("fetch.response", lambda: Delay(0.1)),
        ("connection", lambda: Latency(0.1)),
        ("connection", lambda: Blackhole(0.5)),
        ("connection", lambda: Reset()),
        ("broker", lambda: Pause(0.1)),
    ]
    if counting:
        kinds = [kind for kind in kinds if kind[0] != "connection"]
    rules: list[Rule] = []
    for number in range(draw.choice((1, 1, 2, 4))):
        place, make = draw.choice(kinds)
        api, _, side = place.partition(".")
        when = {
            "nth": lambda: {"nth": tuple(draw.sample(range(1, 120), 2))},
            "every": lambda: {"every": draw.choice((7, 40))},
            "first": lambda: {"first": 2},
            "probability": lambda: {"probability": draw.choice((0.0, 0.01, 0.1))},
            "always": lambda: {"times": 2},
        }[draw.choice(("nth", "every", "first", "probability", "always"))]()
        if draw.random() < 0.3:
            when["after"] = draw.choice((0.01, 1.0))
        if draw.random() < 0.2:
            when["until"] = draw.choice((1.5, 3.0))
        if rules and draw.random() < 0.3:
            when["following"] = draw.choice(rules).name
        if counting and place != "produce.response":
            when = draw.choice(({"nth": (1_000_000,)}, {"every": 1_000_000}, {"probability": 0.0}))
        when |= {"times": draw.choice((when.get("times"), 1, 3)), "per": draw.choice(("run", "partition", "producer"))}
        match: dict[str, Any] = {}
        if draw.random() < 0.3:
            match["topic"] = (draw.choice(("t", "a*")),)
        if draw.random() < 0.2:
            match["size"] = Span(draw.choice((None, 200)), draw.choice((None, 2000)))
        if draw.random() < 0.2:
            match["records"] = Span(2, None)
        if draw.random() < 0.2:
            match["attempt"] = draw.choice(("first", "retry"))
        if draw.random() < 0.2:
            match["client_id"] = ("c",)
        rules.append(Rule(f"r{number}", api, side or "event", Match(**match), When(**when), make()))  # type: ignore[arg-type]
    return rules


TOPICS = ("t", "a longer name", "another")
IDS = {topic: bytes([65 + n]) * 16 for n, topic in enumerate(TOPICS)}


class Client:
    """A connection in both worlds, with what its client has sent and what its broker owes. A request of it has up to
    so `many` partitions."""

    def __init__(self, lines: tuple[Any, Any], draw: random.Random, many: int) -> None:
        self.lines = lines
        self.producer = draw.choice((-1, -1, 5, 6))
        self.version = draw.choice((3, 7, 8, 9, 12, 13) if many > 1 else (3, 7, 9, 12))
        self.topic = draw.choice(TOPICS[:2])
        self.topics = [self.topic, *draw.sample(TOPICS, draw.randrange(3))] if many > 1 else [self.topic]
        self.many = draw.randint(2, many) if many > 1 else 1
        self.unsent = b""
        self.to_broker = [bytearray(), bytearray()]
        self.to_client = [bytearray(), bytearray()]
        self.answered = 0
        self.owed: list[bytes] = []
        self.unanswered = b""
        self.over = False


class Twins:
    """The same events in two worlds, of which the first one has the short way.

    There the rules are asked about a large request when its batch's header has come, in the other world when it is
    whole. So while they may fire, nothing else happens in between. Where all at requests are `counting` alone anything
    does; then those are counted that never ended."""

    def __init__(
        self,
        seed: int,
        playbook: Any,
        frames: Any,
        *,
        spoil: float = 0.0,
        armed: bool = False,
        several: bool = False,
        counting: bool = False,
    ) -> None:
        self.draw = random.Random(seed)
        self.several = several
        """Whether requests may be for several partitions, and several topics."""
        self.frames = frames
        self.spoil = spoil
        """How often a byte of a frame is another one."""
        self.wild = self.draw.choice((0.0, 0.1, 0.3, 1.0))
        """How often something out of the ordinary happens."""
        starts = self.draw.random() < 0.3
        self.counting = counting
        self.rules = any_rules(self.draw, counting) if armed else []
        self.plays = [
            playbook(*self.rules, quick=quick, ask_starts=starts, drain=0.5, told_singly=0) for quick in (True, False)
        ]
        self.plays[0].unread = seed % 2 == 0
        self.clients: list[Client] = []
        self.sequences: Counter[tuple[int, str, int]] = Counter()
        self.offsets: Counter[tuple[str | bytes, int]] = Counter()
        self.alike: tuple[int, int, int] | None = None
        """Where requests that come together are alike: their partition, records, and bytes of each."""
        self.sent: list[tuple[int, str, int, bytes]] = []
        self.values: list[tuple[str, int, int, bytes]] = []
        """Of records that were sent: topic, partition, create time and value."""
        self.cid = 0
        for topic, topic_id in IDS.items():
            for play in self.plays:
                play.wire.learn(topic_id, topic)

    def step(self) -> None:
        draw = self.draw
        if not self.clients or draw.random() < 0.03 * self.wild:
            lines = self.plays[0].connect(), self.plays[1].connect()
            self.clients.append(Client(lines, draw, 6 if self.several else 1))
        client = draw.choice(self.clients)
        kind = draw.random()
        if self.rules and not self.counting and (going := self.going()):
            client, kind = going[0], 0.0
        if client.over:
            return
        if kind < 0.5:
            self.sends(client)
        elif kind < 0.9:
            self.answers(client)
        elif kind < 1 - 0.03 * self.wild:
            later = self.plays[0].now + draw.choice((0.01, 0.3, 2.0))
            self.notice(*(play.at(later) for play in self.plays))
        else:
            self.ends(client)
        self.same_so_far()

    def going(self) -> list[Client]:
        """Those with a large request that is on its way on the short way."""
        return [each for each in self.clients if each.lines[0].connection.large.passing]

    def sends(self, client: Client) -> None:
        draw = self.draw
        count = draw.choice((1, 1, 2, 5, 20))
        self.alike = None if draw.random() < 0.6 else self.shape()
        data = client.unsent + b"".join(self.spoilt(self.request(client)) for _ in range(count))
        cut = len(data) if draw.random() < 0.9 - 0.5 * self.wild else draw.randint(1, len(data))
        client.unsent = data[cut:]
        cuts = sorted(draw.randrange(cut) for _ in range(draw.choice((0, 0, 1, 4)))) if self.several and cut else []
        for begin, end in itertools.pairwise((0, *cuts, cut)):
            if begin < end:
                self.feed(client, Side.CLIENT, data[begin:end])

    def shape(self) -> tuple[int, int, int]:
        return self.draw.choice((0, 0, 0, 1)), self.draw.choice((1, 1, 3)), self.draw.choice((1, 40, 3000))

    def request(self, client: Client) -> bytes:
        draw, frames = self.draw, self.frames
        self.cid += 1
        if draw.random() < 0.03 * self.wild:
            return bytes(frames.request(draw.choice((1, 12)), 4, self.cid, bytes(draw.choice((10, 300)))))
        entries = self.entries(client)
        if draw.random() < 0.03 * self.wild:
            topic, _, batch = entries[0]
            entries.append((topic, 2, draw.choice((batch, None))))
        acks = 0 if draw.random() < 0.02 * self.wild else -1
        name = "c" * len(client.topic)
        return bytes(
            frames.produce(
                self.cid,
                *((IDS[topic] if client.version > 12 else topic, *rest) for topic, *rest in entries),
                version=client.version,
                acks=acks,
                client=name,
                grouped=client.many > 1 and draw.random() < 0.8,
            )
        )

    def entries(self, client: Client) -> list[tuple[str, int, bytes | None]]:
        """What the next request is for: a partition twice is rare. Some of it was sent before, also by others."""
        draw = self.draw
        partitions = [(topic, n) for topic in dict.fromkeys(client.topics) for n in range(4)]
        chosen = draw.sample(partitions, min(draw.randint(1, client.many), len(partitions)))
        if client.many == 1:
            chosen = [(client.topic, (self.alike or self.shape())[0])]
        elif draw.random() < 0.05 * self.wild:
            chosen.append(chosen[0])
        found: list[tuple[str, int, bytes | None]] = []
        for topic, partition in chosen:
            again = draw.choice(self.sent[-20:]) if self.sent and draw.random() < 0.05 * self.wild else None
            batch = b""
            if again is not None and (client.many == 1 or again[1:3] not in chosen):
                _, topic, partition, batch = again
            if again is None or not batch:
                batch = self.batch(client.producer, topic, partition)
                self.sent.append((client.producer, topic, partition, batch))
            found.append((topic, partition, batch))
        return found

    def batch(self, producer: int, topic: str, partition: int) -> bytes:
        """The next batch. Records that were in others before are rare."""
        draw, frames = self.draw, self.frames
        _, count, length = self.alike or self.shape()
        value = draw.randbytes(length)
        sequence = self.sequences[producer, topic, partition]
        numbers = (producer, 0, sequence) if producer >= 0 else (-1, -1, -1)
        at = draw.choice((1000, 2000)) if draw.random() < 0.1 else self.cid + 5000
        known = [each for each in self.values[-20:] if each[:2] == (topic, partition)]
        if known and draw.random() < 0.1 * self.wild:
            again = sorted((draw.choice(known) for _ in range(count)), key=lambda each: each[2])
            at = again[0][2]
            records = [frames.record(value, ms=created - at) for _, _, created, value in again]
        else:
            records = [frames.record(value) for _ in range(count)]
            self.values.append((topic, partition, at, value))
        self.sequences[producer, topic, partition] += count
        return bytes(frames.batch(*records, producer=numbers, at=at))

    def spoilt(self, frame: bytes) -> bytes:
        if not frame or self.draw.random() >= self.spoil:
            return frame
        changed = bytearray(frame)
        changed[self.draw.randrange(min(len(frame), 200))] ^= 1 << self.draw.randrange(8)
        return bytes(changed)

    def feed(self, client: Client, side: Side, data: bytes) -> None:
        feeding = [(line.client if side is Side.CLIENT else line.broker)(data) for line in client.lines]
        self.notice(*feeding)

    def notice(self, *commands: list[Command]) -> None:
        """What goes where; start offsets are known at once."""
        for world, list_of_commands in enumerate(commands):
            rest = list(list_of_commands)
            while rest:
                command = rest.pop(0)
                if isinstance(command, Send):
                    client = next(each for each in self.clients if each.lines[world].number == command.connection)
                    into = client.to_broker if command.to is Side.BROKER else client.to_client
                    into[world] += command.data
                elif type(command).__name__ == "AskStarts":
                    rest += self.plays[world].starts(command, command.topic, dict.fromkeys(range(4), 0))  # type: ignore[union-attr]

    def answers(self, client: Client) -> None:
        draw = self.draw
        data = client.unanswered + b"".join(self.spoilt(self.answer(client)) for _ in range(draw.choice((1, 2, 10))))
        cut = len(data) if draw.random() < 0.9 - 0.5 * self.wild else draw.randint(0, len(data))
        client.unanswered = data[cut:]
        if cut:
            self.feed(client, Side.BROKER, data[:cut])

    def answer(self, client: Client) -> bytes:
        """The answer to the next whole request that came to the broker."""
        stream = client.to_broker[1]
        while client.answered < len(stream):
            end = client.answered + 4 + int.from_bytes(stream[client.answered : client.answered + 4], "big")
            if end > len(stream):
                return b""
            request = bytes(stream[client.answered : end])
            client.answered = end
            try:
                header = request_header(request)
                read = parse_request(request, header) if header.api_key == 0 else None
            except WireError:
                assert self.spoil
                return b""
            if read is None:
                return bytes(self.frames.answer(header.correlation_id, bytes(self.draw.choice((4, 400)))))
            if read.acks == 0:
                continue
            answers = self.of_partitions(read.entries)
            version, cid = header.api_version, header.correlation_id
            return bytes(self.frames.produced(cid, *answers, version=version, grouped=self.draw.random() < 0.8))
        return b""

    def of_partitions(self, entries: Sequence[ProduceEntry]) -> list[tuple[str | bytes, int, int, int]]:
        """What the broker answers, in any order; a partition that is missing, or not asked for, is rare."""
        draw = self.draw
        answers: list[tuple[str | bytes, int, int, int]] = []
        for entry in {(entry.topic_id or entry.topic, entry.partition): entry for entry in entries}.values():
            topic, partition = entry.topic_id or entry.topic or "", entry.partition
            error = 6 if draw.random() < 0.03 * self.wild else 0
            base = self.offsets[topic, partition] + (draw.random() < 0.1)  # others write there, too
            self.offsets[topic, partition] = base + (entry.batch.records if entry.batch else 0)
            answers.append((topic, partition, error, -1 if error else base))
        if len(answers) > 1:
            draw.shuffle(answers)
            if draw.random() < 0.02 * self.wild:
                answers.append((answers[0][0], 9, 0, 7))
            elif draw.random() < 0.02 * self.wild:
                answers.pop()
        return answers

    def ends(self, client: Client) -> None:
        how = self.draw.choice(("fin", "reset"))
        client.over = True
        side = self.draw.choice(("client_ends", "broker_ends", "shut"))
        self.notice(*(getattr(line, side)(*(() if side == "shut" else (how,))) for line in client.lines))

    def same_so_far(self) -> None:
        quick, slow = (play.wire for play in self.plays)
        assert quick.unsettled == slow.unsettled
        for client in self.clients:
            assert client.to_client[0] == client.to_client[1]
            ahead, behind = client.to_broker
            assert ahead.startswith(behind)
            assert self.spoil or len(ahead) - len(behind) < (70_000 if self.several else 40_000)

    def same_in_the_end(self) -> int:
        """How many attempts went the short way."""
        for client in self.clients:
            self.notice(*(line.shut() for line in client.lines))
        self.notice(*(play.at(play.now + 10.0) for play in self.plays))
        for play in self.plays:
            play.noted([])
        self.same_so_far()
        quick, slow = (play.seen for play in self.plays)
        assert stories(quick) == stories(slow)
        assert others(quick) == others(slow)
        assert frames_reached(quick) == frames_reached(slow)
        assert fired(quick) == fired(slow)
        self.same_counts(let_pass(quick), let_pass(slow))
        one, other = (play.wire.received for play in self.plays)
        assert (one.client_bytes, one.broker_bytes, one.broker_frames) == (
            other.client_bytes,
            other.broker_bytes,
            other.broker_frames,
        )
        assert 0 <= other.client_frames - one.client_frames <= len(self.clients)  # some have begun, and never ended
        assert self.rules or self.plays[0].wire.unsettled == 0  # nobody lets the copies go that rules have made
        return sum(len(each.attempts) for each in quick if isinstance(each, Passed))

    def same_counts(self, quick: Counter[str], slow: Counter[str]) -> None:
        """What each rule has matched and let pass. It matches what never came to an end, and goes by what was known of
        a request when that began."""
        engines = [play.wire.engine for play in self.plays]
        ended_otherwise = sum(client.lines[0].connection._quick.long for client in self.clients)
        for rule in self.rules:
            (matched, fired), (same, as_often) = (engine.counts(rule) for engine in engines)
            assert fired == as_often
            assert quick[rule.name] - slow[rule.name] == matched - same
            more = len(self.going()) if rule.side != "response" else 0
            otherwise = ended_otherwise if self.counting and rule.match.attempt != "any" else 0
            assert -otherwise <= matched - same <= more + otherwise


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


def seeds(count: int, part: int = 0) -> range:
    """So many seeds, others for each part."""
    return range(part * count * TIMES, (part + 1) * count * TIMES)


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
