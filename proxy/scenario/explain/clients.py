"""What a client does about what it notices: by library, and by whether it is idempotent, where that differs."""

from __future__ import annotations

from math import nextafter
from typing import Literal

from ...clients import CLIENTS
from ...faults.error import Error
from ...faults.rule import Rule
from ...faults.verdicts import Detain, Postpone
from ...kafka.codes import ERROR_CODES, error_name
from ..actions import ACTIONS, Action
from ..actions.base import Felt
from ..models import Workload
from ..wording import seconds_of

ACTION_OF: dict[str, type[Action]] = {action.word: action for action in ACTIONS}

Again = Literal["yes", "no", "maybe", "anew", "failed"]
"""Whether the client sends again; `anew` under another producer id or epoch, so that no broker knows it again; with
`failed` it does not, and tells the application of a failure."""

_LATEST = nextafter(1.0, 0.0)
"""The highest draw that there is: chance comes from [0, 1)."""

_PASSING = frozenset({ERROR_CODES["NOT_LEADER_OR_FOLLOWER"], ERROR_CODES["REQUEST_TIMED_OUT"]})
_CORRUPT = ERROR_CODES["CORRUPT_MESSAGE"]
_OUT_OF_ORDER = ERROR_CODES["OUT_OF_ORDER_SEQUENCE_NUMBER"]


def felt(rule: Rule, workload: Workload) -> Felt:
    """What the client notices of a rule that fires: a delay beyond its request timeout is silence."""
    found = ACTION_OF[rule.fault.word].felt(rule.fault, _side(rule))
    timeout, waits = workload.config.request_timeout, _waits(rule, 0.0)
    return "silence" if waits is not None and timeout is not None and waits > timeout else found


def _waits(rule: Rule, chance: float) -> float | None:
    """For how many seconds a frame is held back, by this draw; None where that is no matter of time."""
    match rule.fault.verdict(chance):
        case Postpone(seconds=seconds) | Detain(until="time", seconds=seconds):
            return seconds
    return None


def about_records(rule: Rule) -> bool:
    """Whether requests with batches, or their answers, may be hit; a connection, a broker and a producer have both."""
    return rule.side == "event" or rule.api in ("produce", "*")


def does(rule: Rule, workload: Workload) -> str:
    """What the fault of a rule does."""
    return ACTION_OF[rule.fault.word].said(rule.fault, _side(rule))


def goes_on(rule: Rule, workload: Workload, idempotence: bool) -> tuple[str, Again]:
    """What the client does then, as a sentence, and whether it sends again."""
    client, config, noticed = workload.producer, workload.config, felt(rule, workload)
    if noticed == "nothing":
        return f"{client} notices nothing.", "no"
    if noticed == "itself":
        return f"It is {client}'s own process that is touched.", "maybe"
    if config.acks == 0:
        return f"{client} waits for no answer (acks=0), so it sends nothing again.", "no"
    if not about_records(rule):
        return f"{client} asks again, or goes without it: this is not about records.", "maybe"
    if noticed == "slow" and _within_timeout(rule, workload):
        return f"{client} waits: it is not as long as its request timeout, so nothing is sent again.", "no"
    if noticed == "slow":
        return f"{client} waits; only what takes longer than its request timeout is sent again.", "maybe"
    if noticed == "garbage":
        return f"What {client} does depends on the bytes that changed.", "maybe"
    if config.retries == 0:
        return f"{client} may not retry (retries: 0): it reports a failure.", "failed"
    if noticed == "error":
        return _after_error(rule, client, idempotence)
    if noticed == "silence":
        return _after_silence(workload, idempotence)
    if noticed == "mismatch":
        return f"{client} gets an answer to another request, gives the connection up, and sends again.", "yes"
    return f"{client} sees the end of its connection, connects again, and sends again what had no answer.", "yes"


def _within_timeout(rule: Rule, workload: Workload) -> bool:
    """Whether a delay is shorter than the request timeout, whatever its jitter draws."""
    timeout, waits = workload.config.request_timeout, _waits(rule, _LATEST)
    return timeout is not None and waits is not None and waits < timeout


def _after_silence(workload: Workload, idempotence: bool) -> tuple[str, Again]:
    client, timeout = workload.producer, workload.config.request_timeout
    waits = "its own request timeout" if timeout is None else f"its request timeout, {seconds_of(timeout)}"
    known = CLIENTS[client]
    if not known.resends_after_silence and not idempotence:
        return f"{client} waits for {waits}; then it reports a failure and does not send again.", "failed"
    if "delivery_timeout" not in known.lacks and _gives_up(workload):
        return f"{client} waits for {waits}; by then its delivery timeout is over, and it reports a failure.", "failed"
    return f"{client} waits for {waits}; then it closes the connection and sends again on a new one.", "yes"


def _gives_up(workload: Workload) -> bool:
    """Whether nothing is left of the time for a record once one request has timed out."""
    request, delivery = workload.config.request_timeout, workload.config.delivery_timeout
    return request is not None and delivery is not None and delivery <= request


def _after_error(rule: Rule, client: str, idempotence: bool) -> tuple[str, Again]:
    code, known = _code(rule), CLIENTS[client]
    name = error_name(code)
    if code in _PASSING or name in known.resends_after:
        return f"{client} sends again after {name}, at once or after its backoff.", "yes"
    if name in known.anew_after and idempotence:
        return f"{client} takes a new epoch after {name}, and sends again in it.", "anew"
    if name in known.fails_after:
        return f"{client} takes {name} for final: it reports a failure.", "failed"
    if code == _OUT_OF_ORDER and idempotence and known.after_out_of_order is not None:
        return f"After {name} {client} {known.after_out_of_order}.", "maybe"
    return f"{client} sends again if it takes {name} for an error that passes; else it reports a failure.", "maybe"


def _code(rule: Rule) -> int:
    """The error that the client sees."""
    if isinstance(rule.fault, Error):
        return rule.fault.code
    return _CORRUPT if rule.fault.word == "corrupt" else ERROR_CODES["NOT_LEADER_OR_FOLLOWER"]


def _side(rule: Rule) -> str:
    return rule.api if rule.side == "event" else rule.side
