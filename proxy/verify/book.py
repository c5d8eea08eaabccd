"""What the producers of our own workload said of their sends, to be found by producer and order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from ..observations import Send
from ..sends import Sends

STANDS, IN_PLACE, SEEN = 1, 2, 4
"""What was found of a send in the log: a copy of it; one at the offset that it was acked at, where it has one; one that
a consumer of the arm's isolation level sees."""


class Book:
    """`sends` by producer and order; `found` has a byte for each of them, to be marked."""

    def __init__(self, sends: Iterable[Send], producers: Sequence[str]) -> None:
        self.sends = Sends()
        self._lanes: dict[int, tuple[int, int]] = {}
        self._places: dict[int, dict[int, int]] = {}
        numbers = {name: number for number, name in enumerate(producers)}
        every = Sends.of(sends)
        by_producer = every.by_producer()
        for name in sorted(by_producer):
            start = len(self.sends)
            own = _in_order(every, by_producer[name])
            if len(own) == len(every):
                self.sends = own
            else:
                self.sends.extend(own)
            if name in numbers:
                self._enter(numbers[name], start)
        self.found = bytearray(len(self.sends))

    def _enter(self, producer: int, start: int) -> None:
        """Where orders count 0, 1, 2, … as they do, a send's place is known from its order alone."""
        stop, orders = len(self.sends), self.sends.orders
        self._lanes[producer] = start, stop
        if orders[start] or orders[-1] != stop - start - 1:
            self._places[producer] = {orders[at]: at for at in range(start, stop)}

    def index(self, producer: int, order: int) -> int:
        """Where in `sends` the producer of this number has this order; -1 where it has none."""
        places = self._places.get(producer)
        if places is not None:
            return places.get(order, -1)
        start, stop = self._lanes.get(producer, (0, 0))
        return start + order if 0 <= order < stop - start else -1

    def is_(self, index: int, record: int, number: int) -> bool:
        """Whether this is the send with that number of that record."""
        return self.sends.records[index] == record and self.sends.numbers[index] == number


def _in_order(every: Sends, own: Sequence[int]) -> Sends:
    """One producer's by order; of two that say the same order, the last one said."""
    orders = every.orders
    if all(orders[index] == at for index, at in zip(own, count(), strict=False)):
        return every if len(own) == len(every) else every.taken(own)
    return every.taken(index for _, index in sorted({orders[index]: index for index in own}.items()))
