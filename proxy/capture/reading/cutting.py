"""Bytes and holes of one direction, in; Kafka's frames, out.

Of a frame only as many bytes are kept as somebody wants to read. A hole within a frame whose length is known does not
lose the place: the frame is told with what it lacks. A hole across a frame's head, or bytes that can be no frame, does:
then the next boundary is looked for, where a frame makes sense; and after too much that makes none, no more.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from struct import Struct
from typing import NamedTuple

_SIZE = Struct(">i").unpack_from

MOST_SEARCHED = 64 << 10
"""Bytes in which a boundary is looked for at a time."""
_GIVES_UP = 1 << 20
"""Bytes without a boundary after which it is not looked for any more."""


class Sense(Enum):
    """Whether a frame can begin at a place."""

    YES = 1
    NO = 2
    MORE = 3
    """There are too few bytes to tell."""


class Cut(NamedTuple):
    """A frame. `data` is its beginning, as far as it was wanted and is there; `size` its bytes on the wire, its length
    counted in; `missing` how many of them the capture lacks; `end` the offset in its direction where it ends."""

    data: bytes
    size: int
    missing: int
    end: int


class Lost(NamedTuple):
    """Bytes that belong to no frame that is known: `missing` of them are not in the capture, `skipped` are. `found`
    says whether frames go on behind them; where not, the rest of this direction is not read."""

    missing: int
    skipped: int
    found: bool


class Cutter:
    """One direction. `head` is how many bytes decide about a frame; `wanted(bytes)` gets as many, or a whole frame,
    and says how many bytes to keep, -1 where that is no frame. `sense(data, at)` says, once the place is lost, whether
    a frame begins there."""

    def __init__(
        self,
        *,
        head: int,
        limit: int,
        wanted: Callable[[bytes], int],
        sense: Callable[[bytes, int], Sense],
        frame: Callable[[Cut], None],
        lost: Callable[[Lost], None],
    ) -> None:
        self._head, self._limit = head, limit
        self._wanted, self._sense = wanted, sense
        self._frame, self._tell_lost = frame, lost
        self.offset = 0
        self._kept = bytearray()
        self._size = -1
        self._seen = self._keep = self._missing = 0
        self._searching: bytearray | None = None
        self._lost_missing = self._lost_skipped = 0
        self.dead = False
        """Whether no boundary could be found."""

    def search(self) -> None:
        """It begins in the middle: look for the first boundary."""
        self._searching = bytearray()

    @property
    def kept(self) -> int:
        """Bytes that are held."""
        return len(self._kept) + len(self._searching or b"")

    def data(self, data: bytes) -> None:
        """The next bytes."""
        if self.dead:
            self.offset += len(data)
        elif self._searching is not None:
            self._search(data)
        else:
            self._walk(data)

    def hole(self, missing: int) -> None:
        """So many bytes are not there."""
        if self.dead or not missing:
            self.offset += missing
            return
        if self._searching is not None:
            self._skip(len(self._searching))
            self._searching.clear()
            self._lost_missing += missing
            self.offset += missing
            return
        inside = min(missing, self._size - self._seen) if self._size >= 0 else 0
        if inside:
            self._keep = min(self._keep, len(self._kept))
            self._missing += inside
            self._pass(inside)
        if missing > inside:
            self._lose(missing - inside)

    def ends(self) -> int:
        """Nothing comes any more; how many bytes of a frame were there that has not come to its end."""
        while self._searching:
            found, _ = self._boundary(bytes(self._searching), last=True)
            if found < 0:
                self._drop(len(self._searching))
            else:
                self._resume(found)
        self._tell(found=False)
        return self._seen

    # In step.

    def _walk(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at < end:
            if self._size < 0:
                taken = self._begin(data, at, end)
                if taken < 0:
                    return
                at += taken
                continue
            step = min(end - at, self._size - self._seen)
            room = self._keep - len(self._kept)
            if room > 0:
                self._kept += data[at : at + min(step, room)]
            at += step
            self._pass(step)

    def _begin(self, data: bytes, at: int, end: int) -> int:
        """The head of a frame: how many bytes of it were taken; -1 where it made no sense, and all is dealt with."""
        kept = self._kept
        before = len(kept)
        if not before and end - at >= 4:  # the common case: nothing of it came before
            size = 4 + _SIZE(data, at)[0]
            if 4 <= size <= self._limit + 4 and end - at >= min(self._head, size):
                return self._decide(size, data, at)
        need = 4 if before < 4 else min(self._head, 4 + _SIZE(kept)[0])
        taken = min(need - before, end - at)
        kept += data[at : at + taken]
        self._seen += taken
        self.offset += taken
        if len(kept) >= 4:
            size = 4 + _SIZE(kept)[0]
            if not 4 <= size <= self._limit + 4:
                self._garbage(bytes(kept) + data[at + taken :], len(kept))
                return -1
            if len(kept) >= min(self._head, size):
                head = bytes(kept)
                keep = self._wanted(head)
                if keep < 0:
                    self._garbage(head + data[at + taken :], len(head))
                    return -1
                self._size, self._keep = size, keep
                del kept[keep:]
                self._pass(0)
        return taken

    def _decide(self, size: int, data: bytes, at: int) -> int:
        head = data[at : at + min(self._head, size)]
        keep = self._wanted(head)
        if keep < 0:
            self._garbage(data[at:], 0)
            return -1
        if len(data) - at >= size:  # all of it is here
            self.offset += size
            self._frame(Cut(data[at : at + min(size, keep)], size, 0, self.offset))
            return size
        self._size, self._keep = size, keep
        self._kept += head[:keep]
        self._pass(len(head))
        return len(head)

    def _pass(self, count: int) -> None:
        self._seen += count
        self.offset += count
        if self._seen == self._size:
            cut = Cut(bytes(self._kept), self._size, self._missing, self.offset)
            self._fresh()
            self._frame(cut)

    def _fresh(self) -> None:
        self._kept = bytearray()
        self._size, self._seen, self._keep, self._missing = -1, 0, 0, 0

    # Out of step.

    def _lose(self, missing: int) -> None:
        self._lost_skipped += len(self._kept) if self._size < 0 else 0
        self._fresh()
        self._searching = bytearray()
        self._lost_missing += missing
        self.offset += missing

    def _garbage(self, data: bytes, counted: int) -> None:
        """These bytes are no frame, though one was to begin here; so many of them are counted as passed already."""
        self._fresh()
        self.offset -= counted
        self._searching = bytearray()
        self._search(data, past=1)

    def _search(self, data: bytes, past: int = 0) -> None:
        searching = self._searching
        assert searching is not None
        searching += data
        if past:
            self._drop(past)
        while searching:
            found, unsure = self._boundary(bytes(searching))
            if found >= 0:
                self._resume(found)
                return
            waits = unsure >= 0 and len(searching) - unsure <= MOST_SEARCHED
            self._drop(unsure if waits else len(searching) if unsure < 0 else unsure + 1)
            if self._lost_skipped > _GIVES_UP:
                self._give_up()
            if waits or self.dead:
                return

    def _resume(self, found: int) -> None:
        """A frame begins there."""
        rest = bytes((self._searching or b"")[found:])
        self._skip(found)
        self._searching = None
        self._tell(found=True)
        self.data(rest)

    def _give_up(self) -> None:
        self._skip(len(self._searching or b""))
        self._searching = None
        self._kept = bytearray()
        self.dead = True
        self._tell(found=False)

    def _boundary(self, data: bytes, *, last: bool = False) -> tuple[int, int]:
        """(where a frame begins for certain, else where one may begin), -1 for neither. `last`: no more bytes come."""
        for at in range(len(data)):
            sense = self._sense(data, at)
            if sense is Sense.YES:
                return at, -1
            if sense is Sense.MORE and not last:
                return -1, at
        return -1, -1

    def _drop(self, count: int) -> None:
        assert self._searching is not None
        del self._searching[:count]
        self._skip(count)

    def _skip(self, count: int) -> None:
        self._lost_skipped += count
        self.offset += count

    def _tell(self, *, found: bool) -> None:
        if self._lost_missing or self._lost_skipped:
            lost = Lost(self._lost_missing, self._lost_skipped, found)
            self._lost_missing = self._lost_skipped = 0
            self._tell_lost(lost)
