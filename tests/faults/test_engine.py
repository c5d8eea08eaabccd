"""The rules in their order: match, window, count, trigger, times; the first that fires decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.faults import Delay, Drop, Error
from ackdrop.faults.decisions import Decision
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Frame
from ackdrop.faults.verdicts import Alter, Postpone, Withhold


def fired(engine: Engine, frames: list[Frame], elapsed: float = 0.0) -> list[int]:
    """The positions, from 1, of the frames that some rule decided."""
    return [at for at, frame in enumerate(frames, 1) if engine.decide(frame, elapsed)[0] is not None]


def test_without_rules_nothing_is_decided(engine: Any, frame: Any) -> None:
    empty = engine()
    assert empty.decide(frame(), 0.0) == (None, [])
    assert not empty.armed("produce", "response")


def test_a_rule_speaks_of_its_api_and_side_alone(engine: Any, rule: Any, frame: Any) -> None:
    one = engine(rule())
    assert one.armed("produce", "response")
    assert not one.armed("produce", "request")
    assert not one.armed("fetch", "response")
    assert one.decide(frame(side="request"), 0.0) == (None, [])
    assert one.decide(frame(api="fetch"), 0.0) == (None, [])


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": (3,)}, [3]),
        ({"nth": (2, 5)}, [2, 5]),
        ({"first": 2}, [1, 2]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"times": 1}, [1]),
        ({"times": 0}, []),
        ({"probability": 1.0}, [1, 2, 3, 4, 5, 6]),
        ({"probability": 0.0}, []),
        ({"probability": 1.0, "times": 3}, [1, 2, 3]),
    ],
)
def test_when(engine: Any, rule: Any, frame: Any, when: dict[str, Any], expected: list[int]) -> None:
    assert fired(engine(rule(**when)), [frame() for _ in range(6)]) == expected


def test_frames_that_do_not_match_are_not_counted(engine: Any, rule: Any, frame: Any, entry: Any) -> None:
    frames = [frame(entry(0)), frame(entry(1)), frame(entry(0)), frame(entry(1))]
    assert fired(engine(rule(match={"partition": (1,)}, nth=(2,))), frames) == [4]


def test_frames_outside_the_window_are_not_counted(engine: Any, rule: Any, frame: Any) -> None:
    one = engine(rule(after=1.0, until=2.0, nth=(2,)))
    times = [0.0, 1.0, 0.5, 1.5, 2.0, 1.9]
    assert [one.decide(frame(), elapsed)[0] is not None for elapsed in times] == [False] * 3 + [True] + [False] * 2


def test_a_frame_counts_once_however_many_entries_match(engine: Any, rule: Any, frame: Any, entry: Any) -> None:
    frames = [frame(entry(0), entry(1), entry(2)), frame(entry(0)), frame(entry(1), entry(2))]
    assert fired(engine(rule(nth=(2,))), frames) == [2]


def test_what_it_says_of_each_entry(engine: Any, rule: Any, frame: Any, entry: Any) -> None:
    one = engine(rule("drop it", nth=(2,)))
    one.decide(frame(entry(1)), 0.0)
    outcome, decisions = one.decide(frame(entry(0), entry(1)), 0.0)
    assert (outcome.rule.name, outcome.verdict, outcome.hit) == (
        "drop it",
        Withhold("hold", None),
        (entry(0), entry(1)),
    )
    assert decisions == [
        Decision("drop it", entry(0), 1, True, True, "drop"),
        Decision("drop it", entry(1), 2, True, True, "drop"),
    ]


@pytest.mark.parametrize(("fault", "verdict"), [(Error(7), Alter(7)), (Delay(2.0), Postpone(2.0))])
def test_the_faults_own_verdict_is_given(engine: Any, rule: Any, frame: Any, fault: Any, verdict: Any) -> None:
    outcome, (decision,) = engine(rule(fault=fault)).decide(frame(), 0.0)
    assert (outcome.verdict, decision.verdict) == (verdict, fault.word)


class TestPerPartition:
    """Every matching entry counts, each partition for itself."""

    def test_each_partition_has_its_own_count(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        one = engine(rule(nth=(2,), per="partition"))
        hits = []
        for entries in ([0, 1], [1, 2], [0], [2], [0, 1, 2]):
            outcome, _ = one.decide(frame(*map(entry, entries)), 0.0)
            hits.append([] if outcome is None else [each.partition for each in outcome.hit])
        assert hits == [[], [1], [0], [2], []]

    def test_a_topic_has_its_own_partitions(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        frames = [frame(entry(0, "t")), frame(entry(0, "u")), frame(entry(0, "u"))]
        assert fired(engine(rule(nth=(2,), per="partition")), frames) == [3]

    def test_all_clients_count_together(self, engine: Any, rule: Any, frame: Any) -> None:
        frames = [frame(client="a"), frame(client="b"), frame(client="a")]
        assert fired(engine(rule(nth=(2,), per="partition")), frames) == [2]

    def test_the_others_in_the_frame_are_told_as_not_hit(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        one = engine(rule(nth=(2,), per="partition"))
        one.decide(frame(entry(1)), 0.0)
        _, decisions = one.decide(frame(entry(0), entry(1)), 0.0)
        assert decisions == [
            Decision("r", entry(0), 1, True, False, "pass"),
            Decision("r", entry(1), 2, True, True, "drop"),
        ]

    def test_times_is_each_partitions_own(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        one = engine(rule(times=1, per="partition"))
        hits = []
        for entries in ([0], [0, 1], [0, 1], [2, 1]):
            outcome, _ = one.decide(frame(*map(entry, entries)), 0.0)
            hits.append([] if outcome is None else [each.partition for each in outcome.hit])
        assert hits == [[0], [1], [], [2]]


class TestOrder:
    def test_the_first_that_fires_decides(self, engine: Any, rule: Any, frame: Any) -> None:
        one = engine(rule("a", Delay(1.0), nth=(2,)), rule("b", Error(7)), rule("c", Drop()))
        assert [one.decide(frame(), 0.0)[0].rule.name for _ in range(3)] == ["b", "a", "b"]

    def test_an_overruled_rule_still_counts(self, engine: Any, rule: Any, frame: Any) -> None:
        one = engine(rule("a", nth=(1, 2)), rule("b", nth=(3,)))
        names = []
        for _ in range(4):
            outcome, _ = one.decide(frame(), 0.0)
            names.append(outcome and outcome.rule.name)
        assert names == ["a", "a", "b", None]

    def test_it_says_that_it_was_overruled(self, engine: Any, rule: Any, frame: Any) -> None:
        _, decisions = engine(rule("a"), rule("b"), rule("c", nth=(9,))).decide(frame(), 0.0)
        assert [(each.rule, each.fired, each.hit, each.verdict) for each in decisions] == [
            ("a", True, True, "drop"),
            ("b", False, False, "overruled"),
            ("c", False, False, "pass"),
        ]

    def test_times_counts_only_what_it_fired(self, engine: Any, rule: Any, frame: Any) -> None:
        one = engine(rule("a", nth=(1, 2)), rule("b", times=1))
        names = []
        for _ in range(4):
            outcome, _ = one.decide(frame(), 0.0)
            names.append(outcome and outcome.rule.name)
        assert names == ["a", "a", "b", None]

    def test_per_partition_times_counts_only_what_it_fired(self, engine: Any, rule: Any, frame: Any) -> None:
        one = engine(rule("a", nth=(1,)), rule("b", times=1, per="partition"))
        names = []
        for _ in range(3):
            outcome, _ = one.decide(frame(), 0.0)
            names.append(outcome and outcome.rule.name)
        assert names == ["a", "b", None]


STREAMS = st.dictionaries(
    st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from(["t-run", "u"]), st.integers(0, 2)),
    st.integers(1, 8),
    min_size=2,
    max_size=6,
)


class TestChance:
    """Draws depend on (seed, arm, fault, client, topic's label, partition, n), and on nothing else."""

    @given(counts=STREAMS, order=st.randoms(use_true_random=False))
    def test_interleaving_changes_no_decision(
        self, engine: Any, rule: Any, frame: Any, entry: Any, counts: dict[tuple[str, str, int], int], order: Any
    ) -> None:
        """Each (client, topic, partition) sends its frames; whoever comes first, each n fares the same."""
        plan = [stream for stream, count in counts.items() for _ in range(count)]
        shuffled = list(plan)
        order.shuffle(shuffled)

        def decided(stream_order: list[tuple[str, str, int]]) -> dict[Any, Any]:
            one = engine(rule("p", probability=0.5), rule("q", Delay(1.0, 1.0), probability=0.7))
            out = {}
            for client, topic, partition in stream_order:
                outcome, decisions = one.decide(frame(entry(partition, topic), client=client), 0.0)
                for each in decisions:
                    verdict = outcome.verdict if each.fired else None
                    out[each.rule, client, topic, partition, each.n] = (each.fired, each.verdict, verdict)
            return out

        assert decided(plan) == decided(shuffled)

    @given(order=st.permutations([0, 1, 2, 3]))
    def test_neither_does_the_order_in_a_frame(
        self, engine: Any, rule: Any, frame: Any, entry: Any, order: list[int]
    ) -> None:
        def decided(partitions: Any) -> dict[tuple[int, int], bool]:
            one = engine(rule(probability=0.5))
            frames = [frame(*map(entry, partitions)) for _ in range(5)]
            decisions = itertools.chain.from_iterable(one.decide(each, 0.0)[1] for each in frames)
            return {(each.entry.partition, each.n): each.hit for each in decisions}

        assert decided(order) == decided(range(4))

    def test_the_same_list_twice(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        def decisions() -> list[Decision]:
            one = engine(rule("a", probability=0.3), rule("b", every=3), rule("c", Delay(1.0, 1.0), per="partition"))
            frames = [frame(entry(n % 3), entry(3), client=f"c{n % 2}") for n in range(50)]
            return [decision for each in frames for decision in one.decide(each, 0.0)[1]]

        assert decisions() == decisions()

    @pytest.mark.parametrize("other", [{"seed": 2}, {"arm": "on"}], ids=["seed", "arm"])
    def test_another_seed_or_arm_decides_otherwise(
        self, engine: Any, rule: Any, frame: Any, other: dict[str, Any]
    ) -> None:
        frames = [frame() for _ in range(50)]
        first, second = (fired(engine(rule(probability=0.5), **more), frames) for more in ({}, other))
        assert first != second

    @pytest.mark.parametrize(("changed", "client"), [({"partition": 1}, "c"), ({"topic": "u"}, "c"), ({}, "d")])
    def test_another_partition_topic_or_client_decides_otherwise(
        self, engine: Any, rule: Any, frame: Any, entry: Any, changed: dict[str, Any], client: str
    ) -> None:
        one, two = ([frame(entry(**more), client=name)] * 50 for more, name in (({}, "c"), (changed, client)))
        assert fired(engine(rule(probability=0.5)), one) != fired(engine(rule(probability=0.5)), two)

    def test_another_rules_name_decides_otherwise(self, engine: Any, rule: Any, frame: Any) -> None:
        frames = [frame() for _ in range(50)]
        assert fired(engine(rule("a", probability=0.5)), frames) != fired(engine(rule("b", probability=0.5)), frames)

    def test_a_topic_goes_by_its_label(self, engine: Any, rule: Any, frame: Any, entry: Any) -> None:
        """A topic whose name is new in every run keeps its luck."""

        def run(name: str) -> list[int]:
            one = engine(rule(probability=0.5), label=lambda topic: topic.partition("-")[0])
            return fired(one, [frame(entry(topic=name))] * 50)

        assert run("t-run1") == run("t-run2")

    def test_about_as_many_fire_as_were_asked_for(self, engine: Any, rule: Any, frame: Any) -> None:
        assert 0.27 < len(fired(engine(rule(probability=0.3)), [frame()] * 5000)) / 5000 < 0.33

    def test_jitter_is_not_the_draw_that_made_it_fire(self, engine: Any, rule: Any, frame: Any) -> None:
        """Else a rare fault would only ever see one end of its jitter."""
        one = engine(rule(fault=Delay(10.0, 10.0), probability=0.1))
        outcomes = [one.decide(frame(), 0.0)[0] for _ in range(3000)]
        delays = [outcome.verdict.seconds for outcome in outcomes if outcome is not None]
        assert min(delays) < 2.0
        assert max(delays) > 18.0


def test_n_counts_by_client_topic_and_partition(
    engine: Callable[..., Engine], rule: Any, frame: Any, entry: Any
) -> None:
    one = engine(rule(nth=(99,)))
    frames = [
        frame(entry(0), client="a"),
        frame(entry(0), client="b"),
        frame(entry(0), entry(1), client="a"),
        frame(entry(0, "u"), client="a"),
        frame(entry(1), client="a"),
    ]
    numbers = [[each.n for each in one.decide(each_frame, 0.0)[1]] for each_frame in frames]
    assert numbers == [[1], [1], [2, 1], [1], [2]]
