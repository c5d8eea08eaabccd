"""What all connections of a capture have in common."""

from __future__ import annotations

from collections.abc import Callable

from .events import Event
from .links import Links
from .retries import Judge

MOST_TOPIC_IDS = 100_000


class Shared:
    """`tell` hears every event. `keep_raw`: frames are told with their bytes."""

    def __init__(self, tell: Callable[[Event], None], judge: Judge, *, keep_raw: bool = False) -> None:
        self.tell = tell
        self.judge = judge
        self.links = Links()
        self.keep_raw = keep_raw
        self.missing = 0
        """Bytes of conversations that are not in the capture, or make no sense without those."""
        self.own = False
        """Whether ackdrop has made the capture: its interfaces are the two sides of the proxy."""
        self.topics: dict[bytes, str] = {}

    def topic(self, topic_id: bytes) -> str:
        """The name of a topic id (Produce v13 on), as Metadata answers in this capture tell it; else the id."""
        return self.topics.get(topic_id) or f"id:{topic_id.hex()}"

    def learn(self, topic_id: bytes, name: str) -> None:
        """An answer names a topic id."""
        self.topics[topic_id] = name
        if len(self.topics) > MOST_TOPIC_IDS:
            del self.topics[next(iter(self.topics))]
