"""A recording says the same, whether frames were told one by one or stand in lines of what has passed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.experiment.simulate import SimulatedArm, simulate
from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import Asked, Changed, Decided, Flow, Passed, Quiet, Reached
from ackdrop.passed import reached
from ackdrop.scenario.load import load
from ackdrop.series import AT_ONCE

from ..histories import in_one

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
ZERO = 10.0
SCENARIO = load("""\
version: 1
seed: 3
workload: {topic: {partitions: 3}}
faults:
  - {name: the nth, at: produce.request, when: {nth: [3, 7]}, do: {drop: {}}}
  - {name: every, at: produce.response, when: {every: 3, per: partition}, do: {drop: {}}}
  - {name: by chance, at: produce.response, when: {probability: 0.3, per: partition}, do: {delay: {for: 1s}}}
  - {name: at all, at: produce.request, when: {probability: 0.2}, match: {partition: [1]}, do: {delay: {for: 1s}}}
  - {name: behind it, at: produce.request, when: {following: by chance, first: 2}, do: {delay: {for: 1s}}}
  - {name: any, at: "*.request", when: {every: 4}, do: {delay: {for: 1s}}}
  - {name: in a window, at: produce.response, when: {after: 3s, until: 9s}, do: {delay: {for: 1s}}}
  - {name: the broker, at: broker, when: {nth: 4}, do: {pause: {for: 1s}}}
  - {name: connections, at: connection, when: {every: 2}, do: {latency: {for: 1ms}}}
""")
"""Each kind of when; at requests, answers, connections and the broker."""


@dataclass(frozen=True)
class Request:
    """A produce request, so many ticks after the one before, answered so many later. `told`: in a line with others, as
    a frame when its turn is, or as one that is told late."""

    connection: int
    partition: int
    after: int
    answered: int
    records: int
    told: str


requests = st.lists(
    st.builds(
        Request,
        connection=st.integers(1, 3),
        partition=st.integers(0, 2),
        after=st.integers(0, 2),
        answered=st.integers(0, 4),
        records=st.integers(1, 3),
        told=st.sampled_from(("passed", "passed", "passed", "frame", "late")),
    ),
    min_size=1,
    max_size=40,
)
others = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(("changed", "connection", "metadata"))), max_size=8)


def passed_of(history: Sequence[Request]) -> list[tuple[str, Passed]]:
    """Each request, on its own. The answers of a connection come in the order of its requests. What is told late has
    times of its own: else nobody could know what was first."""
    found, tick = [], 0
    next_answer: dict[int, int] = {}
    for number, one in enumerate(history, 1):
        tick += one.after
        answered = max(tick + one.answered, next_answer.get(one.connection, 0))
        next_answer[one.connection] = answered + (one.told == "late")
        at, answered_at = (ZERO + each + number * 0.001 * (one.told == "late") for each in (tick, answered + 0.5))
        flow = Flow(one.connection, f"c{one.connection}", "", 9, -1, None, "t-1f", one.partition, 7, 0)
        row: Quiet = (number, at, number, number, one.records, 5, 90, answered_at, number)
        found.append((one.told, Passed.of(flow, [row], Asked(one.connection % 2, False, ZERO))))
    return found


def other(at: int, kind: str, place: int) -> Reached | Changed:
    """What is told one by one at all times: a fault rests and is armed again, a client connects, another API."""
    when = ZERO + at + 0.25
    if kind == "changed":
        return Changed(when, "every", "disarmed" if place % 2 else "armed", "keys", None, when - ZERO)
    if kind == "connection":
        return Reached(when, kind, kind, 0, "event", "", 50 + place, 1, False, 0, None, None, (), when - ZERO)
    entries = (("", -1, -1, 1, None, 0, 40),)
    return Reached(
        when, "metadata.request", kind, 12, "request", "c1", 1, 1, False, 99, None, None, entries, when - ZERO
    )


def simulated(portions: Sequence[Sequence[Reached | Changed | Passed]]) -> tuple[list[SimulatedArm], list[Decided]]:
    decided: list[Decided] = []
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        with Ledger.create(Path(folder), limits=Limits(attempts=50)) as ledger:
            arm = ledger.arm("off", True, [rule.name for rule in SCENARIO.rules], topic_suffix="-1f")
            for portion in portions:
                arm.put(portion)
                if len(portions) < 8:
                    ledger.flush()
        return simulate(SCENARIO, Path(folder), decided=lambda arm, one: decided.append(one)), decided


@settings(deadline=None, max_examples=80)
@given(
    requests.filter(lambda history: any(one.told == "passed" for one in history)),
    others,
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_it_is_the_same_whether_frames_are_told_in_one_or_one_by_one(history, around, together, random):
    every = passed_of(history)
    rest = [other(*each, place) for place, each in enumerate(sorted(around))]
    singly = sorted([*(frame for _, each in every for frame in reached(each)), *rest], key=attrgetter("at"))
    frames = [frame for told, each in every if told == "frame" for frame in reached(each)]
    late = [frame for told, each in every if told == "late" for frame in reached(each)]
    on_time = sorted([*frames, *rest], key=attrgetter("at"))
    for frame in late:
        came = next((place for place, each in enumerate(on_time) if each.at > frame.at), len(on_time))
        on_time.insert(random.randint(came, len(on_time)), frame)
    lines = [each for told, each in every if told == "passed"]
    portions: list[Sequence[Reached | Changed | Passed]] = [on_time]
    for begin in range(0, len(lines), together):
        of_each: dict[tuple[Flow, Asked], list[Quiet]] = {}
        for each in lines[begin : begin + together]:
            ((flow, asked, attempts),) = each.by_flow()
            of_each.setdefault((flow, asked), []).extend(attempts)
        portion = [Passed.of(flow, rows, asked) for (flow, asked), rows in of_each.items()]
        portions.insert(random.randint(0, len(portions)), random.choice(([in_one(portion)], portion)))
    plain = simulated([singly])
    assert simulated(portions) == plain
    assert plain[1]


def test_a_long_recording_is_asked_about_line_by_line(tmp_path):
    """Lines that follow each other are not all frames at once."""
    flow, asked = Flow(1, "c", "", 9, -1, None, "t-1f", 0, 7, 0), Asked(1, False, ZERO)
    total = 5 * AT_ONCE
    with Ledger.create(tmp_path) as ledger:
        arm = ledger.arm("off", True, ["the nth"], topic_suffix="-1f")
        for begin in range(0, total, AT_ONCE):
            rows = [(n, ZERO + n, n, n, 1, 5, 90, ZERO + n + 0.5, n) for n in range(begin, begin + AT_ONCE)]
            arm.put([Passed.of(flow, rows, asked)])
    (arm_again,) = simulate(SCENARIO, tmp_path)
    found = {each.rule.name: (each.matched, len(each.fired)) for each in arm_again.rules}
    assert (found["the nth"], found["every"], found["any"]) == (
        (total, 2),
        (total, total // 3),
        (total, total // 4 - 1),  # on the eighth request `behind it` has decided
    )
    assert arm_again.lacking == ("it has no connection: the run never came there, or was not recorded there",)
