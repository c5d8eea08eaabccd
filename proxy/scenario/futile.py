"""What is valid and yet in vain: faults that can never fire, clients that never start, expectations that never hold.

A warning here is a fact about `ackdrop run`, no guess: where a client's own settings, or another fault, might make it
untrue, there is none. Those with a code in `OF_RULES` hold for `ackdrop proxy` too, whose traffic is not ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..clients import CLIENTS
from ..faults.placing import without_place
from ..faults.rule import Rule
from .complaint import Complaint, Step
from .covering import covers
from .globs import fits
from .impossible import expectations
from .models import Scenario
from .spec import FaultSpec, ScenarioSpec
from .vocabulary import WINDOW

Found = Iterator[tuple[tuple[Step, ...], Complaint]]

NEVER, OVERRULED, CIRCLE, FOLLOWS = "never-fires", "always-overruled", "circle", "follows-in-vain"
NO_PLACE, REFUSED = "no-place", "refused"
OF_RULES = frozenset({OVERRULED, CIRCLE})

_AFTER_THE_END = 30.0
"""Seconds after a producer's deadline in which answers may still be on their way."""


def warnings(spec: ScenarioSpec, made: Scenario) -> Found:
    """Everything that is in vain, with the place where it is said."""
    in_vain: set[int] = set()
    yield from _refused(made)
    yield from _resends(made)
    for index, (fault, rule) in enumerate(zip(spec.faults, made.rules, strict=True)):
        for steps, text, hint, wholly in _reasons(fault, rule, made):
            if wholly:
                in_vain.add(index)
            yield ("faults", index, *steps), Complaint(text, hint=hint, code=NEVER)
    for index in _in_circles(made.rules):
        in_vain.add(index)
        text = "the faults follow each other in a circle, so none of them can be the first to fire"
        yield ("faults", index, "when", "following"), Complaint(text, code=CIRCLE)
    yield from _overruled(made.rules, in_vain)
    yield from _following(made.rules, in_vain)
    yield from _arms(made, in_vain)
    yield from expectations(spec, made)


def _refused(made: Scenario) -> Found:
    """Settings with which no client makes an idempotent producer, but for those that it does not have."""
    config, client = made.workload.config, made.workload.producer
    arms = [arm.name for arm in made.arms if arm.idempotence]
    if not arms or _said(made, "idempoten"):
        return
    wrong = {"acks": ("acks", config.acks != "all", "acks: all")}
    wrong["retries"] = ("retries", config.retries == 0, "retries")
    wrong["max_in_flight"] = ("flight", (config.max_in_flight or 0) > WINDOW, f"max_in_flight: {WINDOW} or less")
    lacks = CLIENTS[client].lacks
    for word, (own, is_wrong, needs) in wrong.items():
        if is_wrong and word not in lacks and not _said(made, own):
            hint = "change it, or leave the arms with idempotence out"
            text = f"an idempotent producer needs {needs}, so {client} will refuse to start in the arm {arms[0]!r}"
            yield ("workload", "config", word), Complaint(text, hint=hint, code=REFUSED)


def _resends(made: Scenario) -> Found:
    """An application that sends again what failed, where nothing is done that could make a send fail."""
    workload = made.workload
    if workload.resend_failed and not workload.client_config and not any(map(_may_fail_a_send, made.rules)):
        text = "nothing in this scenario makes a send fail, so there may be none to send again"
        hint = "add a fault that loses or spoils an answer"
        yield ("workload", "resend_failed"), Complaint(text, hint=hint, code=NEVER)


_Reason = tuple[tuple[Step, ...], str, str | None, bool]


def _reasons(fault: FaultSpec, rule: Rule, made: Scenario) -> Iterator[_Reason]:
    """Why a fault cannot fire: where it is said, what, a hint, and whether it is all of the fault."""
    yield from _without_idempotence(rule, made)
    if rule.api != "produce":
        return
    yield from _names(rule, made)
    yield from _batches(rule, made)
    yield from _counts(rule, made)
    if rule.match.attempt not in ("any", "first", 1) and not any(map(_may_force_a_retry, made.rules)):
        text = "nothing in this scenario forces a retry, so there may be none to match"
        yield ("match", "attempt"), text, "add a fault that loses or spoils a first attempt, before this one", False
    after = rule.when.after
    if any(other.api == "workload" for other in made.rules):
        return  # a producer that was halted or started again has another end
    if after is not None and after >= made.workload.deadline + _AFTER_THE_END:
        yield ("when", "after"), "the producer has ended before, at workload.deadline", None, True


def _names(rule: Rule, made: Scenario) -> Iterator[_Reason]:
    """Topics and client ids, which `ackdrop run` gives by itself."""
    hexadecimal = [frozenset("0123456789abcdef")] * 8
    topics = [[*map(frozenset, f"ackdrop-{made.name}-{arm.name}-"), *hexadecimal] for arm in made.arms]
    if not any(fits(glob, topic) for glob in rule.match.topic for topic in topics):
        name = f"ackdrop-{made.name}-{made.arms[0].name}-" + "…"
        yield ("match", "topic"), f"no topic of a run fits: ackdrop run calls it {name}", 'leave it out, or "*"', True
    clients = [list(map(frozenset, f"ackdrop-{arm.name}")) for arm in made.arms]
    own = _said(made, "client")
    if not own and not any(fits(glob, client) for glob in rule.match.client_id for client in clients):
        text = f"no client id of a run fits: ackdrop run gives {', '.join(f'ackdrop-{arm.name}' for arm in made.arms)}"
        yield ("match", "client_id"), text, 'leave it out, or "*"', True


def _without_idempotence(rule: Rule, made: Scenario) -> Iterator[_Reason]:
    """What is only about producers of a kind that no arm has."""
    if _said(made, "idempoten") or any(not without_place([rule], arm.idempotence) for arm in made.arms):
        return
    if rule.match.idempotent is None:
        yield ("at",), "no arm has idempotence: true, and no other producer asks for a producer id", None, True
    else:
        yield ("match", "idempotent"), f"no arm has idempotence: {str(rule.match.idempotent).lower()}", None, True


def _batches(rule: Rule, made: Scenario) -> Iterator[_Reason]:
    """What the workload's own settings rule out."""
    match = rule.match
    if match.transactional_id is not None and not _said(made, "transactional"):
        yield ("match", "transactional_id"), "the producers of ackdrop run have no transactional id", None, True
    acks = {"all": -1, 1: 1, 0: 0}[made.workload.config.acks]
    if _said(made, "acks") or any(other.fault.word == "rewrite" for other in made.rules):
        return
    if match.acks is not None and match.acks != acks:
        text = f"the workload asks for acks: {made.workload.config.acks}"
        yield ("match", "acks"), text, "see workload.config.acks", True
    if acks == 0 and rule.side == "response":
        text = "with acks: 0 a produce request has no answer, so nothing can happen to it"
        yield ("at",), text, "see workload.config.acks", True


def _counts(rule: Rule, made: Scenario) -> Iterator[_Reason]:
    """Counts that so many records never come to. Where one request waits for the other, each is a send."""
    sends = made.workload.most_sends
    exact = rule.match.attempt in ("first", 1) and not made.workload.pipelined
    if not exact or any(other.api == "workload" for other in made.rules):
        return
    late = [str(number) for number in rule.when.nth if number > sends]
    most = "at most " if made.workload.resend_failed else ""
    told = f"the workload sends {most}{sends:,} record{'s'[: sends != 1]}, one at a time"
    if late:
        text = f"there is no first attempt number {' and '.join(late)}: {told}"
        yield ("when", "nth"), text, "see workload.records", len(late) == len(rule.when.nth)
    if rule.when.every is not None and rule.when.every > sends:
        yield ("when", "every"), f"there is no first attempt number {rule.when.every}: {told}", None, True


def _arms(made: Scenario, in_vain: set[int]) -> Found:
    """Arms to which nothing is done, where other arms have something."""
    whole = {rule.name for index, rule in enumerate(made.rules) if index not in in_vain}
    if _said(made, "idempoten"):
        return
    for index, arm in enumerate(made.arms):
        if whole and whole <= made.elsewhere(arm.idempotence):
            text = f"no fault has a place in the arm {arm.name!r}, so the run will be inconclusive"
            yield ("arms", index), Complaint(text, hint="leave that arm out: see `arms`", code=NO_PLACE)


def _said(made: Scenario, word: str) -> bool:
    """Whether the client's own settings say something of this, and win over ours."""
    return any(word in key.lower() for key in made.workload.client_config)


def _may_force_a_retry(rule: Rule) -> bool:
    """Anything that may happen to a first attempt, but for a copy of it, of which the client knows nothing."""
    return rule.match.attempt in ("any", "first", 1) and rule.fault.word != "duplicate"


def _may_fail_a_send(rule: Rule) -> bool:
    """Anything that a client may notice: all but a copy, of which it knows nothing."""
    return rule.fault.word != "duplicate"


def _in_circles(rules: tuple[Rule, ...]) -> Iterator[int]:
    wanted = {rule.name: rule.when.following for rule in rules}
    for index, rule in enumerate(rules):
        name, steps = rule.when.following, 0
        while name is not None and name != rule.name and steps < len(rules):
            name, steps = wanted.get(name), steps + 1
        if name is not None and name == rule.name:
            yield index


def _overruled(rules: tuple[Rule, ...], in_vain: set[int]) -> Found:
    """Faults of which an earlier one always wins."""
    for index, rule in enumerate(rules):
        first = next((n for n, other in enumerate(rules[:index]) if n not in in_vain and covers(other, rule)), None)
        if first is not None:
            in_vain.add(index)
            text = f"{rules[first].name!r} comes first and fires at everything that matches here"
            hint = f"limit faults[{first}] by match or when, or put this one before it"
            yield ("faults", index), Complaint(text, hint=hint, code=OVERRULED)


def _following(rules: tuple[Rule, ...], in_vain: set[int]) -> Found:
    """Faults that wait for one that never fires."""
    numbers = {rule.name: index for index, rule in enumerate(rules)}
    told: set[int] = set()
    for _ in rules:
        for index, rule in enumerate(rules):
            if index not in in_vain | told and numbers.get(rule.when.following or "") in in_vain | told:
                told.add(index)
                text = f"{rule.when.following!r} can never fire, so this fault never begins"
                yield ("faults", index, "when", "following"), Complaint(text, code=FOLLOWS)
