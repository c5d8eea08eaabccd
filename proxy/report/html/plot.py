"""The plain parts of a plot: a scale for times, one for latencies, and the ticks that people read off."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

IDLE = 0.25
"""Seconds without an event that may be folded, where they are also so much of the whole as `_SHARE` says."""

FOLD = 44.0
"""How wide a fold is drawn, however long it was."""

_SHARE = 0.1
_MOST_FOLDS = 5
_BETWEEN_TICKS = 56.0


@dataclass(frozen=True, slots=True)
class Piece:
    """The seconds from `first` to `last` between the places `start` and `end`; `idle`: nothing happened, folded."""

    first: float
    last: float
    start: float
    end: float
    idle: bool

    def at(self, seconds: float) -> float:
        """The place of this moment of the piece."""
        if self.last <= self.first:
            return (self.start + self.end) / 2
        return self.start + (self.end - self.start) * (seconds - self.first) / (self.last - self.first)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Seconds to places: pieces of one scale, with folds between them. At least one piece, in time."""

    pieces: tuple[Piece, ...]

    @property
    def start(self) -> float:
        """The first place."""
        return self.pieces[0].start

    @property
    def end(self) -> float:
        """The last place."""
        return self.pieces[-1].end

    def at(self, seconds: float) -> float:
        """The place; what lies outside is put on the edge."""
        seconds = min(max(seconds, self.pieces[0].first), self.pieces[-1].last)
        found = bisect_left(self.pieces, seconds, key=lambda piece: piece.last)
        ends_a_wait = self.pieces[found].idle and seconds == self.pieces[found].last
        return self.pieces[found + ends_a_wait].at(seconds)

    @property
    def folds(self) -> list[Piece]:
        """The waits that are drawn shorter than they were."""
        return [piece for piece in self.pieces if piece.idle]

    def ticks(self) -> list[tuple[float, float]]:
        """Round moments, each with its place, none close to another; a piece without one is marked where it begins."""
        active = [piece for piece in self.pieces if not piece.idle]
        step = _step(sum(piece.last - piece.first for piece in active))
        found: list[tuple[float, float]] = []
        for piece in active:
            first = math.ceil(piece.first / step - 1e-9)
            rounds = [round(n * step, 9) for n in range(first, int(piece.last / step + 1e-9) + 1)]
            for seconds in rounds or [piece.first]:
                place = piece.at(seconds)
                if not found or place - found[-1][1] >= _BETWEEN_TICKS:
                    found.append((seconds, place))
        return found


def time_scale(moments: Iterable[float], start: float, end: float) -> TimeScale:
    """A scale from 0 to the last of these moments (seconds); long waits between them are folded."""
    times = sorted({0.0, *moments})
    last = max(times[-1], 0.001)
    waits = sorted(
        (pair for pair in pairwise(times) if pair[1] - pair[0] > max(IDLE, _SHARE * last)),
        key=lambda pair: pair[0] - pair[1],
    )
    folds = sorted(waits[:_MOST_FOLDS])
    edges = [0.0, *(edge for fold in folds for edge in fold), last]
    spans = list(pairwise(edges))
    active = sum(after - before for before, after in spans[::2])
    least = max(active * 0.03, 0.001)
    unit = (end - start - FOLD * len(folds)) / (active + least * (len(folds) + 1))
    pieces, place = [], start
    for n, (before, after) in enumerate(spans):
        idle = bool(n % 2)
        wide = FOLD if idle else (after - before + least) * unit
        pieces.append(Piece(before, after, place, place + wide, idle))
        place += wide
    return TimeScale(tuple(pieces))


@dataclass(frozen=True, slots=True)
class LogScale:
    """Seconds to places by powers of ten: 1 ms is as far from 10 ms as 1 s is from 10 s. `first` < `last`."""

    first: float
    last: float
    start: float
    end: float

    def at(self, seconds: float) -> float:
        """The place; what lies outside is put on the edge."""
        share = math.log(max(seconds, self.first) / self.first) / math.log(self.last / self.first)
        return self.start + (self.end - self.start) * min(share, 1.0)


def decades(low: float, high: float) -> list[float]:
    """The powers of ten around these two, both positive: at least two of them."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(math.ceil(math.log10(high) - 1e-9), first + 1)
    return [10.0**power for power in range(first, last + 1)]


def named(seconds: float) -> str:
    """`0`, `50 µs`, `200 ms`, `1.5 s`"""
    if seconds == 0:
        return "0"
    if seconds < 0.001:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{round(seconds, 3):,.10g} s"


def _step(seconds: float, most: int = 8) -> float:
    """1, 2 or 5 times a power of ten: so many steps at most make the time full."""
    step = 10.0 ** math.floor(math.log10(max(seconds, 0.001) / most))
    return step * next(factor for factor in (1, 2, 5, 10, 20) if step * factor * most >= seconds)
