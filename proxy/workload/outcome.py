"""What became of a plan: the progress while it runs, the report when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..sends import Sends


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of sends. `begun` is how many were handed to the client; those without an answer yet are the difference
    to the sum of the others."""

    planned: int
    begun: int
    acked: int
    failed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ProducerReport:
    """`config` is what the client was given, in its own words, with the defaults that it tells; secrets are masked.

    `sends` has one entry for each send that began, in their order, also when the producer died: what has no answer is
    `unknown`. `exit_code` is negative for a signal, `error` says why the producer did not do all of its plan, and
    `finished` that it did: every send begun and answered, acks=0 counting as an answer.
    """

    client: str
    version: str | None
    config: dict[str, Any]
    not_applicable: list[str]
    sends: Sends
    exit_code: int | None
    error: str | None
    finished: bool
