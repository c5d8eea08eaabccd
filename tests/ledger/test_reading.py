"""What verification reads out of a ledger is what was put in, merged by attempt and counted by frame."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.events import changed_in, read_events
from ackdrop.observations import (
    Acked,
    Acted,
    Answered,
    AttemptStory,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    FaultTally,
    Forwarded,
    LetPass,
    TopicSeen,
    Undecoded,
)
from ackdrop.result import AttemptLine, Finding, Place


def stories(ledger, arm="off"):
    return {story.attempt.number: story for story in ledger.wire(arm).attempts}


def test_attempt_story_holds_every_fact(ledger, attempt, decided):
    first = attempt(number=1, transactional_id="t", retry_of=None, ambiguous=True)
    facts = [first, Forwarded(100.1, 1), Answered(100.2, 1, 0, 41), decided(), Acked(100.3, 1, "dropped", None)]
    ledger.arm("off", False).put(facts)
    assert ledger.wire("off").attempts == (
        AttemptStory(
            attempt=first,
            forwarded=True,
            answered_at=100.2,
            error=0,
            base_offset=41,
            ack="dropped",
            seen_error=None,
            settled=True,
            faults=("lose the third ack",),
            acked_at=100.3,
        ),
    )


@pytest.mark.parametrize("split", range(1, 4))
def test_facts_merge_in_any_order_and_across_commits(ledger, attempt, split):
    late = [Acked(103.0, 1, "delayed", 0), Answered(102.0, 1, 7, -1), Forwarded(101.0, 1)]
    facts = [attempt(), *late]
    arm = ledger.arm("off", False)
    arm.put(facts[:split])
    ledger.flush()
    arm.put(facts[split:])
    story = stories(ledger)[1]
    assert (story.forwarded, story.answered_at, story.error, story.base_offset) == (True, 102.0, 7, -1)
    assert (story.ack, story.seen_error) == ("delayed", 0)


@pytest.mark.parametrize("commit_between", [False, True])
def test_the_last_ack_is_the_final_one(ledger, attempt, commit_between):
    arm = ledger.arm("off", False)
    arm.put([attempt(), Acked(101.0, 1, "delivered", 0)])
    if commit_between:
        ledger.flush()
    arm.put([Acked(102.0, 1, "none", None)])
    story = stories(ledger)[1]
    assert (story.ack, story.seen_error) == ("none", None)


def test_settled(ledger, attempt):
    arm = ledger.arm("off", False)
    arm.put([ConnectionOpened(99.0, 1, 0, "127.0.0.1:4000"), ConnectionOpened(99.0, 2, 0, "127.0.0.1:4001")])
    arm.put([attempt(number=1), Forwarded(100.0, 1), Answered(100.0, 1, 0, 3)])
    arm.put([attempt(number=2, acks=0), Forwarded(100.0, 2)])
    arm.put([attempt(number=3), Forwarded(100.0, 3)])
    arm.put([attempt(number=4, connection=2), Forwarded(100.0, 4)])
    arm.put([attempt(number=5)])
    assert {number: story.settled for number, story in stories(ledger).items()} == {
        1: True,
        2: True,
        3: False,
        4: False,
        5: True,
    }
    arm.put([ConnectionClosed(101.0, 2, "client", "fin", "request timed out")])
    assert {number for number, story in stories(ledger).items() if not story.settled} == {3}


def test_nothing_seen_is_none(ledger, attempt):
    ledger.arm("off", False).put([attempt()])
    assert stories(ledger)[1].ack == "none"


def test_zero_and_connections(ledger, attempt):
    arm = ledger.arm("off", False)
    assert ledger.wire("off").zero is None
    arm.put([ConnectionOpened(90.0, 1, -1, "peer"), attempt(number=1, at=100.5), attempt(number=2, at=101.0)])
    wire = ledger.wire("off")
    assert (wire.zero, wire.connections) == (100.5, 1)


def test_frames_are_counted_not_attempts(ledger, attempt):
    arm = ledger.arm("off", False)
    arm.put([attempt(number=n, partition=n, correlation_id=5) for n in (1, 2, 3)])
    arm.put([attempt(number=4, correlation_id=6), attempt(number=5, connection=2, correlation_id=6)])
    arm.put([Acked(101.0, n, "dropped", None) for n in (1, 2, 3)])
    arm.put([Acked(101.0, 4, "withheld", None), Acked(101.0, 5, "delayed", 0)])
    wire = ledger.wire("off")
    assert wire.produce_requests == 3
    assert (wire.acks_dropped, wire.acks_withheld, wire.acks_delayed) == (1, 1, 1)


def test_a_correlation_id_used_twice_is_two_frames(ledger, attempt):
    facts = [attempt(number=n, at=100.0 + n, correlation_id=1) for n in (1, 2)]
    ledger.arm("off", False).put(facts)
    assert ledger.wire("off").produce_requests == 2


def test_faults_are_tallied_by_frame(ledger, decided):
    arm = ledger.arm("off", False, ["lose", "never", "slow"])
    one_frame = [decided(fault="lose", partition=p, hit=p == 0) for p in (0, 1)]
    passed = decided(fault="lose", correlation_id=2, fired=False, verdict="pass", hit=False)
    shared = decided(fault="slow", correlation_id=3, fired=True, hit=False)
    arm.put([*one_frame, passed, shared])
    assert ledger.wire("off").faults == (FaultTally("lose", 2, 1), FaultTally("never", 0, 0), FaultTally("slow", 1, 0))


@pytest.mark.parametrize(("verdict", "others"), [("drop", True), ("late", True), ("truncate", True), ("error", False)])
def test_faults_name_what_shared_the_frame(ledger, attempt, decided, verdict, others):
    """What is lost, or held back, is the whole frame: the entries that no rule named are hit too. An error is not."""
    arm = ledger.arm("off", False)
    arm.put([attempt(number=n, partition=n) for n in (1, 2, 3)])
    arm.put([decided(attempt=1, verdict=verdict), decided(attempt=3, fired=True, hit=False, verdict="pass")])
    arm.put([decided(attempt=2, fault="another", fired=False, hit=False, verdict="pass")])
    faults = {number: story.faults for number, story in stories(ledger).items()}
    shared = ("lose the third ack",) if others else ()
    assert faults == {1: ("lose the third ack",), 2: shared, 3: shared}


@pytest.mark.parametrize(("verdict", "named"), [("late", True), ("blackhole", True), ("duplicate", False)])
def test_faults_name_what_held_up_others_on_the_connection(ledger, attempt, decided, verdict, named):
    """What is done to another frame, or to all of the line, is done to what does not arrive behind it. Copies hold up
    nothing."""
    arm = ledger.arm("off", False)
    arm.put([decided(attempt=None, correlation_id=9, verdict=verdict, at=0.0), attempt(number=1, at=1.0)])
    arm.put([Acked(2.0, 1, "none", None)])
    assert stories(ledger)[1].faults == (("lose the third ack",) if named else ())


def test_starts_keep_the_first_that_is_known(ledger):
    arm = ledger.arm("off", False)
    arm.put([TopicSeen(1.0, "a", 0, -1), TopicSeen(1.0, "a", 1, 7), TopicSeen(1.0, "b", 0, -1)])
    arm.put([TopicSeen(2.0, "a", 0, 4), TopicSeen(2.0, "a", 1, 9)])
    assert ledger.wire("off").starts == {("a", 0): 4, ("a", 1): 7}


def test_undecoded(ledger):
    fact = Undecoded(1.0, 2, "metadata", 13, "cut short", True)
    ledger.arm("off", False).put([fact])
    assert ledger.wire("off").undecoded == (fact,)


def test_what_was_done_to_processes(ledger):
    done = Acted(1.0, "kill it", "workload", "kill", True, None, 2.5)
    failed = Acted(3.0, "stop it", "broker", "restart", False, "no such program: rpk", 0.1)
    ledger.arm("off", False).put([done, failed])
    ledger.arm("on", True)
    assert ledger.wire("off").acted == (done, failed)
    assert ledger.wire("on").acted == ()
    lines = [event for event in read_events(ledger.folder) if event["event"] == "acted"]
    assert lines == [{"event": "acted", "arm": "off", **dataclasses.asdict(fact)} for fact in (done, failed)]


def test_what_became_of_faults_while_it_ran(ledger, attempt, decided):
    added = Changed(101.0, "another", "added", "control", '{"at": "produce.response"}', 1.0)
    removed = Changed(102.0, "lose it", "removed", "file", None, 2.0)
    ledger.arm("off", False, ["lose it"]).put(
        [attempt(), added, removed, dataclasses.replace(added, at=103.0, elapsed=3)]
    )
    wire = ledger.wire("off")
    assert wire.changes == (added, removed, dataclasses.replace(added, at=103.0, elapsed=3))
    assert [(fault.name, fault.matched) for fault in wire.faults] == [("lose it", 0), ("another", 0)]
    lines = [event for event in read_events(ledger.folder) if event["event"] == "changed"]
    assert [changed_in(line) for line in lines] == list(wire.changes)


def test_what_rules_let_pass_is_tallied_with_what_they_decided(ledger, decided):
    """Whether the rule is one of the scenario, came while it ran, or is known by nothing else."""
    arm = ledger.arm("off", False, ["lose", "never"])
    arm.put([decided(fault="lose"), LetPass("lose", 40), LetPass("stray", 3)])
    ledger.flush()
    added = Changed(101.0, "another", "added", "control", '{"at": "produce.response"}', 1.0)
    arm.put([added, LetPass("another", 5), LetPass("lose", 2), decided(fault="stray", correlation_id=9, fired=False)])
    ledger.arm("on", True, ["lose"]).put([LetPass("lose", 7)])
    assert ledger.wire("off").faults == (
        FaultTally("lose", 43, 1),
        FaultTally("never", 0, 0),
        FaultTally("another", 5, 0),
        FaultTally("stray", 4, 0),
    )
    assert ledger.wire("on").faults == (FaultTally("lose", 7, 0),)


def test_arms_are_apart(ledger, attempt):
    ledger.arm("off", False).put([attempt(number=1)])
    ledger.arm("on", True).put([attempt(number=1, producer_id=9), Answered(1.0, 1, 0, 8)])
    assert ledger.arms() == ["off", "on"]
    assert stories(ledger, "off")[1].base_offset is None
    assert stories(ledger, "on")[1].base_offset == 8
    with pytest.raises(KeyError):
        ledger.wire("none")


def test_sends_and_log_come_back_in_order(ledger, send, log_record):
    arm = ledger.arm("on", True)
    sends = [send(order=2, record=2, outcome="failed", partition=None, offset=None, error="gone"), send(order=1)]
    arm.sends(iter(sends))
    records = [log_record(partition=1), log_record(offset=9, send=None, order=None, producer=None, ours=False)]
    arm.log([*records, log_record(offset=6)])
    assert ledger.sends_of("on") == sends[::-1]
    assert list(ledger.log_of("on")) == [log_record(offset=6), records[1], records[0]]


def test_a_log_that_is_read_again_replaces_itself(ledger, log_record):
    arm = ledger.arm("on", True)
    for identity in ("p1/0", "p1/1"):
        arm.log([log_record(identity=identity)])
    assert [record.identity for record in ledger.log_of("on")] == ["p1/1"]


def test_batches_come_back_in_order(ledger, log_batch):
    arm = ledger.arm("on", True)
    batches = [log_batch(partition=1, codec="lz4", transaction="aborted"), log_batch(base_offset=9, last_offset=9)]
    arm.batches(iter([*batches, log_batch()]))
    assert list(ledger.batches_of("on")) == [log_batch(), batches[1], batches[0]]
    with pytest.raises(KeyError):
        list(ledger.batches_of("off"))


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("given", [0, 3, 4, 9])
def test_of_the_log_the_first_are_kept_and_the_rest_is_counted(tmp_path, log_record, log_batch, given, known):
    with Ledger.create(tmp_path / "limited", limits=Limits(log=4, batches=3)) as ledger:
        arm = ledger.arm("on", True)
        total = given if known else None
        arm.log((log_record(offset=offset) for offset in range(given)), total)
        arm.log([log_record(offset=100)], 1 if known else None)
        arm.batches((log_batch(base_offset=offset) for offset in range(given)), total)
        assert [record.offset for record in ledger.log_of("on")] == [*range(given), 100][:4]
        assert [batch.base_offset for batch in ledger.batches_of("on")] == [*range(given)][:3]
        assert ledger.wire("on").let_go == 0
        with sqlite3.connect(tmp_path / "limited" / "ledger.db") as reader:
            counted = reader.execute("SELECT log_let_go, batches_let_go FROM arms").fetchone()
        reader.close()
    assert counted == (max(0, given - 3), max(0, given - 3))


def test_findings_round_trip(ledger):
    line = AttemptLine(0.8, 2, 9, "orders", 0, -1, -1, -1, 1, 77, 2, None, "dropped")
    finding = Finding("duplicate", "retry-unprotected", "p1/2", [Place("orders", 0, 2)], "lose", [line])
    bare = Finding("lost", None, "p1/3", [], None, [])
    ledger.arm("off", False).findings([finding, bare])
    assert ledger.findings_of("off") == [finding, bare]


def test_text_that_is_not_unicode_is_escaped(ledger, attempt, decided):
    arm = ledger.arm("off", False)
    arm.put([attempt(client_id="caf\udce9", topic="a\x00b"), decided(client_id="caf\udce9")])
    story = stories(ledger)[1]
    assert (story.attempt.client_id, story.attempt.topic) == ("caf\\udce9", "a\x00b")


def test_a_connection_that_opens_and_closes_at_once(ledger, attempt):
    facts = [ConnectionOpened(99.0, 1, 0, "peer"), attempt(), Forwarded(100.0, 1)]
    ledger.arm("off", False).put([*facts, ConnectionClosed(101.0, 1, "broker", "reset", "gone")])
    assert stories(ledger)[1].settled
