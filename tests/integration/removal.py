"""A topic that was removed: the controller says so first, and each broker learns of it in its own time."""

from __future__ import annotations

import trio

from ackdrop.direct.cluster import Cluster


async def gone(cluster: Cluster, beginning: str, *, within: float = 20.0) -> None:
    """Returns once no topic's name begins so any more; raises `trio.TooSlowError` after `within` seconds."""
    with trio.fail_after(within):
        while any(name.startswith(beginning) for name in await cluster.topics()):
            await trio.lowlevel.checkpoint()


def see_gone(bootstrap: str, beginning: str) -> None:
    """The same for a test that is not async."""

    async def main() -> None:
        async with Cluster.connect(bootstrap) as cluster:
            await gone(cluster, beginning)

    trio.run(main)
