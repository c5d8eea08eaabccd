"""What follows in each arm from what the client does, and what its author expects there."""

from __future__ import annotations

from ...faults.placing import without_place
from ...faults.rule import Rule
from ...faults.verdicts import Detain, Patch, Postpone, Repeat, Swap
from ..models import Arm, Scenario
from ..vocabulary import WINDOW
from ..wording import counted
from .clients import Again, about_records, goes_on

_AGAIN = "The broker has these records already and cannot tell: it appends them again. That is a duplicate."
_KNOWN = (
    "The broker knows the producer id, epoch and sequence: it answers with the first copy's offset and writes nothing."
)

_NO_PLACE = "Never fires here: nothing in this arm fits."
_SWAPPED = "Two batches of one partition stand in the log in the wrong order."
_SWAPPED_KNOWN = (
    "Of two batches of one partition the broker refuses the one that comes too early (45), and the client sends it "
    "again: the order is kept."
)


def effects(scenario: Scenario, arm: Arm) -> list[tuple[int, str]]:
    """For each rule, by its number from 1, what happens in this arm."""
    missing = without_place(scenario.rules, arm.idempotence)
    return [
        (number, _NO_PLACE if rule.name in missing else _effect(scenario, arm, rule))
        for number, rule in enumerate(scenario.rules, 1)
    ]


def sends(scenario: Scenario) -> str:
    """What the application sends by its own doing."""
    workload, told = scenario.workload, []
    if workload.sends > 1:
        copies = counted(workload.records * (workload.sends - 1), "copy").replace("copys", "copies")
        told.append(
            f"The application itself sends each record {workload.sends} times: {copies} in the log, in every arm, "
            "since idempotence protects from the client library's own retries alone."
        )
    if workload.resend_failed:
        often = "once" if workload.resend_failed == 1 else f"up to {workload.resend_failed} times"
        told.append(
            f"Where the client reports a failure, the application sends the record again, {often}: a new send, which "
            "is no retry of the client's."
        )
    return " ".join(told)


def expected(scenario: Scenario, arm: Arm) -> str:
    """What must hold in this arm."""
    found = scenario.expect.get(arm.name, ())
    if not found:
        return "Expected: nothing."
    return f"Expected: {', '.join(each.text for each in found)}."


def gates(scenario: Scenario) -> list[str]:
    """What must be so for the run to prove anything."""
    if not scenario.control:
        told = ["No arm is the control (control: none): no arm has to show a duplicate or a retry, and expect decides."]
    else:
        told = [
            f'The arm "{scenario.control_arm}" is the control: where it shows no duplicate, the run proves nothing.',
            "Each arm must lose an ack of a batch that was appended, and send that batch again.",
        ]
    if scenario.rules:
        somewhere = any(scenario.elsewhere(arm.idempotence) for arm in scenario.arms)
        where = " in each arm that has a place for it, and one of them in every arm" if somewhere else ""
        told.append(f"Every fault must fire{where}.")
    told.append("Where one of these fails the run is inconclusive: exit code 3.")
    return told


def _effect(scenario: Scenario, arm: Arm, rule: Rule) -> str:
    told, again = goes_on(rule, scenario.workload, arm.idempotence)
    failed = again == "failed" and scenario.workload.resend_failed > 0
    after = _sent_anew(rule) if failed else _in_log(rule, arm, again)
    return " ".join(part for part in (told, after) if part)


def _sent_anew(rule: Rule) -> str:
    """The application sends a record again that the client reported as failed: the same in every arm."""
    again, verdict = "The application sends the record again, as a new one", rule.fault.verdict(0.5)
    if isinstance(verdict, Detain):
        return f"{again}; the late request, if it comes, is another copy, unless the broker refuses its sequence."
    if rule.side == "request" and not isinstance(verdict, Postpone | Patch):
        return f"{again}: the broker has not had it before, so this is the first copy."
    if rule.side == "event":
        return f"{again}: what the broker had appended stands twice, whatever idempotence says."
    return f"{again}: the broker has it already, and appends it. That is a duplicate, whatever idempotence says."


def _in_log(rule: Rule, arm: Arm, again: Again) -> str:
    verdict = rule.fault.verdict(0.5)
    if not about_records(rule):
        return ""
    if isinstance(verdict, Repeat):
        return (
            f"The copy comes. {_KNOWN}" if arm.idempotence else "The copy is appended like the original: a duplicate."
        )
    if isinstance(verdict, Detain):
        return _late(verdict, arm, again)
    if isinstance(verdict, Swap):
        return _SWAPPED_KNOWN if arm.idempotence else _SWAPPED
    if rule.fault.word == "kill" and rule.api == "workload":
        return "The new process sends again what was appended and not acked, with a new producer id: a duplicate."
    if again in ("no", "failed"):
        return ""
    if rule.side == "event":
        known = "is known again, as far as the broker remembers it" if arm.idempotence else "is appended again"
        return f"What was appended and not acked, and is sent again, {known}."
    if rule.side == "request" and not isinstance(verdict, Postpone | Patch):
        return "The broker has not had these records before: what is sent again is the first copy."
    if again == "anew":
        return "The broker has never seen them under it: it appends them again. That is a duplicate."
    told = _KNOWN if arm.idempotence else _AGAIN
    return told if again == "yes" else f"If records are sent again: {told[0].lower()}{told[1:]}"


def _late(verdict: Detain, arm: Arm, again: Again) -> str:
    if again in ("no", "failed"):
        return "So the late request, if it comes, is the first copy."
    if not arm.idempotence:
        told = "The retry is appended, and the late request as well: a duplicate."
        return told if again == "yes" else f"If records are sent again: the{told[3:]}"
    if verdict.until == "acked_batches" and verdict.batches > WINDOW:
        return f"When the late one comes, more than {WINDOW} newer batches have gone by: the broker refuses it (45)."
    return "When the late one comes, the broker still knows its sequence: it writes nothing."
