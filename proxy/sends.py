"""What became of very many sends, in columns: 35 bytes each, and a `Send` is made when somebody asks for one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, overload

from .observations import Send

Outcome = Literal["acked", "failed", "unknown"]
OUTCOMES: tuple[Outcome, ...] = ("acked", "failed", "unknown")
ACKED, FAILED, UNKNOWN = range(3)
"""The codes of outcomes, in their column."""
NOTHING = -(1 << 63)
"""What stands for an offset that is not known."""
_NOWHERE = -(1 << 31)
"""What stands for a partition that is not known."""


class Sends(Sequence[Send]):
    """Sends in the order in which they were added.

    `records`, `numbers`, `orders`, `outcomes`, `partitions` and `offsets` are their columns; a partition or an offset
    that is not known has a value that none can have.
    """

    def __init__(self, sends: Iterable[Send] = ()) -> None:
        self.records, self.numbers, self.orders = array("q"), array("i"), array("q")
        self.outcomes = bytearray()
        self.partitions, self.offsets = array("i"), array("q")
        self._producers = array("H")
        self._names: list[str] = []
        self._errors: dict[int, str] = {}
        for send in sends:
            self.append(send)

    @classmethod
    def of(cls, sends: Iterable[Send]) -> Sends:
        """These sends in columns, where they are not yet."""
        return sends if isinstance(sends, Sends) else cls(sends)

    def append(self, send: Send) -> None:
        """Add one to the end."""
        self.add(
            send.producer, send.record, send.send, send.order, send.outcome, send.partition, send.offset, send.error
        )

    def add(
        self,
        producer: str,
        record: int,
        number: int,
        order: int,
        outcome: Outcome,
        partition: int | None,
        offset: int | None,
        error: str | None,
    ) -> None:
        """Add one that is told by its parts."""
        if error is not None:
            self._errors[len(self.outcomes)] = error
        self._producers.append(self._number_of(producer))
        self.records.append(record)
        self.numbers.append(number)
        self.orders.append(order)
        self.outcomes.append(OUTCOMES.index(outcome))
        self.partitions.append(_NOWHERE if partition is None else partition)
        self.offsets.append(NOTHING if offset is None else offset)

    def extend(self, others: Sends) -> None:
        """Add all of these to the end."""
        start = len(self)
        numbers = [self._number_of(name) for name in others._names]
        self._producers.extend(numbers[each] for each in others._producers)
        self._errors.update((start + index, error) for index, error in others._errors.items())
        for ours, theirs in zip(self._columns, others._columns, strict=True):
            ours.extend(theirs)
        self.outcomes += others.outcomes

    def taken(self, indexes: Iterable[int]) -> Sends:
        """The sends at these indexes, in this order."""
        found, wanted = Sends(), array("q", indexes)
        found._names = list(self._names)
        found._producers = array("H", (self._producers[index] for index in wanted))
        for theirs, ours in zip(found._columns, self._columns, strict=True):
            theirs.extend(ours[index] for index in wanted)
        found.outcomes += bytes(self.outcomes[index] for index in wanted)
        if self._errors:
            found._errors = {at: self._errors[index] for at, index in enumerate(wanted) if index in self._errors}
        return found

    @property
    def _columns(self) -> tuple[array[int], ...]:
        return self.records, self.numbers, self.orders, self.partitions, self.offsets

    def by_producer(self) -> dict[str, Sequence[int]]:
        """Producer → the indexes of its sends, in the order in which they were added."""
        if len(self._names) == 1:
            return {self._names[0]: range(len(self))}
        return {
            name: array("q", (at for at, number in enumerate(self._producers) if number == wanted))
            for wanted, name in enumerate(self._names)
        }

    def partition(self, index: int) -> int | None:
        """Where it was sent to; None: not known."""
        partition = self.partitions[index]
        return None if partition == _NOWHERE else partition

    def _number_of(self, producer: str) -> int:
        try:
            return self._names.index(producer)
        except ValueError:
            self._names.append(producer)
            return len(self._names) - 1

    @overload
    def __getitem__(self, at: int) -> Send: ...

    @overload
    def __getitem__(self, at: slice) -> list[Send]: ...

    def __getitem__(self, at: int | slice) -> Send | list[Send]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        index = at + len(self) if at < 0 else at
        offset = self.offsets[index]
        return Send(
            self._names[self._producers[index]],
            self.records[index],
            self.numbers[index],
            self.orders[index],
            OUTCOMES[self.outcomes[index]],
            self.partition(index),
            None if offset == NOTHING else offset,
            self._errors.get(index),
        )

    def __len__(self) -> int:
        return len(self.outcomes)

    def __iter__(self) -> Iterator[Send]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]
