"""Random histories of an arm's wire, as the core would tell them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from hypothesis import strategies as st

from ackdrop.observations import (
    Acked,
    Answered,
    Asked,
    Attempt,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Flow,
    Forwarded,
    LetPass,
    Observation,
    Passed,
    Quiet,
    TopicSeen,
    Undecoded,
)
from ackdrop.series import joined

FATES = ("delivered",) * 8 + ("dropped", "withheld", "delayed", "none", "refused", "unanswered", "asked for none")


@dataclass(frozen=True)
class Request:
    """A produce request that names so many partitions, and what becomes of it."""

    connection: int
    partitions: list[int]
    fate: str
    again: bool
    fired: str | None
    looked: bool
    late: bool
    skipped: int
    fresh: bool


requests = st.builds(
    Request,
    connection=st.integers(1, 3),
    partitions=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    fate=st.sampled_from(FATES),
    again=st.integers(0, 5).map(lambda n: n == 0),
    fired=st.sampled_from((None,) * 12 + ("lose", "not in the scenario")),
    looked=st.booleans(),
    late=st.booleans(),
    skipped=st.sampled_from((0,) * 9 + (1, 7)),
    fresh=st.integers(0, 9).map(lambda n: n == 0),
)


def told(history: list[Request], model: Attempt, together: int = 1) -> list[list[Observation]]:
    """What is observed, in portions that go to the ledger together: those of so many requests."""
    tale = _Tale(model)
    each = [tale.request(request) for request in history] + [tale.rest]
    return [list(chain.from_iterable(each[n : n + together])) for n in range(0, len(each), together)]


class _Tale:
    def __init__(self, model: Attempt) -> None:
        self._model = model
        self._number = self._correlation = 0
        self._opened = 3
        self._links = {n: n for n in (1, 2, 3)}
        self._ends = {partition: 0 for partition in (0, 1, 2)}
        self._before: list[Attempt] = []
        self.rest: list[Observation] = []
        self._begin: list[Observation] = [ConnectionOpened(0.0, n, 0, "peer") for n in (1, 2, 3)]
        self._begin += [TopicSeen(0.0, "orders", partition, 0) for partition in (0, 1)]

    def request(self, request: Request) -> list[Observation]:
        facts, self._begin = self._begin, []
        if request.fresh:
            self._opened += 1
            old, self._links[request.connection] = self._links[request.connection], self._opened
            facts += (
                ConnectionClosed(self._at(), old, "client", "fin", ""),
                Undecoded(self._at(), old, "x", 1, "", True),
            )
            facts.append(ConnectionOpened(self._at(), self._opened, 0, "peer"))
        self._correlation += 1
        attempts = [self._attempt(request, partition) for partition in request.partitions]
        for attempt in attempts:
            facts += (attempt, Forwarded(attempt.at, attempt.number))
        facts += self.rest
        self.rest = self._decided(request, attempts) + self._answers(request, attempts)
        if not request.late:
            facts += self.rest
            self.rest = []
        self._before = attempts
        return facts

    def _at(self) -> float:
        return 100.0 + self._correlation

    def _attempt(self, request: Request, partition: int) -> Attempt:
        self._number += 1
        repeats = next((a for a in self._before if request.again and a.partition == partition), None)
        return dataclasses.replace(
            self._model,
            number=self._number,
            at=self._at(),
            connection=self._links[request.connection],
            correlation_id=self._correlation,
            partition=partition,
            acks=0 if request.fate == "asked for none" else -1,
            records=1 + self._number % 3,
            retry_of=None if repeats is None else repeats.number,
            tries=1 if repeats is None else repeats.tries + 1,
        )

    def _decided(self, request: Request, attempts: list[Attempt]) -> list[Observation]:
        rules = [(request.fired, True)] * (request.fired is not None) + [("look", False)] * request.looked
        return [
            Decided(a.at, rule, a.connection, a.correlation_id, a.client_id, a.topic, a.partition, 1, fired,
                    "drop" if fired else "pass", fired and i == 0, a.number)
            for rule, fired in rules
            for i, a in enumerate(attempts)
        ]  # fmt: skip

    def _answers(self, request: Request, attempts: list[Attempt]) -> list[Observation]:
        found: list[Observation] = []
        for attempt in attempts:
            if request.fate not in ("unanswered", "asked for none"):
                offset = self._ends[attempt.partition] + request.skipped
                self._ends[attempt.partition] = offset + attempt.records
                error = 6 if request.fate == "refused" else 0
                found.append(Answered(attempt.at + 1, attempt.number, error, -1 if error else offset))
            if request.fate == "refused":
                found.append(Acked(attempt.at + 1, attempt.number, "delivered", 6))
            elif request.fate != "unanswered":
                ack = "none" if request.fate == "asked for none" else request.fate
                seen = 0 if ack in ("delivered", "delayed") else None
                found.append(Acked(attempt.at + 1, attempt.number, ack, seen))  # type: ignore[arg-type]
        return found


_flow = attrgetter(*Flow.__dataclass_fields__)


def condensed(portions: list[list[Observation]]) -> list[list[Observation]]:
    """The same history, with one `Passed` in place of all that is told of attempts by which nothing happened, and
    `LetPass` in place of what rules said of them. Those of even partitions are told as while rules are armed."""
    quiet = _quiet([fact for portion in portions for fact in portion])
    return [list(_condensed(portion, quiet)) for portion in portions]


def _quiet(facts: list[Observation]) -> dict[int, tuple[Flow, Quiet]]:
    """The attempts that may be told so: all four of their facts are as they should be, before their connection ends or
    they are sent again."""
    attempts: dict[int, Attempt] = {}
    answers: dict[int, Answered] = {}
    found: dict[int, tuple[Flow, Quiet]] = {}
    frames = Counter((fact.connection, fact.correlation_id) for fact in facts if isinstance(fact, Attempt))
    fired = {fact.attempt for fact in facts if isinstance(fact, Decided) and fact.fired}
    for fact in facts:
        match fact:
            case Attempt():
                attempts[fact.number] = fact
                attempts.pop(fact.retry_of or 0, None)
            case ConnectionClosed():
                attempts = {n: attempt for n, attempt in attempts.items() if attempt.connection != fact.connection}
            case Answered():
                answers[fact.attempt] = fact
            case Acked(_, number, "delivered", 0) if number in attempts and number not in fired:
                one, answer = attempts[number], answers[number]
                alone = frames[one.connection, one.correlation_id] == 1
                if one.retry_of is None and alone and answer.error == 0:
                    found[number] = Flow(*_flow(one)), (
                        number, one.at, one.correlation_id, one.base_sequence, one.records, one.crc, one.size,
                        answer.at, answer.base_offset,
                    )  # fmt: skip
    return found


def _condensed(portion: list[Observation], quiet: dict[int, tuple[Flow, Quiet]]) -> Iterator[Observation]:
    runs: dict[Flow, list[Quiet]] = {}
    for fact in portion:
        number = fact.number if isinstance(fact, Attempt) else getattr(fact, "attempt", None)
        if isinstance(fact, Decided) and number in quiet and not fact.fired:
            yield LetPass(fact.fault, 1)
        elif isinstance(fact, Decided) or number not in quiet:
            if isinstance(fact, ConnectionClosed) or getattr(fact, "retry_of", None):
                yield from _passed(runs)
                runs = {}
            yield fact
        elif isinstance(fact, Acked):
            flow, row = quiet[number]
            runs.setdefault(flow, []).append(row)
    yield from _passed(runs)


def _passed(runs: dict[Flow, list[Quiet]]) -> Iterator[Passed]:
    told: list[Passed] = []
    for flow, run in runs.items():
        told.append(Passed.of(flow, run, None if flow.partition % 2 else Asked(0, False, 1.0)))
    for some in ([each for each in told if each.asked], [each for each in told if not each.asked]):
        if sum(len(each.attempts) for each in some) % 2:
            yield in_one(some)
        else:
            yield from some


def in_one(passed: Sequence[Passed]) -> Passed:
    """What these say, all of which have `asked`, or none has; there has to be one."""
    return Passed(
        [flow for each in passed for flow in each.flows],
        None if passed[0].asked is None else [asked for each in passed for asked in each.asked or ()],
        [count for each in passed for count in each.counts],
        joined([each.attempts for each in passed]),
        sum(each.requests for each in passed),
    )
