"""What a killed producer leaves to the next one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ackdrop.workload.lives import SHORTEST, Past
from ackdrop.workload.outcome import Progress
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.talk import Talk

MakePlan = Callable[..., ProducerPlan]


def told(plan: ProducerPlan, outcomes: dict[int, str]) -> Talk:
    """A process that was told of these orders."""
    talk = Talk(plan)
    for order, outcome in outcomes.items():
        record, send, partition = plan.place(order)
        line: dict[str, Any] = {"order": order, "record": record, "send": send, "partition": partition}
        talk.feed(json.dumps({**line, "outcome": outcome, "offset": order, "error": None}).encode() + b"\n")
    return talk


def placed(plan: ProducerPlan) -> list[tuple[int, int]]:
    return [plan.place(order)[:2] for order in range(plan.first, plan.first + plan.planned)]


def test_what_was_not_acked_is_sent_again_and_then_the_rest(make_plan: MakePlan) -> None:
    plan = make_plan(records=6)
    past = Past(plan)
    after = past.bury(told(plan, {0: "acked", 2: "failed"}), 4, 1.0)
    assert [(send.record, send.outcome) for send in past.sends] == [
        (0, "acked"),
        (1, "unknown"),
        (2, "failed"),
        (3, "unknown"),
    ]
    assert (after.first, after.planned) == (4, 5)
    assert placed(after) == [(1, 1), (2, 1), (3, 1), (4, 0), (5, 0)]
    assert [after.place(order)[2] for order in range(4, 9)] == [0] * 5


def test_with_acks_0_what_was_handed_over_counts_as_told(make_plan: MakePlan) -> None:
    plan = make_plan(records=3)
    after = Past(plan).bury(told(plan, {0: "unknown"}), 2, 0.0)
    assert placed(after) == [(1, 1), (2, 0)]


def test_every_send_of_a_record_has_a_number_of_its_own(make_plan: MakePlan) -> None:
    plan = make_plan(records=2, sends=2, partitions=2)
    past = Past(plan)
    second = past.bury(told(plan, {0: "acked"}), 3, 0.0)
    assert placed(second) == [(0, 2), (1, 2), (1, 1)]
    third = past.bury(told(second, {}), 2, 0.0)
    assert placed(third) == [(0, 3), (1, 3), (1, 1)]
    assert third.first == 5
    assert [third.place(order)[2] for order in (5, 6, 7)] == [0, 1, 1]


def test_killed_while_it_sends_again(make_plan: MakePlan) -> None:
    plan = make_plan(records=4)
    past = Past(plan)
    second = past.bury(told(plan, {}), 3, 0.0)
    third = past.bury(told(second, {3: "acked"}), 1, 0.0)
    assert placed(third) == [(1, 1), (2, 1), (3, 0)]


def test_what_the_dead_one_sent_again_itself_counts_as_its_last_send(make_plan: MakePlan) -> None:
    """Record 0 failed and was acked when it was sent again; record 1 failed, and its second send is not known."""
    plan = make_plan(records=4, resend_failed=1)
    past, talk = Past(plan), Talk(plan)
    for order, record in ((0, 0), (2, 1)):
        line = {"order": order, "record": record, "send": 0, "partition": 0, "outcome": "failed", "offset": None}
        talk.feed(json.dumps({**line, "error": "gone"}).encode() + b"\n")
    for order, record, of in ((1, 0, 0), (3, 1, 2)):
        line = {"again": {"order": order, "record": record, "send": 1, "of": of}}
        talk.feed(json.dumps(line).encode() + b"\n")
    acked = {"order": 1, "record": 0, "send": 1, "partition": 0, "outcome": "acked", "offset": 1, "error": None}
    talk.feed(json.dumps(acked).encode() + b"\n")
    after = past.bury(talk, 4, 0.0)
    assert placed(after) == [(1, 2), (2, 0), (3, 0)]
    assert dict(after.resent) == {0: 1, 1: 2}
    assert (after.first, after.planned) == (4, 3)


def test_killed_before_it_began(make_plan: MakePlan) -> None:
    plan = make_plan(records=2)
    after = Past(plan).bury(Talk(plan), 0, 0.0)
    assert placed(after) == placed(plan)


def test_killed_after_its_last_answer_leaves_nothing(make_plan: MakePlan) -> None:
    plan = make_plan(records=2)
    after = Past(plan).bury(told(plan, {0: "acked", 1: "acked"}), 2, 0.0)
    assert after.planned == 0


def test_the_deadline_is_that_of_all_processes(make_plan: MakePlan) -> None:
    plan = make_plan(deadline=30.0)
    assert Past(plan).bury(Talk(plan), 0, 12.0).deadline == 18.0
    assert Past(plan).bury(Talk(plan), 0, 31.0).deadline == SHORTEST


def test_progress_counts_a_record_once(make_plan: MakePlan) -> None:
    plan = make_plan(records=4)
    past = Past(plan)
    second = past.bury(told(plan, {0: "acked", 1: "failed"}), 3, 0.0)
    assert past.progress(told(second, {}), 0) == Progress(4, 1, 1, 0, 0)
    assert past.progress(told(second, {3: "acked", 4: "acked", 5: "acked"}), 3) == Progress(4, 4, 4, 0, 0)
