"""What the faults at `connection` make of one connection: the layers that lie on it, each until its end.

Of several of one kind the first counts; when it ends, the next one does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..faults.verdicts import Isolate, Lag, Limit, Slices

FAR = float("inf")
Kind = Isolate | Limit | Lag | Slices
_Wanted = TypeVar("_Wanted", Isolate, Limit, Lag, Slices)


@dataclass(frozen=True, slots=True)
class Layer:
    """One verdict, until `ends`. A rule's `until` (seconds after the arm's first produce request) ends it as well, and
    so does the end of the rule itself, which is named `rule`."""

    verdict: Kind
    ends: float
    until: float | None
    rule: str = ""


class Layers:
    """The layers of one connection. `zero` gives the time of the arm's first produce request, None before it."""

    def __init__(self, zero: Callable[[], float | None]) -> None:
        self._zero = zero
        self._layers: list[Layer] = []
        self.isolate: Isolate | None = None
        self.lag: Lag | None = None
        self.limit: Limit | None = None
        self.slices: Slices | None = None
        self.healed_at = -FAR
        """When it was last no longer isolated."""

    def __bool__(self) -> bool:
        return bool(self._layers)

    def add(self, layer: Layer) -> None:
        """Lay one on top; it counts where none of its kind does yet."""
        self._layers.append(layer)
        self._look()

    def lift(self, now: float) -> None:
        """Take away those that have ended."""
        self._keep([layer for layer in self._layers if self._ends(layer) > now], now)

    def take(self, rule: str, now: float) -> None:
        """Take away those of this rule."""
        self._keep([layer for layer in self._layers if layer.rule != rule], now)

    def _keep(self, left: list[Layer], now: float) -> None:
        if len(left) < len(self._layers):
            isolated = self.isolate is not None
            self._layers = left
            self._look()
            if isolated and self.isolate is None:
                self.healed_at = now

    def clear(self) -> None:
        """Take away all of them."""
        self._layers = []
        self._look()

    @property
    def due(self) -> float:
        """When the next one ends; FAR where none does."""
        return min(map(self._ends, self._layers), default=FAR)

    @property
    def cut_off(self) -> bool:
        """Whether nothing passes, and never will."""
        return any(
            isinstance(layer.verdict, Isolate) and layer.ends == FAR and layer.until is None for layer in self._layers
        )

    def _ends(self, layer: Layer) -> float:
        zero = self._zero()
        return layer.ends if layer.until is None or zero is None else min(layer.ends, zero + layer.until)

    def _look(self) -> None:
        self.isolate, self.lag = self._first(Isolate), self._first(Lag)
        self.limit, self.slices = self._first(Limit), self._first(Slices)

    def _first(self, kind: type[_Wanted]) -> _Wanted | None:
        return next((layer.verdict for layer in self._layers if isinstance(layer.verdict, kind)), None)
