"""The gates: what must be so before a run may say anything. Each that fails makes the run inconclusive.

A reason has a code that programs rely on, and a text that says what is missing and what to do next:

    nothing-produced            no produce passed the proxy, or the broker appended nothing
    no-lost-ack                 every ack of an appended batch reached the producer
    no-retry                    acks were lost, and nothing was sent again
    idempotence-not-as-claimed  producer ids on the wire do not go with what the arm claims
    control-clean               the control arm shows no duplicate that a retry made
    fault-never-fired           a rule of the scenario did nothing
    went-past-proxy             records of ours that no attempt on the wire accounts for
    undecoded                   frames that mattered and could not be read
    log-not-read, log-gone      the log was not read, or parts of it are missing
    not-settled                 attempts whose end is open, or a log that still grew
    producer-died               the producer ended before it was done
    ledger-incomplete           observations were let go for a limit
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..observations import AttemptStory
from ..result import Reason
from .attempts import told
from .case import Case

_Failure = tuple[str, str]
Gate = Callable[[Case], Iterator[_Failure]]


def failed_gates(case: Case) -> list[Reason]:
    """The reasons of every gate that this arm fails, in the order of `GATES`."""
    return [Reason(code, case.evidence.name, text) for gate in GATES for code, text in gate(case)]


def producer_died(case: Case) -> Iterator[_Failure]:
    evidence = case.evidence
    if evidence.producer_finished and evidence.producer_error is None:
        return
    why = f": {evidence.producer_error.rstrip('.')}" if evidence.producer_error else ""
    yield (
        "producer-died",
        f"The producer ended before it had finished{why}. What it had sent until then is counted, the rest is not "
        "known: see its output in the run's folder, and run again.",
    )


def appended(case: Case) -> Iterator[_Failure]:
    """Without a control a scenario may mean that nothing is appended, but not that nothing is sent."""
    attempts = case.evidence.wire.attempts
    if not attempts:
        yield (
            "nothing-produced",
            "No produce request passed the proxy. See that the producer connects to the proxy's address and not to "
            "the broker's own.",
        )
    elif case.evidence.control and not case.trail.appended():
        yield (
            "nothing-produced",
            f"{_count(len(attempts), 'produce attempt')} passed and the broker appended none. See the errors that it "
            "answered, and whether the topic and its leader were there.",
        )


def put_to_the_test(case: Case) -> Iterator[_Failure]:
    """A batch was appended, its ack did not arrive, and it was sent again."""
    if not case.evidence.control:
        return
    written = case.trail.appended()
    again = case.trail.families.sent_again().union(*(found.sent_again for found in case.duplicates))
    unheard = [story for story in written if _unheard(story, again)]
    if written and not unheard:
        yield (
            "no-lost-ack",
            "Every ack of an appended batch reached the producer, so nothing was put to the test. Let a fault fire on "
            "the answer of a produce request: see its `match` and `when`.",
        )
    elif unheard and not any(story.attempt.number in again for story in unheard):
        yield (
            "no-retry",
            f"{_count(len(unheard), 'appended batch', 'appended batches')} lost the ack, and the producer sent none "
            "again. Let it retry: `retries` above 0, and a `request_timeout` well below `delivery_timeout`.",
        )


def retried_at_all(case: Case) -> Iterator[_Failure]:
    """A program of someone else, watched: without a retry there is nothing to say of retries."""
    evidence = case.evidence
    if evidence.watched and not evidence.control and evidence.wire.attempts and not case.wire.retries:
        yield (
            "no-retry",
            "The program sent nothing again, so nothing can be said of its retries. "
            + (
                "See that the scenario's faults match its answers, or watch for longer."
                if evidence.rules
                else "Lose an ack with a scenario (`--scenario lost-ack`), or watch for longer."
            ),
        )


def as_claimed(case: Case) -> Iterator[_Failure]:
    claim, attempts = case.evidence.idempotence, case.evidence.wire.attempts
    carried = sum(story.attempt.producer_id >= 0 for story in attempts)
    if claim is False and carried:
        yield (
            "idempotence-not-as-claimed",
            f"Idempotence is off in this arm, and {carried} of {_count(len(attempts), 'attempt')} carried a producer "
            "id. Set the client's own switch in `client_config`.",
        )
    if claim is True and carried < len(attempts):
        yield (
            "idempotence-not-as-claimed",
            f"Idempotence is on in this arm, and {len(attempts) - carried} of {_count(len(attempts), 'attempt')} "
            "carried no producer id. The client may have turned it off: it needs acks all, retries above 0 and at "
            "most 5 in flight.",
        )


def control_shows(case: Case) -> Iterator[_Failure]:
    """An application's own resend proves nothing about retries, so it does not count here."""
    if not (case.evidence.control and case.evidence.is_control and case.tally.read):
        return
    if not any(cause != "application-resend" for found in case.duplicates for cause in found.causes):
        yield (
            "control-clean",
            "No retry left a duplicate in this arm, the control, so its absence elsewhere proves nothing. Let the "
            "fault lose an ack that the producer retries, or say `control: none` if none is meant to.",
        )


def faults_fired(case: Case) -> Iterator[_Failure]:
    for fault in case.wire.faults:
        if fault.fired:
            continue
        if fault.matched:
            text = f"matched {_count(fault.matched, 'time')} and never fired: see its `when`, or send more records."
        else:
            text = "matched nothing and so never fired: see its `match` (topic, partition, client id, attempt)."
        yield "fault-never-fired", f'The fault "{fault.name}" {text}'


def all_passed(case: Case) -> Iterator[_Failure]:
    """Our own records must have come by the proxy; other people's on a shared topic need not."""
    past = sum(record.ours for record in case.tally.past_proxy)
    if past and not case.evidence.foreign and not case.evidence.wire.let_go:
        yield (
            "went-past-proxy",
            f"In the log, and accounted for by no attempt through the proxy: {_count(past, 'record')} of this run. See "
            "that the producer knows the proxy's address alone, and that no broker advertises one beside it (`--map`).",
        )


def all_decoded(case: Case) -> Iterator[_Failure]:
    undecoded = case.evidence.wire.undecoded
    if undecoded:
        first = undecoded[0]
        yield (
            "undecoded",
            f"Could not be read although it mattered: {_count(len(undecoded), 'frame')}, the first of {first.api} "
            f"version {first.version} ({first.reason.rstrip('.')}). Report it with the client's name and version.",
        )


def log_read(case: Case) -> Iterator[_Failure]:
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
            f"Where {_count(len(unread), 'partition')} began was never learnt, so the log of it was not read: {names}. "
            "Run again; the broker may have been too busy to say.",
        )
    if evidence.gone:
        yield (
            "log-gone",
            f"Part of the log is missing: {'; '.join(s.rstrip('.') for s in evidence.gone)}. Run again on a topic "
            "without compaction and with retention longer than the run.",
        )


def settled(case: Case) -> Iterator[_Failure]:
    unsettled = sum(not story.settled for story in case.evidence.wire.attempts)
    if unsettled:
        yield (
            "not-settled",
            f"{_count(unsettled, 'attempt')} had neither an answer nor a dead connection when the log was read. Give "
            "the run a longer deadline.",
        )
    if not case.evidence.barrier_quiet:
        yield (
            "not-settled",
            "The log still grew while it was read, so what it lacks may yet come. Give the run a longer deadline.",
        )


def ledger_whole(case: Case) -> Iterator[_Failure]:
    let_go = case.evidence.wire.let_go
    if let_go:
        yield (
            "ledger-incomplete",
            f"The ledger let go of {_count(let_go, 'observation')} for its limit, so a story may lack its beginning. "
            "Run for a shorter time, or raise the limit.",
        )


GATES: tuple[Gate, ...] = (
    producer_died,
    appended,
    as_claimed,
    faults_fired,
    put_to_the_test,
    retried_at_all,
    control_shows,
    all_passed,
    all_decoded,
    log_read,
    settled,
    ledger_whole,
)


def _unheard(story: AttemptStory, again: set[int]) -> bool:
    """An ack was asked for and did not reach the client, or only after the client had sent the batch again."""
    if story.attempt.acks == 0:
        return False
    return not told(story) or (story.ack == "delayed" and story.attempt.number in again)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
