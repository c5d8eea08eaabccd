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
    `lacks` are the words of a workload's `config` that it has nothing for. `after_out_of_order` is what it does with
    idempotence on after OUT_OF_ORDER_SEQUENCE_NUMBER, as it goes on behind its name; None: nobody has looked.
    `resends_after_silence`: whether it sends a batch again that nobody answered, with idempotence off.
    """

    name: str
    library: str
    module: str
    driver: Path
    extra: str | None = None
    lacks: Collection[str] = frozenset()
    after_out_of_order: str | None = None
    resends_after_silence: bool = True

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
            after_out_of_order="fails the batch, and begins a new epoch",
        ),
        Client(
            "confluent-kafka",
            library="confluent-kafka",
            module="confluent_kafka",
            driver=DRIVERS / "drive_confluent.py",
            extra="confluent-kafka",
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
            after_out_of_order="fails the batch",
            resends_after_silence=False,
        ),
    )
}
"""Every client by its name, in the order in which it is offered; the first is the default."""


def find(name: str) -> Client:
    """The client of this name; UsageError where there is none."""
    if name not in CLIENTS:
        raise UsageError(f"there is no producer named {name!r}", remedy=f"one of: {', '.join(CLIENTS)}")
    return CLIENTS[name]
