"""A stage on which tests play an arm: attempts pass, the log grows, the producer says what it heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ackdrop.observations import Ack, ArmWire, Attempt, AttemptStory, FaultTally, LogRecord, Send
from ackdrop.result import Expectation, ProducerInfo
from ackdrop.verify.evidence import ArmEvidence
from ackdrop.verify.log import Log

TOPIC = "ackdrop-t"
Sent = tuple[int, int]


class Scene:
    """One arm, played in the order of the calls. Records are named by number, or (number, send) for a resend."""

    def __init__(self, idempotence: bool | None = False) -> None:
        self.idempotence = idempotence
        self.foreign = idempotence is None
        self.stories: list[AttemptStory] = []
        self.log: list[LogRecord] = []
        self._order: dict[Sent, int] = {}
        self._heard: dict[Sent, Send] = {}
        self._sequence = 0

    def produce(
        self,
        *records: int | Sent,
        ack: Ack = "delivered",
        seen: int | None = 0,
        appends: bool = True,
        answered: bool = True,
        error: int = 0,
        repeats: AttemptStory | None = None,
        offset_of: AttemptStory | None = None,
        **attempt: Any,
    ) -> AttemptStory:
        """One attempt. `repeats`: it is a retry of that one, with its numbers; `offset_of`: the broker answers with
        that one's offset and appends nothing."""
        names = [record if isinstance(record, tuple) else (record, 0) for record in records]
        number = len(self.stories) + 1
        faults = attempt.pop("faults", ())
        values = self._values(number, names, repeats, attempt)
        base: int | None = self._end(values["partition"])
        if offset_of is not None:
            base, appends = offset_of.base_offset, False
        story = AttemptStory(
            Attempt(**values),
            forwarded=True,
            answered_at=values["at"] + 0.01 if answered else None,
            error=error if answered else None,
            base_offset=(base if not error else -1) if answered else None,
            ack=ack,
            seen_error=(seen or error) if ack in ("delivered", "delayed") else None,
            settled=True,
            faults=faults,
            acked_at=values["at"] + 0.02 if ack in ("delivered", "delayed") else None,
        )
        self.stories.append(story)
        if appends and not error:
            self._append(story, names)
        self._hear(story, names)
        return story

    def lose(self, *records: int | Sent, **details: Any) -> AttemptStory:
        """An attempt whose ack the fault "lose" drops."""
        return self.produce(*records, ack="dropped", **{"faults": ("lose",), **details})

    def says(self, record: int, send: int = 0, **changes: Any) -> None:
        """Change what the producer heard of this send, or make it a send that no attempt carried."""
        name = (record, send)
        order = self._order.setdefault(name, len(self._order))
        known = self._heard.get(name, Send("p1", record, send, order, "unknown", 0, None, None))
        self._heard[name] = replace(known, **changes)

    def drop_from_log(self, *offsets: int) -> None:
        self.log = [record for record in self.log if record.offset not in offsets]

    def wire(self, **changes: Any) -> ArmWire:
        dropped = sum(story.ack == "dropped" for story in self.stories)
        wire = ArmWire(
            arm="arm",
            zero=min((story.attempt.at for story in self.stories), default=None),
            connections=len({story.attempt.connection for story in self.stories}),
            produce_requests=len(self.stories),
            acks_dropped=dropped,
            acks_withheld=sum(story.ack == "withheld" for story in self.stories),
            acks_delayed=sum(story.ack == "delayed" for story in self.stories),
            attempts=tuple(self.stories),
            faults=(FaultTally("lose", len(self.stories), dropped),) if dropped else (),
            undecoded=(),
            starts={(story.attempt.topic, story.attempt.partition): 0 for story in self.stories},
            let_go=0,
        )
        return replace(wire, **changes)

    def evidence(self, *expect: Expectation, wire: dict[str, Any] | None = None, **changes: Any) -> ArmEvidence:
        evidence = ArmEvidence(
            name={True: "on", False: "off", None: "watched"}[self.idempotence],
            idempotence=self.idempotence,
            wire=self.wire(**(wire or {})),
            sends=None if self.foreign else list(self._heard.values()),
            log=Log.of(self.log),
            producer=ProducerInfo("kafka-python", "3.0.12", {}),
            run_id="run",
            expectations=expect,
            rules=() if self.foreign else ("lose",),
            control=not self.foreign,
            is_control=self.idempotence is False,
        )
        return replace(evidence, **changes)

    def _values(
        self, number: int, names: list[Sent], repeats: AttemptStory | None, given: dict[str, Any]
    ) -> dict[str, Any]:
        first = None if repeats is None else repeats.attempt
        values: dict[str, Any] = {
            "number": number,
            "at": 100.0 + number,
            "connection": 1 if first is None else first.connection + 1,
            "correlation_id": number,
            "client_id": "client",
            "software": "",
            "api_version": 7,
            "acks": -1,
            "transactional_id": None,
            "topic": TOPIC,
            "partition": 0,
            "producer_id": 7 if self.idempotence else -1,
            "producer_epoch": 0 if self.idempotence else -1,
            "base_sequence": -1,
            "records": len(names),
            "crc": hash(tuple(names)) & 0xFFFFFFFF,
            "size": 100,
            "retry_of": None if first is None else first.number,
            "tries": 1 if first is None else first.tries + 1,
            "ambiguous": False,
        }
        if first is not None:
            values |= {name: getattr(first, name) for name in ("producer_id", "producer_epoch", "base_sequence")}
        elif given.get("producer_id", values["producer_id"]) >= 0 and "base_sequence" not in given:
            values["base_sequence"] = self._sequence
            self._sequence += len(names)
        return values | given

    def _end(self, partition: int) -> int:
        return max((record.offset + 1 for record in self.log if record.partition == partition), default=0)

    def _append(self, story: AttemptStory, names: list[Sent]) -> None:
        attempt, base = story.attempt, self._end(story.attempt.partition)
        for place, name in enumerate(names):
            self._order.setdefault(name, len(self._order))
            record = LogRecord(
                topic=attempt.topic,
                partition=attempt.partition,
                offset=base + place,
                identity=f"p1/{name[0]}",
                send=None if self.foreign else name[1],
                order=None if self.foreign else self._order[name],
                producer=None if self.foreign else "p1",
                ours=not self.foreign,
                producer_id=attempt.producer_id,
                producer_epoch=attempt.producer_epoch,
                sequence=-1 if attempt.producer_id < 0 else attempt.base_sequence + place,
                batch_base_offset=base,
                batch_crc=attempt.crc,
                timestamp=1_700_000_000_000,
            )
            self.log.append(record)

    def _hear(self, story: AttemptStory, names: list[Sent]) -> None:
        success = story.seen_error == 0 and story.base_offset is not None
        for place, name in enumerate(names):
            heard = self._heard.get(name)
            if success and (heard is None or heard.outcome != "acked"):
                self.says(*name, outcome="acked", partition=story.attempt.partition, offset=story.base_offset + place)
            elif heard is None:
                self.says(*name, outcome="failed", partition=None, error="timed out")


@pytest.fixture(scope="session")
def scene() -> type[Scene]:
    """Makes an empty stage; its argument is what the arm claims about idempotence (None: a foreign program)."""
    return Scene


@pytest.fixture(scope="session")
def lost_ack() -> Callable[[bool | None], Scene]:
    """The main story: record 1 is appended, its ack lost, and it is sent again; written twice without idempotence."""

    def play(idempotence: bool | None) -> Scene:
        stage = Scene(idempotence)
        stage.produce(0)
        first = stage.lose(1)
        stage.produce(1, repeats=first, offset_of=first if idempotence else None)
        stage.produce(2)
        return stage

    return play
