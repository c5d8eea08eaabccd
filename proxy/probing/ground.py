"""Where the cases are played: a topic of our own, a broker, the versions that both sides know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ..direct.cluster import Cluster
from ..direct.link import Link
from ..errors import AckdropError
from ..kafka.apis import api_key
from . import frames
from .model import TITLES, State

Restart = Callable[[str], Awaitable[None]]
"""Takes `restart` or `kill`, and returns when the broker answers again."""


_LOWEST = {"produce": 3, "find_coordinator": 1}
"""Before these there are no producer ids, and no coordinators of transactions (KIP-98)."""


class NotMeasured(AckdropError):
    """A case ends before its end; `state` is what it counts for."""

    def __init__(self, state: State, message: str) -> None:
        super().__init__(message)
        self.state = state


@dataclass(slots=True)
class Ground:
    """What all cases share. `at_most` maps APIs to the newest version that shall be spoken, `seconds` is how long an
    answer may take, `replication` how many replicas the topic has. `restart` is None where the broker is not ours.
    `spoken` collects the versions that were."""

    cluster: Cluster
    topic: str
    topic_id: bytes | None
    at_most: Mapping[str, int]
    seconds: float
    replication: int = 1
    restart: Restart | None = None
    spoken: dict[str, int] = field(default_factory=dict)

    def version(self, link: Link, api: str, at_most: int | None = None) -> int:
        """The newest version of this API that both sides know. Raises NotMeasured (`absent`) where there is none."""
        lowest, highest = link.versions.get(api_key(api), (0, -1))
        lowest = max(lowest, _LOWEST.get(api, 0))
        ours = min(frames.NEWEST[api], self.at_most.get(api, highest), highest if at_most is None else at_most)
        if highest < lowest:
            raise NotMeasured("absent", f"this broker does not have {TITLES[api]}")
        if ours < lowest:
            raise NotMeasured(
                "absent", f"it takes {TITLES[api]} {lowest}, and {ours} is the newest that both sides speak"
            )
        version = min(ours, highest)
        self.spoken[api] = max(version, self.spoken.get(api, 0))
        return version
