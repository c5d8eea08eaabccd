"""The same events in two worlds, of which one has the short way; what happens is by chance."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ackdrop.core.commands import Command, Send, Side
from ackdrop.errors import WireError
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import ProduceEntry, parse_request
from ackdrop.observations import (
    Passed,
)

from ..effort import TIMES
from .random_rules import any_rules
from .told import fired, frames_reached, let_pass, others, stories

STEPS = 120
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


def seeds(count: int, part: int = 0) -> range:
    """So many seeds, others for each part."""
    return range(part * count * TIMES, (part + 1) * count * TIMES)
