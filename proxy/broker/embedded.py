"""Apache Kafka (KRaft) from its published jars, in temporary folders, on free loopback ports: one broker, or several.

Each broker has a supervisor of its own, so that one can be killed and started again while the others go on.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from . import archives, settings
from .control import OfChild
from .jars import pinned, provide
from .java import environment, find_java
from .layout import Layout, Node, Wish
from .ports import LOOPBACK, held
from .running import Progress, RunningBroker
from .starting import STARTS, again_where_taken, did_not_start, until_ready
from .supervised import Child, Spec, all_supervised, new_folder

FORMATTED_WITHIN = 60.0
READY_WITHIN = 60.0

_TAKEN = "Address already in use"
_GRACE = 0.5
"""Seconds of politeness at the end where there are several: each would wait for the others."""


@dataclass(frozen=True, slots=True)
class RunningNode:
    """One broker of an embedded cluster: its node id, its process, its ports, and what can be done to it."""

    node: Node
    child: Child
    control: OfChild

    @property
    def id(self) -> int:
        """Its node id."""
        return self.node.id

    @property
    def pid(self) -> int | None:
        """The process id of its Java, another one after a restart."""
        return self.child.pid

    @property
    def address(self) -> str:
        """`HOST:PORT` of its plaintext listener."""
        return f"{LOOPBACK}:{self.node.port}"

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of all its listeners for clients."""
        return self.node.port, *self.node.more.values()


@dataclass(frozen=True, slots=True)
class RunningCluster:
    """The brokers of an embedded cluster, in the order of their node ids, which begin with 1."""

    nodes: tuple[RunningNode, ...]

    def addresses(self, listener: str | None = None) -> list[str]:
        """`HOST:PORT` of every broker, at this listener or at the plaintext one."""
        if listener is None:
            return [one.address for one in self.nodes]
        return [f"{LOOPBACK}:{one.node.more[listener]}" for one in self.nodes]

    def node(self, number: int) -> RunningNode:
        """The broker with this node id."""
        return self.nodes[number - 1]


@asynccontextmanager
async def broker(
    progress: Progress | None = None,
    *,
    port: int | None = None,
    extra: Mapping[str, str] | None = None,
    brokers: int = 1,
) -> AsyncIterator[RunningBroker]:
    """An Apache Kafka of our own; ended and removed at the end of the block, and however else ackdrop ends.

    `progress` hears of the jars' download. `port` asks for this port; any free one otherwise. `extra` are broker
    properties that win over ours. Of several `brokers` the first is the one that things are done to. Raises BrokerError
    with the broker's own last lines when it does not start.
    """
    async with cluster(Wish(brokers, extra=extra or {}), progress, ports=[port] if port else ()) as running:
        yield as_broker(running)


@asynccontextmanager
async def cluster(
    wish: Wish, progress: Progress | None = None, *, ports: Sequence[int] = (), write: Path | None = None
) -> AsyncIterator[RunningCluster]:
    """As `broker`, but several of them: all are there and know each other. `ports` are for the first ones' plaintext
    listeners. The children may be detached one by one. Each is to `write` an archive when it ends (`archives`)."""
    java = await find_java()
    jars = await provide(progress)
    async with AsyncExitStack() as stack:
        specs = functools.partial(_specs, java, jars, archives.fitting(java, jars), write)
        start = functools.partial(_start, stack, specs, wish, ports)
        yield await again_where_taken(start, 1 if ports else STARTS)


def as_broker(running: RunningCluster) -> RunningBroker:
    """They as any source gives a broker: things are done to the first of them, node 1."""
    first, count = running.nodes[0], len(running.nodes)
    what = (
        f"Apache Kafka {pinned().kafka} was" if count == 1 else f"{count} brokers of Apache Kafka {pinned().kafka} were"
    )
    return RunningBroker(
        ",".join(running.addresses()),
        "embedded",
        first.child.log_file,
        [f"{what} started for this run, with an empty log."],
        pid=first.pid,
        control=first.control,
    )


async def _start(
    stack: AsyncExitStack, specs: Callable[[Layout], list[Spec]], wish: Wish, ports: Sequence[int]
) -> RunningCluster:
    """One start. What must be undone at the end goes onto the stack where it succeeds, and is undone where not."""
    async with AsyncExitStack() as undo:
        with held(wish.ports, *ports) as found:
            layout = Layout.of(wish, found)
            children = await undo.enter_async_context(all_supervised(specs(layout)))
            nodes = tuple(
                RunningNode(node, child, OfChild(child, node.port))
                for node, child in zip(layout.nodes, children, strict=True)
            )
            await _all_ready(nodes)
        stack.push_async_exit(undo.pop_all())
    return RunningCluster(nodes)


def _specs(java: Path, jars: list[Path], archive: Path | None, write: Path | None, layout: Layout) -> list[Spec]:
    cluster_id = settings.cluster_id()
    folders = [new_folder() for _ in layout.nodes]
    return [
        Spec(
            folder=str(folder),
            files=settings.files(layout, node),
            commands=settings.commands(java, jars, folder, cluster_id, layout.wish.users, archive, write),
            environment=environment(),
            grace=3.0 if len(layout.nodes) == 1 else _GRACE,
        )
        for folder, node in zip(folders, layout.nodes, strict=True)
    ]


async def _all_ready(nodes: Sequence[RunningNode]) -> None:
    """Wait until every broker knows all the others. BrokerError for the first one that does not come up."""
    problems: list[tuple[RunningNode, str]] = []

    async def one(node: RunningNode) -> None:
        problem = await until_ready(
            node.child, node.node.port, before=FORMATTED_WITHIN, within=READY_WITHIN, brokers=len(nodes)
        )
        if problem is not None:
            problems.append((node, problem))
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(one, node)
    if problems:
        node, problem = problems[0]
        which = f" (broker {node.id} of {len(nodes)})" if len(nodes) > 1 else ""
        what = f"the embedded Apache Kafka {pinned().kafka}{which}"
        raise did_not_start(what, problem, node.child, taken=_TAKEN, remedy=_remedy(node.child))


def _remedy(child: Child) -> str:
    """What to do about a start that failed with what it said."""
    if child.said(_TAKEN):
        return "another program took the port in the meantime: give another port, or end that program"
    if child.said("No space left"):
        return "make room in the folder for temporary files, or name another one with TMPDIR"
    if child.said("OutOfMemoryError") or child.said("insufficient memory"):
        return "it needs about 400 MB of memory: end another program, or give a broker of yours with --bootstrap"
    return "the lines above tell the cause; or give a broker of yours with --bootstrap, or Docker with --broker docker"
