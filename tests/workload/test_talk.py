"""The lines of a driver, wherever they are cut, and what is missing in them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.observations import Send
from ackdrop.workload import talk as talking
from ackdrop.workload.outcome import Progress
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.talk import Done, Introduced, Refused, Talk

MakePlan = Callable[..., ProducerPlan]


def lines(*said: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in said)


def outcome(order: int, what: str = "acked", **changes: Any) -> dict[str, Any]:
    line = {"order": order, "outcome": what, "partition": 0, "offset": order, "error": None, "record": order, "send": 0}
    return {**line, **changes}


CONVERSATION = lines(
    {"hello": "ackdrop"},
    {"client": "aiokafka", "version": "0.14", "config": {"acks": "all"}, "not_applicable": ["retries"]},
    {"ready": True},
    outcome(0),
    outcome(2, "failed", offset=None, error="KafkaTimeoutError"),
    outcome(1, "unknown", offset=None),
    {"done": {"begun": 4, "waiting": 1, "why": "deadline"}},
)


@given(cuts=st.lists(st.integers(0, len(CONVERSATION)), max_size=20))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int], make_plan: MakePlan) -> None:
    talk, places = Talk(make_plan()), [0, *sorted(cuts), len(CONVERSATION)]
    for start, end in itertools.pairwise(places):
        talk.feed(CONVERSATION[start:end])
    assert talk.greeted
    assert talk.ready
    assert talk.introduced == Introduced("0.14", {"acks": "all"}, ["retries"])
    assert talk.done == Done(4, "deadline", 1)
    assert talk.refused is None
    assert talk.all_sends(counted=0) == [
        Send("p1", 0, 0, 0, "acked", 0, 0, None),
        Send("p1", 1, 0, 1, "unknown", 0, None, None),
        Send("p1", 2, 0, 2, "failed", 0, None, "KafkaTimeoutError"),
        Send("p1", 3, 0, 3, "unknown", 0, None, None),
    ]


def test_sends_without_an_answer_are_unknown_and_keep_their_place(make_plan: MakePlan) -> None:
    talk = Talk(make_plan(sends=2, partitions=2))
    talk.feed(lines(outcome(1)))
    assert [send.outcome for send in talk.all_sends(counted=4)] == ["unknown", "acked", "unknown", "unknown"]
    assert talk.all_sends(counted=4)[3] == Send("p1", 1, 1, 3, "unknown", 1, None, None)


def test_progress_counts_each_send_once(make_plan: MakePlan) -> None:
    talk = Talk(make_plan())
    talk.feed(lines(outcome(0), outcome(1, "failed"), outcome(1), outcome(2, "unknown")))
    assert talk.progress(counted=4) == Progress(planned=5, begun=4, acked=1, failed=1, unknown=1)


def again(order: int, record: int, send: int, of: int) -> dict[str, Any]:
    return {"again": {"order": order, "record": record, "send": send, "of": of}}


def test_what_is_sent_again_stands_in_the_order_of_the_sends(make_plan: MakePlan) -> None:
    """Orders 2 and 4 are of records that failed; the fifth of them was announced, and has not begun."""
    talk = Talk(make_plan(partitions=2, resend_failed=2, records=4))
    failed = {"offset": None, "error": "gone"}
    talk.feed(lines(outcome(0), outcome(1, "failed", **failed), again(2, 1, 1, 1)))
    talk.feed(lines(outcome(2, "failed", record=1, send=1, **failed)))
    talk.feed(lines(again(4, 1, 2, 2), again(5, 0, 1, 0)))
    assert [(send.record, send.send, send.partition, send.outcome) for send in talk.all_sends(counted=5)] == [
        (0, 0, 0, "acked"),
        (1, 0, 0, "failed"),
        (1, 1, 0, "failed"),
        (2, 0, 0, "unknown"),
        (1, 2, 1, "unknown"),
    ]


def test_progress_counts_what_is_sent_again_once(make_plan: MakePlan) -> None:
    talk = Talk(make_plan(resend_failed=1))
    talk.feed(lines(outcome(0), outcome(1, "failed")))
    assert talk.progress(counted=2) == Progress(planned=5, begun=2, acked=1, failed=1, unknown=0)
    talk.feed(lines(again(2, 1, 1, 1)))
    assert talk.progress(counted=3) == Progress(planned=5, begun=2, acked=1, failed=0, unknown=0)
    talk.feed(lines(outcome(2, record=1, send=1)))
    assert talk.progress(counted=3) == Progress(planned=5, begun=2, acked=2, failed=0, unknown=0)


def test_why_it_could_not_start(make_plan: MakePlan) -> None:
    talk = Talk(make_plan())
    talk.feed(lines({"error": {"kind": "missing", "text": "No module named 'aiokafka'"}}))
    assert talk.refused == Refused("missing", "No module named 'aiokafka'")


@pytest.mark.parametrize("noise", [b"\n", b"hello\n", b"[1]\n", b"{}\n", b'{"outcome": "lost"}\n', b"\xff\n", b"7\n"])
def test_what_is_not_ours_is_passed_over(make_plan: MakePlan, noise: bytes) -> None:
    talk = Talk(make_plan())
    talk.feed(noise + lines({"ready": True}))
    assert talk == Talk(make_plan(), ready=True)


def test_a_line_without_end_is_not_kept(make_plan: MakePlan) -> None:
    talk = Talk(make_plan())
    for _ in range(3):
        talk.feed(b"x" * (talking.LINE_LIMIT // 2 + 1))
    assert len(talk._rest) <= talking.LINE_LIMIT
