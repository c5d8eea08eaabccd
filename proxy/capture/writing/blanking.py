"""Credentials out of what passes: each byte of them becomes `*`, whatever portions they come in.

Both directions of a connection are read frame by frame, as far as it takes to know where a frame ends and whether
credentials stand in it (`secrets.py` says where). What does not add up is hidden rather than shown: the rest of a frame
with credentials that is not what its layout says, and everything that follows it in that direction; everything from
where the bytes are no frames of Kafka.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from ...core.raw_sasl import begins_like_request
from ...errors import UndecodableError
from ...kafka.frames import spoken
from . import secrets
from .secrets import ALL, SASL_AUTHENTICATE, SASL_HANDSHAKE, Step, Walk

_REQUEST = Struct(">ihhi")
_ANSWER = Struct(">ii")
_SIZE = 4
_HIGHEST_KEY, _HIGHEST_VERSION = 1000, 100
"""Far above what any API has: where more is said, the bytes are no request."""
_MOST_OPEN = 10_000
"""Requests of one connection whose answers may still come. Those with acks=0 have none, and are never missed."""
_BLANK = b"*"


class Ended(NamedTuple):
    """A frame that ended within a portion: how many bytes of its direction had gone by then."""

    correlation_id: int
    end: int


class Seen(NamedTuple):
    """A portion as it may be shown, how many bytes of it are hidden, and the frames that ended in it."""

    data: bytes
    hidden: int
    ended: list[Ended]


class _Asked(NamedTuple):
    """A request that waits for its answer. A token of SASL without headers has no `correlation_id`."""

    correlation_id: int | None
    key: int = SASL_AUTHENTICATE
    version: int = 0

    @property
    def secret(self) -> bool:
        return self.key in secrets.SECRET_ANSWERS


class Dialogue:
    """Both directions of a connection: what a client says, and what it is answered."""

    def __init__(self) -> None:
        self._open: deque[_Asked] = deque(maxlen=_MOST_OPEN)
        self._raw = False
        self.requests = Stream(_REQUEST.size, self._request, lambda: self._raw)
        self.answers = Stream(_ANSWER.size, self._answer, self._raw_awaited)

    def _raw_awaited(self) -> bool:
        return any(asked.correlation_id is None for asked in self._open)

    def _request(self, head: bytes) -> tuple[int, Walk | None]:
        """Of a request that begins like this: its correlation id, and the walk through what follows."""
        if self._raw and not begins_like_request(head):
            self._open.append(_Asked(None))
            return -1, secrets.hidden()
        self._raw = False
        if len(head) < _REQUEST.size:
            raise UndecodableError("too short for a request")
        _, key, version, correlation_id = _REQUEST.unpack(head)
        if not (0 <= key <= _HIGHEST_KEY and 0 <= version <= _HIGHEST_VERSION):
            raise UndecodableError("no request")
        self._raw = key == SASL_HANDSHAKE and version == 0
        self._open.append(_Asked(correlation_id, key, version))
        return correlation_id, secrets.request(key, version)

    def _answer(self, head: bytes) -> tuple[int, Walk | None]:
        if self._open and self._open[0].correlation_id is None:
            self._open.popleft()
            return -1, secrets.hidden()
        if len(head) < _ANSWER.size:
            raise UndecodableError("too short for an answer")
        _, correlation_id = _ANSWER.unpack(head)
        asked = self._asked(correlation_id)
        if asked is not None:
            return correlation_id, secrets.answer(asked.key, asked.version)
        return correlation_id, secrets.hidden() if any(asked.secret for asked in self._open) else None

    def _asked(self, correlation_id: int) -> _Asked | None:
        """The request of this answer; those before it are answered no more. A broker answers in order."""
        for number, asked in enumerate(self._open):
            if asked.correlation_id == correlation_id:
                for _ in range(number + 1):
                    self._open.popleft()
                return asked
        return None


Head = Callable[[bytes], tuple[int, Walk | None]]


class Stream:
    """One direction. `head` reads the first `need` bytes of a frame (all of it, where it is shorter): its correlation
    id (-1: it has none), and the walk through what follows; UndecodableError from it: this is no frame. `wary`: what
    comes of a head is hidden until it is whole."""

    def __init__(self, need: int, head: Head, wary: Callable[[], bool]) -> None:
        self._need = need
        self._read_head = head
        self._wary = wary
        self._head = bytearray()
        self._left = 0
        """Bytes of the frame that are still to come, once its head was read."""
        self._walk: Walk | None = None
        self._step, self._step_left = Step.SHOW, 0
        self._read = bytearray()
        self._correlation_id = -1
        self._passed = 0
        self._shut = False
        self._hidden: list[tuple[int, int]] = []

    def skip(self, count: int) -> None:
        """So many bytes were not seen. Where they do not lie within one frame, nothing is shown any more."""
        self._passed += count
        if self._walk is None and not self._head and count <= self._left:
            self._left -= count
        else:
            self._shut = True

    def feed(self, data: bytes) -> Seen:
        """The next portion."""
        self._hidden, ended = [], []
        at, size = 0, len(data)
        while at < size and not self._shut:
            if self._walk is not None:
                at = self._walked(data, at)
            elif self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
            else:
                at = self._begun(data, at)
            if not self._left and not self._head and not self._shut:
                self._walk = None
                ended.append(Ended(self._correlation_id, self._passed + at))
        if self._shut:
            self._hide(at, size)
        self._passed += size
        return Seen(*self._shown(data), ended)

    def _begun(self, data: bytes, at: int) -> int:
        """Take bytes of a frame's length, or of its head, which is read once it is whole."""
        whole = _SIZE
        if len(self._head) >= _SIZE:
            whole = min(self._need, _SIZE + int.from_bytes(self._head[:_SIZE], "big"))
        start, missing = at, whole - len(self._head)
        portion = data[at : at + missing]
        self._head += portion
        at += len(portion)
        if len(portion) < missing:
            if whole > _SIZE and self._wary():
                self._hide(start, at)
        elif whole > _SIZE or not any(self._head):
            self._headed(start, at)
        else:
            size = int.from_bytes(self._head, "big", signed=True)
            self._shut = size < 0 or spoken(size) is not None
        return at

    def _headed(self, start: int, at: int) -> None:
        """Read the head, of which a part stands from `start` to `at`."""
        head, size = bytes(self._head), int.from_bytes(self._head[:_SIZE], "big")
        self._head.clear()
        self._left = _SIZE + size - len(head)
        try:
            self._correlation_id, self._walk = self._read_head(head)
        except UndecodableError:
            self._shut = True
        if self._shut or self._correlation_id < 0:
            self._hide(start if size else at, at)
        if self._walk is not None:
            self._advance(None)

    def _walked(self, data: bytes, at: int) -> int:
        """Do the walk's step with as many bytes as there are."""
        size = min(self._step_left, len(data) - at)
        if self._step is Step.HIDE:
            self._hide(at, at + size)
        elif self._step is Step.READ:
            self._read += data[at : at + size]
        self._step_left -= size
        self._left -= size
        if not self._step_left:
            read, self._read = bytes(self._read), bytearray()
            self._advance(read)
        return at + size

    def _advance(self, read: bytes | None) -> None:
        """The walk's next step that has bytes. Where it and its frame do not end together, nothing more is shown."""
        assert self._walk is not None
        try:
            self._step, self._step_left = next(self._walk) if read is None else self._walk.send(read)
            while not self._step_left:
                self._step, self._step_left = self._walk.send(b"")
        except StopIteration:
            self._shut = self._left > 0
        except UndecodableError:
            self._shut = True
        else:
            if self._step_left == ALL:
                self._step_left = self._left
            self._shut = self._step_left > self._left

    def _hide(self, start: int, stop: int) -> None:
        if stop > start:
            self._hidden.append((start, stop))

    def _shown(self, data: bytes) -> tuple[bytes, int]:
        if not self._hidden:
            return data, 0
        shown = bytearray(data)
        for start, stop in self._hidden:
            shown[start:stop] = _BLANK * (stop - start)
        return bytes(shown), sum(stop - start for start, stop in self._hidden)
