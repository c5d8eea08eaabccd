"""What a producer shall do: the plan that `run.py` hands to a driver as one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProducerPlan:
    """One producer of one arm.

    `client` is the library's name, `bootstrap` is `host:port`, `producer` the name in the identity header. Each of
    `records` logical records is sent `sends` times by the application itself, `rate` sends a second (None: as fast as
    it goes), and again up to `resend_failed` times where the client reports a failure. Not `pipelined`: a send waits
    for the answer to the one before. `config` holds the neutral words (durations in seconds, sizes in bytes, None: the
    client's own default), `client_config` the library's own words, which win. `deadline`, in seconds from the start of
    the driver, bounds sending and waiting for answers. `strict` refuses a neutral word that the client does not have.

    A producer that goes on with a dead one's work sends `again` first, (record, send) each, and then the plan's own
    sends from `position` on; its sends are numbered from `first`. `resent` has the records of which there were more
    than `sends` sends before, with how many more.

    `sasl` says who the producer is to the broker, where somebody is to be named: `mechanism`, `username` and
    `password`; with OAUTHBEARER `password` is the token, and `username` may be empty.
    """

    client: str
    bootstrap: str
    topic: str
    partitions: int
    run_id: str
    producer: str
    client_id: str
    idempotence: bool
    records: int
    sends: int
    rate: float | None
    pipelined: bool
    value: object
    config: dict[str, Any]
    client_config: dict[str, Any]
    deadline: float
    resend_failed: int = 0
    strict: bool = False
    again: tuple[tuple[int, int], ...] = ()
    resent: tuple[tuple[int, int], ...] = ()
    position: int = 0
    first: int = 0
    sasl: dict[str, str] | None = field(default=None, repr=False)

    @property
    def planned(self) -> int:
        """How often `send()` is to be called, without what is sent again because it failed."""
        return len(self.again) + self.records * self.sends - self.position

    @property
    def most(self) -> int:
        """How often `send()` is called at most."""
        return self.planned * (1 + self.resend_failed)

    def place(self, order: int) -> tuple[int, int, int]:
        """(record, send, partition) of the send with this number where none was sent again; the drivers count the same
        way.

        Partitions are taken in turn by logical record, so that they are the same for each client and each run.
        """
        index = order - self.first
        ahead = len(self.again)
        record, send = self.again[index] if index < ahead else divmod(self.position + index - ahead, self.sends)
        return record, send, record % self.partitions

    def line(self, begun_fd: int) -> bytes:
        """The line for the driver. `begun_fd` is the inherited descriptor of the counter of begun sends."""
        return json.dumps({**dataclasses.asdict(self), "begun_fd": begun_fd}).encode() + b"\n"
