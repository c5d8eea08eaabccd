"""Which brokers can be reached: said once when that changes, however many clients try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .listeners import BOOTSTRAP


@dataclass(slots=True)
class _Lost:
    """Since when a broker has not been reached, and how many clients were sent away."""

    since: float
    clients: int = 0


class Reach:
    """`tell` gets a line each time. Nodes are broker ids; -1 is the bootstrap listener's whole cluster."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lost: dict[int, _Lost] = {}

    def lost(self, node: int, why: str, now: float) -> None:
        """A client was sent away, since its broker cannot be reached."""
        if node not in self._lost:
            self._lost[node] = _Lost(now)
            self._tell(f"{_name(node)}: {why}; its clients wait a moment and are sent away until it is there")
        self._lost[node].clients += 1

    def found(self, node: int, now: float) -> None:
        """A client has got its broker."""
        lost = self._lost.pop(node, None)
        if lost is not None:
            clients = f"{lost.clients} {'client was' if lost.clients == 1 else 'clients were'} sent away"
            self._tell(f"{_name(node)}: reached again after {now - lost.since:.1f} s; {clients}")


def _name(node: int) -> str:
    return "bootstrap" if node == BOOTSTRAP else f"broker {node}"
