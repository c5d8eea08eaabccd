"""The client libraries that can be put under test, and where each one's driver is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Client:
    """`library` is the distribution's name, `extra` the extra of ackdrop that brings it (None: it always comes)."""

    name: str
    library: str
    extra: str | None
    driver: Path

    def remedy(self, python: str | None) -> str:
        """How to install the library into the interpreter `python` (None: ackdrop's own)."""
        if python is not None:
            return f"{python} -m pip install {self.library}"
        return f"pip install 'ackdrop[{self.extra}]'" if self.extra else f"pip install {self.library}"


CLIENTS = {
    client.name: client
    for client in (
        Client("kafka-python", "kafka-python", None, HERE / "drive_kafka_python.py"),
        Client("confluent-kafka", "confluent-kafka", "confluent-kafka", HERE / "drive_confluent.py"),
        Client("aiokafka", "aiokafka", "aiokafka", HERE / "drive_aiokafka.py"),
    )
}


def find(name: str) -> Client:
    """The client of this name; UsageError where there is none."""
    if name not in CLIENTS:
        raise UsageError(f"there is no producer named {name!r}", remedy=f"one of: {', '.join(CLIENTS)}")
    return CLIENTS[name]
