"""Errors that pass, and asking again until they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import trio

from ..errors import BrokerError
from ..kafka.codes import error_code, error_name

T = TypeVar("T")

_PASSING = frozenset(
    map(
        error_code,
        (
            "UNKNOWN_TOPIC_OR_PARTITION",
            "LEADER_NOT_AVAILABLE",
            "NOT_LEADER_OR_FOLLOWER",
            "REQUEST_TIMED_OUT",
            "BROKER_NOT_AVAILABLE",
            "REPLICA_NOT_AVAILABLE",
            "NETWORK_EXCEPTION",
            "NOT_CONTROLLER",
            "KAFKA_STORAGE_ERROR",
            "FENCED_LEADER_EPOCH",
            "UNKNOWN_LEADER_EPOCH",
            "OFFSET_NOT_AVAILABLE",
            "PREFERRED_LEADER_NOT_AVAILABLE",
        ),
    )
)
"""Errors that pass: a leader is being chosen, or the news of one has not come round."""

_REMEDIES = {
    error_code("TOPIC_ALREADY_EXISTS"): "Choose another name, or delete the topic.",
    error_code("INVALID_REPLICATION_FACTOR"): "Ask for no more replicas than the cluster has brokers.",
    error_code("TOPIC_AUTHORIZATION_FAILED"): "Give the user that ackdrop connects as the right to use this topic.",
    error_code("CLUSTER_AUTHORIZATION_FAILED"): "Give the user that ackdrop connects as the right to make topics, "
    "and to alter the cluster where leaders are to be moved.",
}


class PassingError(BrokerError):
    """A refusal that may be gone in a moment."""


def check(error: int, what: str, message: str | None = None) -> None:
    """Raises for an error code that is not 0: PassingError where asking again may help, BrokerError else.

    `what` is the beginning of the sentence, with the address; `message` what the broker says itself, if anything.
    """
    if error == 0:
        return
    text = f"{what}: {error_name(error)}" + (f" ({message})" if message else "")
    raise (PassingError if error in _PASSING else BrokerError)(text, remedy=_REMEDIES.get(error))


async def patiently(attempt: Callable[[], Awaitable[T]], seconds: float, recover: Callable[[], Awaitable[object]]) -> T:
    """What `attempt` gives, tried again while it raises PassingError: for so many seconds, then that is raised.

    Before each new try it waits, 50 ms at first and 1 s at most, and calls `recover`.
    """
    deadline, pause = trio.current_time() + seconds, 0.05
    while True:
        try:
            return await attempt()
        except PassingError:
            if trio.current_time() + pause > deadline:
                raise
        await trio.sleep(pause)
        pause = min(1.0, pause * 2)
        await recover()


def one(told: Sequence[Any], what: str) -> Any:
    """The one thing that an answer about one tells of. Raises BrokerError where it tells of none, or of more."""
    if len(told) != 1:
        raise BrokerError(f"{what}: the answer is about {len(told)}, and not about one")
    return told[0]
