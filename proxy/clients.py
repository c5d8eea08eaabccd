"""The client libraries that can be put under test: all that ackdrop knows of one stands here, but for its driver.

The language, `--producer`, `ackdrop doctor`, the explanations and the completion of shells take it from `CLIENTS`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

DRIVERS = Path(__file__).resolve().parent / "workload"


@dataclass(frozen=True, slots=True)
class Client:
    """`library` is the distribution's name, `module` what is imported of it, `driver` the script that drives it.

    `extra` is the extra of ackdrop that brings the library; None: it comes with ackdrop, or not by it.
    `lacks` are the words of a workload's `config` that it has nothing for. `resends_after_silence`: whether it sends a
    batch again that nobody answered, with idempotence off.

    What it does after a broker's error is known where somebody has looked. After some every client sends again;
    `resends_after` are more of them, by their Kafka names, `fails_after` those that it takes for final, `anew_after`
    those after which it sends again in a new epoch, with idempotence on. `after_out_of_order` is what it does, with
    idempotence on, after OUT_OF_ORDER_SEQUENCE_NUMBER, as it goes on behind its name.
    """

    name: str
    library: str
    module: str
    driver: Path
    extra: str | None = None
    lacks: Collection[str] = frozenset()
    resends_after_silence: bool = True
    resends_after: Collection[str] = frozenset()
    fails_after: Collection[str] = frozenset()
    anew_after: Collection[str] = frozenset()
    after_out_of_order: str | None = None

    def remedy(self, python: str | None) -> str:
        """How to install the library into the interpreter `python` (None: ackdrop's own)."""
        if python is not None:
            return f"{python} -m pip install {self.library}"
        return f"pip install 'ackdrop[{self.extra}]'" if self.extra else f"pip install {self.library}"


CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        Client(
            "kafka-python",
            library="kafka-python",
            module="kafka",
            driver=DRIVERS / "drive_kafka_python.py",
            fails_after=frozenset({"CORRUPT_MESSAGE", "UNKNOWN_PRODUCER_ID"}),
            after_out_of_order="fails the batch, and begins a new epoch",
        ),
        Client(
            "confluent-kafka",
            library="confluent-kafka",
            module="confluent_kafka",
            driver=DRIVERS / "drive_confluent.py",
            extra="confluent-kafka",
            resends_after=frozenset({"CORRUPT_MESSAGE"}),
            fails_after=frozenset({"UNKNOWN_PRODUCER_ID"}),
            anew_after=frozenset({"UNKNOWN_PRODUCER_ID"}),
            after_out_of_order="stops for good if the batch is the oldest one in its queue, and else begins a new "
            "epoch",
        ),
        Client(
            "aiokafka",
            library="aiokafka",
            module="aiokafka",
            driver=DRIVERS / "drive_aiokafka.py",
            extra="aiokafka",
            lacks=frozenset({"retries", "delivery_timeout", "max_in_flight"}),
            resends_after_silence=False,
            fails_after=frozenset({"CORRUPT_MESSAGE", "UNKNOWN_PRODUCER_ID"}),
            after_out_of_order="fails the batch",
        ),
    )
}
"""Every client by its name, in the order in which it is offered; the first is the default."""


def find(name: str) -> Client:
    """The client of this name; UsageError where there is none."""
    if name not in CLIENTS:
        raise UsageError(f"there is no producer named {name!r}", remedy=f"one of: {', '.join(CLIENTS)}")
    return CLIENTS[name]
