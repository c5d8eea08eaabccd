"""Produce attempts by which nothing happens, kept as plain numbers: what is shared over all connections of a wire.

A *lane* is one producer's way to one partition on one connection. What passes on it and is neither retried nor delayed
nor refused needs no object of its own: it is some numbers while its answer is open (`Unanswered`), and a row of them
after that (`Passed`). Once anything happens that may make a difference to some of them, these become what they would
have been (`quick`): so nothing is decided twice, and nobody else has to know of lanes.

A batch may go this way where it can be no retry of another one: its sequence lies beyond all that its producer has sent
to the partition, or, without a producer id, no open one has its check sum; and the index of attempts knows nothing like
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal
from weakref import WeakValueDictionary

from ..faults.engine import Engine
from ..kafka.batch_headers import BatchHeader, fields_at
from ..observations import Asked, LetPass, Observation
from ..passed import frame_reached
from .alike import Partition
from .attempts import AttemptIndex
from .lane import Gate, Lane, Shared, Track

if TYPE_CHECKING:
    from .batches import Batches

MOST_OPEN = 50_000
"""Attempts whose answer is open, and their bytes, beyond which further ones go the long way, where the index has its
limits."""
MOST_BYTES = 32 << 20

MOST_LANES = 30_000
"""Some KB each, over all connections."""


class Lanes:
    """The lanes of one wire. `shared` is what all their loops have in common; frames have at most `limit` bytes.
    `zero` is the time of the arm's first produce request."""

    def __init__(
        self,
        observe: Callable[[Observation], None],
        index: AttemptIndex,
        limit: int,
        engine: Engine,
        zero: Callable[[], float | None],
    ) -> None:
        self._observe = observe
        self._index = index
        self._engine = engine
        self._zero = zero
        self._tracks: WeakValueDictionary[tuple[str, int, int, int], Track] = WeakValueDictionary()
        self.count = 0
        """How many lanes there are."""
        self.shared = Shared(limit, index, self._unlike, engine.changes, self.foresee)

    @property
    def full(self) -> bool:
        """Whether there is no room for a lane more."""
        return self.count >= MOST_LANES

    @property
    def crowded(self) -> bool:
        """Whether further attempts should go the long way."""
        return self.shared.open > MOST_OPEN or self.shared.bytes > MOST_BYTES

    def shut(self, shut: bool) -> None:
        """Let nothing pass for the while, on any connection."""
        self.shared.shut = shut

    def track(self, topic: str, partition: int, batch: BatchHeader) -> Track:
        """How far the producer of this batch has come, this batch included. Where it begins below what has come before
        (a retry, or after the last number), nothing is open that did."""
        key = (topic, partition, batch.producer_id, batch.producer_epoch)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = Track()
        track.following = batch.base_sequence + batch.records
        return track

    def foresee(self, lane: Lane, now: float) -> bool:
        """Work out what the rules do on a lane from now on; False where they may do anything."""
        zero = self._zero()
        assert zero is not None  # there are no lanes before a produce request
        found = self._engine.foresee(lane.request, now - zero, now)
        if found is None:
            return False
        request = lane.request
        lane.armed = Asked(request.node, request.tls, zero) if self._engine.rules else None
        lane.whole = self._engine.armed("connection", "event")  # a line may swallow what is behind a beginning
        lane.until = found.until
        lane.at_requests, lane.at_answers = tuple(map(Gate, found.requests)), tuple(map(Gate, found.answers))
        lane.foreseen = self._engine.changes[0]
        return True

    def reached(self, request: Batches, side: Literal["request", "response"], at: float) -> None:
        """A request for several partitions has reached the place at which rules are asked about it, or its answer."""
        lane = request.lanes[0]
        assert lane.armed is not None
        self._observe(frame_reached(lane.flow, lane.armed, side, request.correlation_id, request.entries(), at))

    def _unlike(self, lane: Lane, data: bytes, begin: int, now: float) -> bool:
        """Whether the index knows nothing that the batch at that place may be a retry of."""
        index, batch = self._index, fields_at(data, begin)
        if index.suspects(lane.where, batch, now):
            return False
        by_numbers_alone = lane.producer_id >= 0 and lane.where not in index.lost_in
        if by_numbers_alone and not index.knows_from(lane.where, batch, now):
            lane.asked = index.noted  # as long as no more is noted, what comes later is none either
        return True

    def settle(self, where: Partition, batch: BatchHeader) -> None:
        """An attempt goes the long way: make of what is open, and it may be a retry of, what that would have been
        without lanes. All else stays as it is.

        An attempt whose answer is open is known by its numbers or by its bytes (`alike`); records prove nothing before
        it is lost, and nothing is lost here: whatever ends makes all of its connection attempts of the long way first.
        - Numbers: every open batch of a producer (id and epoch) to a partition lies below its track's `following`, on a
          connection that has the track. One that begins there or later has none of theirs; one that begins below takes
          the track back (see `track`), so all that is open on it has to be in the index from then on.
        - Bytes: the check sum of every open batch without a producer id is in `checksums`. With one it covers the
          numbers, so these decide.
        The other way round, what is restored later repeats nothing: when it came, all was known that came before it.
        """
        track = self._tracks.get((*where, batch.producer_id, batch.producer_epoch))
        if batch.producer_id >= 0 and track is not None and batch.base_sequence < track.following:
            for opened in track.opens:
                opened.restore()
        elif batch.crc in self.shared.checksums:
            self.shared.checksums[batch.crc].restore()

    def tell_all(self) -> None:
        """Tell of all attempts that have passed."""
        for passed in self.shared.asked.take() + self.shared.unasked.take():
            self._observe(passed)
        if self.shared.let_pass:
            self.shared.let_pass = False
            for fault, frames in self._engine.take_let_pass():
                self._observe(LetPass(fault, frames))
