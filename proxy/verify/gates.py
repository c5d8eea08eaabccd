"""The gates: what must be so before a run may say anything. Each that fails makes the run inconclusive.

A reason has a code that programs rely on, and a text that says what is missing and what to do next:

    nothing-produced            no produce passed the proxy, or the broker appended nothing; a log alone is empty
    no-lost-ack                 every ack of an appended batch reached the producer
    no-retry                    acks were lost, and nothing was sent again
    retry-refused               what was sent again was refused, but not for being a repetition
    idempotence-not-as-claimed  producer ids on the wire do not go with what the arm claims
    control-clean               the control arm shows no duplicate that a retry made
    ambiguous-duplicates        what was expected hangs on copies that may be retries, or may be meant
    fault-never-fired           a rule of the scenario did nothing
    fault-failed                what a rule asks to be done to a process could not be done
    went-past-proxy             records of ours that no attempt on the wire accounts for
    undecoded                   frames that mattered and could not be read
    log-not-read, log-gone      the log was not read, or parts of it are missing
    not-settled                 attempts whose end is open, or a log that still grew
    late-not-released           what a request was held back for never came
    producer-died               the producer ended before it was done
    ledger-incomplete           observations were let go for a limit
    ledger-not-written          observations were let go because the disk did not take them

Where nobody watched the wire (`ackdrop verify` of a topic), only those that speak of the log can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..result import Reason
from .case import Case
from .changes import taken_back
from .expect import expectations
from .retries import Failure, counted, put_to_the_test, retried_at_all

Gate = Callable[[Case], Iterator[Failure]]


def failed_gates(case: Case) -> list[Reason]:
    """The reasons of every gate that this arm fails, in the order of `GATES`.

    Where the ledger has let something go, what it lacks may have been seen all the same: that one reason is enough.
    """
    wire = case.evidence.wire
    gates = GATES if wire is None or not wire.let_go else [gate for gate in GATES if gate not in OF_ALL_THAT_WAS_SEEN]
    return [Reason(code, case.evidence.name, text) for gate in gates for code, text in gate(case)]


def producer_died(case: Case) -> Iterator[Failure]:
    evidence = case.evidence
    if evidence.producer_finished and evidence.producer_error is None:
        return
    why = f": {evidence.producer_error.rstrip('.')}" if evidence.producer_error else ""
    yield (
        "producer-died",
        f"The producer ended before it had finished{why}. What it had sent until then is counted, the rest is not "
        "known: see its output in the run's folder, and run again.",
    )


def appended(case: Case) -> Iterator[Failure]:
    """Without a control a scenario may mean that nothing is appended, but not that nothing is sent."""
    attempts, wire = case.trail.stories, case.evidence.wire
    if wire is None:
        if case.tally.read and not case.tally.own.selection.count and not case.evidence.gone:
            yield (
                "nothing-produced",
                "The log holds no record, so there is nothing to judge. See the topic's name, and what was written.",
            )
    elif not attempts and not wire.ranges:
        yield (
            "nothing-produced",
            "No produce request passed the proxy. See that the producer connects to the proxy's address and not to "
            "the broker's own.",
        )
    elif case.evidence.control and not wire.ranges and not case.trail.appended():
        yield (
            "nothing-produced",
            f"{counted(len(attempts), 'produce attempt')} passed and the broker appended none. See the errors that it "
            "answered, and whether the topic and its leader were there.",
        )


def as_claimed(case: Case) -> Iterator[Failure]:
    claim, attempts = case.evidence.idempotence, case.trail.stories
    carried = sum(story.attempt.producer_id >= 0 for story in attempts)
    with_id, without = _folded_batches(case) if claim is not None else (0, 0)
    every, carried = len(attempts) + with_id + without, carried + with_id
    if claim is False and carried:
        yield (
            "idempotence-not-as-claimed",
            f"Idempotence is off in this arm, and {carried} of {counted(every, 'attempt')} carried a producer id. Set "
            "the client's own switch in `client_config`.",
        )
    if claim is True and carried < every:
        yield (
            "idempotence-not-as-claimed",
            f"Idempotence is on in this arm, and {every - carried} of {counted(every, 'attempt')} carried no producer "
            "id. See whether the client has turned it off: it needs acks all, retries above 0 and at most 5 in flight.",
        )


def _folded_batches(case: Case) -> tuple[int, int]:
    """How many batches of attempts that the ledger folded carry a producer id, and how many do not: the log tells."""
    carried = without = 0
    for row in case.trail.log.rows() if case.trail.folded else ():
        if case.trail.was_folded(row):
            carried += row.producer_id >= 0
            without += row.producer_id < 0
    return carried, without


def control_shows(case: Case) -> Iterator[Failure]:
    """An application's own resend proves nothing about retries, nor does a copy that we sent, or that no attempt
    accounts for."""
    if not (case.evidence.control and case.evidence.is_control) or case.log.duplicates is None:
        return
    let_go = case.evidence.wire is not None and case.evidence.wire.let_go
    no_retry = {"application-resend", "injected"} | (set() if let_go else {"unexplained"})
    if not any(count for cause, count in case.duplicates.causes.items() if cause not in no_retry):
        yield (
            "control-clean",
            "No retry left a duplicate in this arm, the control, so its absence elsewhere proves nothing. Let the "
            "fault lose an ack that the producer retries, or say `control: none` if none is meant to.",
        )


def copies_decided(case: Case) -> Iterator[Failure]:
    """The same bytes at the same millisecond may be a retry's copy, or may be meant."""
    if not any(judged.undecided for judged in expectations(case)):
        return
    found = case.duplicates
    if case.evidence.watched:
        yield (
            "ambiguous-duplicates",
            f"{counted(found.may_be_protected, 'record')} of an idempotent producer stand again under another producer "
            "id or epoch, and whether the client's retries or the program itself put them there cannot be told. Name "
            "what a record is known by (`--identity header:NAME`), and see the findings.",
        )
        return
    better = "verify with the run's ledger (`--run`)" if case.evidence.alone else "write an id into each record"
    yield (
        "ambiguous-duplicates",
        f"{counted(found.unsure, 'record')} equal another one in key, value, headers and create time, and may be its "
        "copy or may be meant: nothing that was seen decides it. Name what a record is known by "
        f"(`--identity header:NAME`), or {better}.",
    )


def faults_fired(case: Case) -> Iterator[Failure]:
    """A rule that has no place in this arm, or was taken back while it ran, need not fire here, as long as others do:
    something was done to it."""
    injected = any(fault.fired for fault in case.wire.faults)
    back = taken_back(() if case.evidence.wire is None else case.evidence.wire.changes)
    for fault in case.wire.faults:
        elsewhere = not fault.matched and fault.name in case.evidence.elsewhere
        if fault.fired or ((elsewhere or fault.name in back) and injected):
            continue
        if fault.name in back:
            text = "was removed or disarmed before it fired, and no other did anything: arm it for longer."
        elif fault.matched:
            text = f"matched {counted(fault.matched, 'time')} and never fired: see its `when`, or send more records."
        elif elsewhere:
            text = "has no place in this arm, so nothing was done to it: see `arms`, and leave this one out."
        else:
            text = "matched nothing and so never fired: see its `match` (topic, partition, client id, attempt)."
        yield "fault-never-fired", f'The fault "{fault.name}" {text}'


def faults_done(case: Case) -> Iterator[Failure]:
    """A rule at `broker` or `workload` fires when the engine says so, and is done only where it can be."""
    acted = () if case.evidence.wire is None else case.evidence.wire.acted
    for one in acted:
        if not one.ok:
            text = f'The fault "{one.fault}" could not be done: {(one.reason or "nobody knows why").rstrip(".")}.'
            yield "fault-failed", f"{text} See that its place is one that ackdrop or its `command` can reach."


def late_released(case: Case) -> Iterator[Failure]:
    """A request that was held back has to come when the scenario says, and not when all is over."""
    at_end = [story for story in case.trail.stories if story.released == "end"]
    if at_end:
        faults = ", ".join(f'"{fault}"' for fault in dict.fromkeys(fault for story in at_end for fault in story.faults))
        yield (
            "late-not-released",
            f"{counted(len(at_end), 'batch', 'batches')} that {faults or 'a fault'} held back went on only when the "
            "producer had ended: what `release` waits for never came. See that the producer retries, and that enough "
            "is sent after it.",
        )


def all_passed(case: Case) -> Iterator[Failure]:
    """Our own records must have come by the proxy; other people's on a shared topic need not."""
    past, wire = case.tally.own.past_ours, case.evidence.wire
    if past and not case.evidence.foreign and wire is not None and not wire.let_go:
        yield (
            "went-past-proxy",
            f"In the log, and accounted for by no attempt through the proxy: {counted(past, 'record')} of this run. "
            "See that the producer knows the proxy's address alone, and that no broker advertises another (`--map`).",
        )


def all_decoded(case: Case) -> Iterator[Failure]:
    undecoded = () if case.evidence.wire is None else case.evidence.wire.undecoded
    if undecoded:
        first = undecoded[0]
        yield (
            "undecoded",
            f"Could not be read although it mattered: {counted(len(undecoded), 'frame')}, the first of {first.api} "
            f"version {first.version} ({first.reason.rstrip('.')}). Report it with the client's name and version.",
        )


def log_read(case: Case) -> Iterator[Failure]:
    evidence = case.evidence
    if evidence.log is None:
        yield (
            "log-not-read",
            "The log was not read back, so nothing is known of it. See that the broker answers, and run again.",
        )
    elif unread := evidence.unread():
        names = ", ".join(f"{topic} [{partition}]" for topic, partition in unread[:3])
        yield (
            "log-not-read",
            f"Where {counted(len(unread), 'partition')} began was never learnt, so its log was not read: {names}. "
            "Run again; the broker may have been too busy to say.",
        )
    if evidence.gone:
        yield (
            "log-gone",
            f"Part of the log is missing: {'; '.join(s.rstrip('.') for s in evidence.gone)}. Run again on a topic "
            "that nobody else removes, without compaction and with retention longer than the run.",
        )


def answered(case: Case) -> Iterator[Failure]:
    unsettled = sum(not story.settled for story in case.trail.stories)
    if unsettled:
        yield (
            "not-settled",
            f"{counted(unsettled, 'attempt')} had neither an answer nor a dead connection when the log was read. Give "
            "the run a longer deadline.",
        )


def at_rest(case: Case) -> Iterator[Failure]:
    if case.evidence.log is not None and not case.evidence.barrier_quiet:
        yield (
            "not-settled",
            "The log still grew while it was read, so what it lacks may yet come. Give the run a longer deadline.",
        )


def ledger_whole(case: Case) -> Iterator[Failure]:
    let_go = 0 if case.evidence.wire is None else case.evidence.wire.let_go
    if let_go and case.evidence.disk_failure is not None:
        yield (
            "ledger-not-written",
            f"{counted(let_go, 'observation')} could not be written to the ledger ({case.evidence.disk_failure}), so "
            "what they tell is not known. Make room on its disk, or name a folder on another one with --out, and run "
            "again.",
        )
    elif let_go:
        yield (
            "ledger-incomplete",
            f"The ledger let go of {counted(let_go, 'observation')} for a limit, or for want of room on its disk, so a "
            "story may lack its beginning. Run for a shorter time, or at a lower rate.",
        )


GATES: tuple[Gate, ...] = (
    producer_died,
    appended,
    as_claimed,
    faults_fired,
    faults_done,
    late_released,
    put_to_the_test,
    retried_at_all,
    control_shows,
    copies_decided,
    all_passed,
    all_decoded,
    log_read,
    answered,
    at_rest,
    ledger_whole,
)

OF_ALL_THAT_WAS_SEEN = frozenset({appended, faults_fired, put_to_the_test, retried_at_all, answered})
"""The gates that rest on something not having been seen on the wire."""
