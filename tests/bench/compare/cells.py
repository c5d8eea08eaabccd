"""The cells: a frame's size, requests in flight and connections; each peer in turn, again and again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ackdrop.core.wire import WireSettings

from .peers import Peer, Running
from .processes import await_rest, cores, in_user_mode, spent
from .wire import load, sink

SIZES = (200, 1024, 16384, 102400, 1048576)
WINDOWS = (1, 10, 100)
CONNECTIONS = (1, 8, 64)
FIRST = WireSettings().told_singly
"""Requests of an arm that go the long way whatever they are."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is sent. `rate` 0: as fast as answers come; else so many requests a second in all. `partitions`: None is one
    for each connection; a number is spread over, request by request."""

    size: int
    window: int
    connections: int
    rate: float = 0
    partitions: int | None = None

    def said(self) -> str:
        """It in words."""
        size = f"{self.size >> 20} MB" if self.size >= 1 << 20 else f"{self.size >> 10} KB" if self.size >= 1024 else ""
        rate = f", {self.rate:,.0f}/s" if self.rate else ""
        spread = f", {self.partitions:,} partitions" if self.partitions else ""
        return f"{size or f'{self.size} B'} × {self.window} × {self.connections}{rate}{spread}"


def grid(sizes: Sequence[int], windows: Sequence[int], connections: Sequence[int], rate: float = 0) -> list[Cell]:
    """All cells of these sizes, windows and connections."""
    return [Cell(size, window, each, rate) for size in sizes for window in windows for each in connections]


def measure(
    cell: Cell,
    peers: Mapping[str, Peer],
    programs: tuple[Path, Path],
    *,
    repetitions: int,
    seconds: float,
    warmup: float,
    tell: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Raw figures of a cell, one for each peer and repetition. All peers run all the time; the order in which they are
    loaded moves on by one with each repetition."""
    found = []
    with ExitStack() as stack:
        loader, running = _stage(cell, peers, programs, stack)
        for name, started in running.items():
            tell(f"{cell.said()}  before it is measured  {name}")
            _meet(cell, started, loader)
        for repetition in range(repetitions):
            for name in turned(list(running), repetition):
                tell(f"{cell.said()}  {repetition + 1}/{repetitions}  {name}")
                figures = _once(cell, running[name], loader, seconds, warmup)
                found.append({"peer": name, "repetition": repetition, **figures})
    return found


def _stage(
    cell: Cell, peers: Mapping[str, Peer], programs: tuple[Path, Path], stack: ExitStack
) -> tuple[Callable[..., Any], dict[str, Running]]:
    """A sink and all peers in front of it, each with a fresh process."""
    loader, sinker = programs
    for_proxy, for_load, for_sink = cores()
    port = stack.enter_context(sink(sinker, for_sink, cell.partitions or 64))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ackdrop-bench-")))
    running = {}
    for name, peer in peers.items():
        (folder / name).mkdir()
        running[name] = stack.enter_context(peer(port, for_proxy, folder / name))
    return lambda port, **options: load(loader, for_load, port, **options), running


def turned(names: list[str], by: int) -> list[str]:
    """In an order that moves on by one with each repetition."""
    by %= len(names)
    return names[by:] + names[:by]


def _meet(cell: Cell, peer: Running, loader: Callable[..., Any]) -> None:
    """Send as many requests as ackdrop tells of one by one in every arm: what that costs is not measured."""
    with loader(peer.port, requests=FIRST, size=cell.size) as sending:
        sending.measured()
        sending.end()


def _once(cell: Cell, peer: Running, loader: Callable[..., Any], seconds: float, warmup: float) -> dict[str, Any]:
    partitions = cell.partitions or 64
    with loader(
        peer.port,
        size=cell.size,
        window=cell.window,
        connections=cell.connections,
        partitions=partitions,
        spread=cell.partitions is not None,
        before=(cell.partitions or 0) * cell.connections,  # the first one to a partition goes the long way
        rate=cell.rate,
        seconds=seconds,
        warmup=warmup,
    ) as sending:
        with _watched(peer) as cost:
            figures: dict[str, Any] = sending.measured()
        sending.end()
    return figures | cost


@contextmanager
def _watched(peer: Running) -> Iterator[dict[str, Any]]:
    """What a peer spends from rest to rest; it is there once this is over."""
    cost: dict[str, Any] = {}
    if (pid := peer.pid) is None:
        yield cost
        return
    await_rest(pid)
    let_go, modes, before = peer.let_go(), in_user_mode(pid), spent(pid)
    yield cost
    cost["rest"] = await_rest(pid)
    cost["proxy_ns"] = spent(pid) - before
    user, system = (now - then for now, then in zip(in_user_mode(pid), modes, strict=True))
    cost["user"] = user / (user + system) if user + system else None
    cost["let_go"] = peer.let_go() - let_go


def idle(
    peers: Mapping[str, Peer], programs: tuple[Path, Path], connections: int, read: Callable[[int], dict[str, int]]
) -> Iterator[dict[str, Any]]:
    """Memory of each peer before and with idle connections: some that said nothing, and some that sent one request."""
    for name, peer in peers.items():
        for each in (0, 1):
            with ExitStack() as stack:
                loader, running = _stage(Cell(1024, 1, connections), {name: peer}, programs, stack)
                (started,) = running.values()
                if started.pid is None:
                    continue
                with loader(started.port, connections=1, each=1, idle=True) as warming:
                    warming.end()
                await_rest(started.pid)
                before = read(started.pid)
                with loader(started.port, connections=connections, partitions=64, each=each, idle=True) as sending:
                    await_rest(started.pid)
                    yield {"peer": name, "each": each, "connections": connections, "before": before} | {
                        "with": read(started.pid)
                    }
                    sending.end()
