"""Apache Kafka as one node (KRaft) from its published jars, in a temporary folder, on free loopback ports."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from . import settings
from .control import OfChild
from .jars import pinned, provide
from .java import environment, find_java
from .ports import LOOPBACK, held
from .running import Progress, RunningBroker
from .starting import STARTS, again_where_taken, did_not_start, until_ready
from .supervised import Child, Spec, new_folder, supervised

FORMATTED_WITHIN = 60.0
READY_WITHIN = 60.0

_TAKEN = "Address already in use"


@asynccontextmanager
async def broker(
    progress: Progress | None = None, *, port: int | None = None, extra: Mapping[str, str] | None = None
) -> AsyncIterator[RunningBroker]:
    """An Apache Kafka of our own; ended and removed at the end of the block, and however else ackdrop ends.

    `progress` hears of the jars' download. `port` asks for this port; any free one otherwise. `extra` are broker
    properties that win over ours. Raises BrokerError with the broker's own last lines when it does not start.
    """
    async with started(progress, port=port, extra=extra) as (running, _):
        yield running


@asynccontextmanager
async def started(
    progress: Progress | None = None, *, port: int | None = None, extra: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[RunningBroker, Child]]:
    """`broker`, with the supervised child beside it: for a broker that is to be detached."""
    java = await find_java()
    jars = await provide(progress)
    async with AsyncExitStack() as stack:
        start = functools.partial(_start, stack, java, jars, port, extra or {})
        yield await again_where_taken(start, 1 if port else STARTS)


async def _start(
    stack: AsyncExitStack, java: Path, jars: list[Path], port: int | None, extra: Mapping[str, str]
) -> tuple[RunningBroker, Child]:
    """One start. What must be undone at the end goes onto the stack where it succeeds, and is undone where not."""
    folder = new_folder()
    async with AsyncExitStack() as undo:
        with held(2, port) as (kafka, controller):
            spec = Spec(
                folder=str(folder),
                files=settings.files(kafka, controller, extra),
                commands=settings.commands(java, jars, folder),
                environment=environment(),
            )
            child = await undo.enter_async_context(supervised(spec))
            problem = await until_ready(child, kafka, before=FORMATTED_WITHIN, within=READY_WITHIN)
        if problem is not None:
            what = f"the embedded Apache Kafka {pinned().kafka}"
            raise did_not_start(what, problem, child, taken=_TAKEN, remedy=_remedy(child))
        stack.push_async_exit(undo.pop_all())
    return _running(child, kafka), child


def _running(child: Child, port: int) -> RunningBroker:
    note = f"Apache Kafka {pinned().kafka} was started for this run, with an empty log."
    return RunningBroker(
        f"{LOOPBACK}:{port}", "embedded", child.log_file, [note], pid=child.pid, control=OfChild(child, port)
    )


def _remedy(child: Child) -> str:
    """What to do about a start that failed with what it said."""
    if child.said(_TAKEN):
        return "another program took the port in the meantime: give another port, or end that program"
    if child.said("No space left"):
        return "make room in the folder for temporary files, or name another one with TMPDIR"
    if child.said("OutOfMemoryError") or child.said("insufficient memory"):
        return "it needs about 400 MB of memory: end another program, or give a broker of yours with --bootstrap"
    return "the lines above tell the cause; or give a broker of yours with --bootstrap, or Docker with --broker docker"
