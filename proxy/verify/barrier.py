"""The barrier before the log is read: nothing on its way any more, and the broker quiet.

Every attempt that was forwarded has its answer or a dead connection behind it, and two readings of every high
watermark, some time apart, agree: a request whose connection died may still be appended after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import trio

_POLL = 0.05

Watermarks = dict[str, dict[int, int]]
"""topic → partition → high watermark."""


class TellsEnds(Protocol):
    """What the barrier needs of a cluster."""

    async def end_offsets(self, topic: str) -> dict[int, int]: ...


@dataclass(frozen=True, slots=True)
class Barrier:
    """How things stood when the barrier was left.

    `quiet`: two readings of the high watermarks agreed. `open_attempts`: forwarded produces whose fate was still
    open. The log may be read in any case; what it proves depends on both.
    """

    high_watermarks: Watermarks
    quiet: bool
    open_attempts: int


async def wait_quiet(
    cluster: TellsEnds,
    topics: Iterable[str],
    *,
    unsettled: Callable[[], int],
    timeout: float,  # noqa: ASYNC109 - it ends the waiting, not the barrier: what stands then is what is told
    settle: float = 0.5,
) -> Barrier:
    """Waits until `unsettled()` is 0 and two readings `settle` seconds apart agree, for `timeout` seconds at most.

    After that there is one more pair of readings at most. Raises BrokerError when the broker does not tell them.
    """
    names = sorted(set(topics))
    deadline = trio.current_time() + timeout
    while unsettled() and trio.current_time() < deadline:  # noqa: ASYNC110 - others count, and know no event
        await trio.sleep(_POLL)
    marks = await _read(cluster, names)
    while True:
        await trio.sleep(settle)
        before, marks = marks, await _read(cluster, names)
        still_open = unsettled()
        quiet = marks == before
        if (quiet and not still_open) or trio.current_time() >= deadline:
            return Barrier(marks, quiet, still_open)


async def _read(cluster: TellsEnds, topics: list[str]) -> Watermarks:
    return {topic: await cluster.end_offsets(topic) for topic in topics}
