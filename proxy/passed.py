"""Attempts by which nothing happened (`Passed`), in other forms: as the observations they stand for, as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from struct import Struct, pack

from .observations import Acked, Answered, Attempt, Forwarded, Observation, PackedAttempts, Passed, Quiet

_TIMES_OF_ONE = 16
_RECORDS, _AT = Struct("=24xq").unpack_from, Struct("=d").unpack_from


def expanded(passed: Passed) -> Iterator[Observation]:
    """All that `passed` says, an observation at a time."""
    flow = passed.flow
    for number, at, correlation_id, base_sequence, records, crc, size, answered_at, base_offset in passed.attempts:
        yield Attempt(
            number=number,
            at=at,
            connection=flow.connection,
            correlation_id=correlation_id,
            client_id=flow.client_id,
            software=flow.software,
            api_version=flow.api_version,
            acks=flow.acks,
            transactional_id=flow.transactional_id,
            topic=flow.topic,
            partition=flow.partition,
            producer_id=flow.producer_id,
            producer_epoch=flow.producer_epoch,
            base_sequence=base_sequence,
            records=records,
            crc=crc,
            size=size,
            retry_of=None,
            tries=1,
            ambiguous=False,
        )
        yield Forwarded(at, number)
        yield Answered(answered_at, number, 0, base_offset)
        yield Acked(answered_at, number, "delivered", 0)


def packed(attempts: Sequence[Quiet]) -> PackedAttempts:
    """The same attempts as bytes. Raises `struct.error` for a number that 64 bits do not hold."""
    if isinstance(attempts, PackedAttempts):
        return attempts
    cells = [(number, correlation_id, *what, offset) for number, _, correlation_id, *what, _, offset in attempts]
    times = [(each[1], each[7]) for each in attempts]
    return PackedAttempts(
        pack(f"={7 * len(cells)}q", *chain.from_iterable(cells)),
        pack(f"={2 * len(times)}d", *chain.from_iterable(times)),
    )


def sums(attempts: Sequence[Quiet]) -> tuple[int, int, float]:
    """How many attempts they are, how many records, and the time of the first one."""
    if not isinstance(attempts, PackedAttempts):
        return len(attempts), sum(each[4] for each in attempts), attempts[0][1]
    if len(attempts.times) == _TIMES_OF_ONE:  # so it is where many connections have one request on its way each
        return 1, _RECORDS(attempts.cells)[0], _AT(attempts.times)[0]
    times = memoryview(attempts.times).cast("d")
    return len(times) // 2, sum(memoryview(attempts.cells).cast("q")[3::7]), times[0]


def one_of(passed: Passed, number: int) -> Iterator[Passed]:
    """The attempt of this number, where it is among them."""
    attempts = passed.attempts
    numbers = memoryview(attempts.cells).cast("q")[::7] if isinstance(attempts, PackedAttempts) else None
    if numbers is None or number in numbers:
        yield from (Passed(passed.flow, [each]) for each in attempts if each[0] == number)
