"""What one batch holds, as the log keeps it: for each record a digest, and what our own header or a user's name says.

Three ways, from the fast to the general: records of a program that is not ours are never taken apart (`kafka/digests`);
those of our own workload are, as far as the header of ours (`verify/ours`); where a user names what records are known
by, all of it is decoded.
"""

from __future__ import annotations

from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from ..identity import Naming
from ..identity import read as read_identity
from ..kafka.batches import Batch
from ..kafka.digests import digests, told_apart
from ..kafka.records import iter_records

LARGEST = 1 << 62
"""Numbers in a header of ours stay below this; one that does not was not written by us."""

ANY_RUN = "*"
"""In place of a run's id: the records of any run of ours are known by their header."""

_OURS, _NAMED, _FOREIGN = 1, 2, 3


class Producers:
    """The producers of our own workload that were seen, numbered; `salts` keep their records' digests apart."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.salts: list[int] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        known = self._numbers.get(name)
        if known is None:
            known = self._numbers[name] = len(self.names)
            self.names.append(name)
            self.salts.append(xxh3_64_intdigest(name.encode(), _OURS))
        return known


class Ours(NamedTuple):
    """What our own header says of each record: producer (its number), record, send, order; -1 each without one."""

    producers: list[int]
    records: list[int]
    sends: list[int]
    orders: list[int]


class Contents(NamedTuple):
    """A batch's records in order. `deltas` is None where they count 0, 1, 2, …

    `ours` is None where nobody asked for our header, `names` (None: a record without that name) where nobody named.
    """

    digests: list[int]
    timestamps: list[int]
    deltas: list[int] | None
    ours: Ours | None = None
    names: list[bytes | None] | None = None


class Parser:
    """Parses the batches of one partition.

    `run_id` is the run whose header is ours (None: no header is), `naming` what the user says that records are known
    by. A named record counts topic-wide, any other one that is not ours in its own partition.
    """

    def __init__(
        self, topic: str, partition: int, run_id: str | None, naming: Naming | None, producers: Producers
    ) -> None:
        self.run_id, self.naming, self.producers = run_id, naming, producers
        self.heads: dict[bytes, tuple[int, int]] = {}
        self.salt = xxh3_64_intdigest(f"{topic}\0{partition}".encode(), _FOREIGN) >> 1
        self._named_salt = xxh3_64_intdigest(topic.encode(), _NAMED)

    def contents(self, batch: Batch) -> Contents:
        """What the batch holds. Raises UndecodableError."""
        if self.naming is not None:
            return self._decoded(batch, self.naming)
        if self.run_id is None:
            return Contents(*digests(batch, self.salt))
        from .ours import contents

        found = contents(batch, self) if batch.header.magic == 2 else None
        return self._decoded(batch, None) if found is None else found

    def _decoded(self, batch: Batch, naming: Naming | None) -> Contents:
        """The general way: every record is decoded, and digested once more by the bytes that it is made of."""
        plain = digests(batch, self.salt)
        found = Contents([], plain.timestamps, plain.deltas, Ours([], [], [], []), None if naming is None else [])
        assert found.ours is not None
        for digest, record in zip(plain.digests, iter_records(batch), strict=True):
            ours = self._own(record.headers)
            name = None
            if ours is not None:
                producer, number, _, _ = ours
                digest = self.producers.salts[producer] ^ number
            elif naming is not None and (name := naming.of(record)) is not None:
                digest = xxh3_64_intdigest(name, self._named_salt)
            found.digests.append(digest)
            for column, value in zip(found.ours, ours or (-1, -1, -1, -1), strict=True):
                column.append(value)
            if found.names is not None:
                found.names.append(name)
        return found

    def learn(self, head: bytes) -> tuple[int, int] | None:
        """(number, salt) of the producer in `RUN/PRODUCER`, the beginning of our header's value; `heads` remembers
        it. None for another run's."""
        run, slash, producer = head.partition(b"/")
        if not slash or b"/" in producer or not head.isascii() or self.run_id not in (run.decode(), ANY_RUN):
            return None
        number = self.producers.number(head.decode() if self.run_id == ANY_RUN else producer.decode())
        self.heads[head] = number, self.producers.salts[number]
        return self.heads[head]

    def _own(self, headers: tuple[tuple[str, bytes | None], ...]) -> tuple[int, int, int, int] | None:
        """(producer, record, send, order) of our header, None for any other record."""
        identity = None if self.run_id is None else read_identity(headers)
        if identity is None or self.run_id not in (identity.run, ANY_RUN):
            return None
        if max(identity.record, identity.send, identity.order) >= LARGEST:
            return None
        name = identity.producer if self.run_id != ANY_RUN else f"{identity.run}/{identity.producer}"
        return self.producers.number(name), identity.record, identity.send, identity.order


def told_apart_foreign(digests: list[int], producers: list[int]) -> list[int]:
    """Of equal records that are not ours, in one batch, the second becomes another; a copy of ours stays a copy."""
    foreign = iter(told_apart([digest for digest, one in zip(digests, producers, strict=True) if one < 0]))
    return [digest if one >= 0 else next(foreign) for digest, one in zip(digests, producers, strict=True)]
