"""The plan travels whole, and its order is the drivers' order."""

from __future__ import annotations

import json
from collections.abc import Callable

from ackdrop.workload import driving
from ackdrop.workload.plan import ProducerPlan


def test_the_line_is_what_a_driver_takes(make_plan: Callable[..., ProducerPlan]) -> None:
    plan = make_plan(
        config={"acks": "all", "retries": None},
        value="ä",
        rate=12.5,
        again=((3, 1),),
        resent=((3, 1),),
        resend_failed=2,
    )
    line = plan.line(begun_fd=9)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    taken = driving.Plan(**json.loads(line))
    assert taken.begun_fd == 9
    told = {name: getattr(plan, name) for name in ProducerPlan.__dataclass_fields__}
    assert {name: getattr(taken, name) for name in told} == {**told, "again": [[3, 1]], "resent": [[3, 1]]}


def test_each_record_is_sent_so_many_times_in_a_row(make_plan: Callable[..., ProducerPlan]) -> None:
    plan = make_plan(records=3, sends=2, partitions=2)
    assert plan.planned == 6
    assert [plan.place(order) for order in range(plan.planned)] == [
        (0, 0, 0),
        (0, 1, 0),
        (1, 0, 1),
        (1, 1, 1),
        (2, 0, 0),
        (2, 1, 0),
    ]
