"""What the producers of our own workload said of their sends, to be found by producer and order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter

from ..observations import Send

_order = attrgetter("order")

STANDS, IN_PLACE, SEEN = 1, 2, 4
"""What was found of a send in the log: a copy of it; one at the offset that it was acked at, where it has one; one that
a consumer of the arm's isolation level sees."""


class Book:
    """`sends` by producer and order; `found` has a byte for each of them, to be marked."""

    def __init__(self, sends: Iterable[Send], producers: Sequence[str]) -> None:
        by_producer: defaultdict[str, list[Send]] = defaultdict(list)
        for send in sends:
            by_producer[send.producer].append(send)
        numbers = {name: number for number, name in enumerate(producers)}
        self.sends: list[Send] = []
        self._lanes: dict[int, tuple[int, int]] = {}
        self._places: dict[int, dict[int, int]] = {}
        for name in sorted(by_producer):
            start = len(self.sends)
            self.sends += _in_order(by_producer.pop(name))
            if name in numbers:
                self._enter(numbers[name], start)
        self.found = bytearray(len(self.sends))

    def _enter(self, producer: int, start: int) -> None:
        """Where orders count 0, 1, 2, … as they do, a send's place is known from its order alone."""
        stop = len(self.sends)
        self._lanes[producer] = start, stop
        if self.sends[start].order or self.sends[-1].order != stop - start - 1:
            self._places[producer] = {self.sends[at].order: at for at in range(start, stop)}

    def index(self, producer: int, order: int) -> int:
        """Where in `sends` the producer of this number has this order; -1 where it has none."""
        places = self._places.get(producer)
        if places is not None:
            return places.get(order, -1)
        start, stop = self._lanes.get(producer, (0, 0))
        return start + order if 0 <= order < stop - start else -1


def _in_order(sends: list[Send]) -> list[Send]:
    """By order; of two that say the same order, the last one said."""
    if all(send.order == at for at, send in enumerate(sends)):
        return sends
    return sorted({send.order: send for send in sends}.values(), key=_order)
