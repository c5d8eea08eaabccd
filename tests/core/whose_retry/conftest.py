"""Whose retry is it? The table of cases: bytes in, observations out.

Each case is what some client really does, or what an application does that looks like it. A told story reads
`(retry_of, tries, ambiguous)` of the attempt in question.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop import identity
from ackdrop.observations import Attempt

FIRST = (None, 1, False)
SEQUENCES = 1 << 31

Told = tuple[int | None, int, bool]


class Story:
    """A wire with clients that produce to one partition, and a broker that answers as it is told to."""

    def __init__(self, play: Any, frames: Any) -> None:
        self.play = play
        self.frames = frames
        self._cid = 0

    def connect(self) -> Any:
        return self.play.connect()

    def send(self, line: Any, raw: bytes | None, *, partition: int = 0, client: str = "c", **more: Any) -> int:
        """Send a batch; its attempt's number."""
        self._cid += 1
        line.client(self.frames.produce(self._cid, ("t", partition, raw), client=client, **more))
        number: int = self.play.all(Attempt)[-1].number
        return number

    def answer(self, line: Any, number: int, error: int = 0, *, partition: int = 0, version: int = 7) -> None:
        """The broker answers that attempt."""
        cid = self.play.all(Attempt)[number - 1].correlation_id
        offset = -1 if error else number
        line.broker(self.frames.produced(cid, ("t", partition, error, offset), version=version))

    def lose(self, raw: bytes, **more: Any) -> int:
        """Send a batch on a connection that the broker resets in place of an answer."""
        line = self.connect()
        number = self.send(line, raw, **more)
        line.broker_ends("reset")
        return number

    def told(self, number: int) -> Told:
        attempt = self.play.all(Attempt)[number - 1]
        return attempt.retry_of, attempt.tries, attempt.ambiguous

    def sent(self, raw: bytes, **more: Any) -> Told:
        """Send a batch on a connection of its own, and tell of it."""
        return self.told(self.send(self.connect(), raw, **more))


@pytest.fixture
def story(playbook: Any, frames: Any) -> Story:
    return Story(playbook(), frames)


@pytest.fixture
def stories(playbook: Any, frames: Any) -> Callable[..., Story]:
    return lambda *rules, **settings: Story(playbook(*rules, **settings), frames)


@pytest.fixture(scope="session")
def ours(frames: Any) -> Callable[..., bytes]:
    """A record with our identity header."""

    def make(record: int, send: int = 0, value: bytes = b"v") -> bytes:
        header = identity.write(identity.Identity("run", "p", record, send, record))
        made: bytes = frames.record(value, headers=[("other", b"1"), (identity.HEADER, header)])
        return made

    return make


@pytest.fixture
def batch(frames: Any) -> Callable[..., bytes]:
    """A batch of the records with these values."""
    return lambda *values, **more: frames.batch(*map(frames.record, values), **more)
