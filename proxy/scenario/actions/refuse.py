"""`refuse` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import RefuseConnection
from .. import fields
from ..wording import as_well
from .base import Action, Felt, Notes


class RefuseAction(Action):
    """The connection is reset as soon as it is opened; the broker never hears of it."""

    word: ClassVar[str] = "refuse"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="A connection that ends at once, as if nobody listened; it tries again after its backoff.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All requests that wait for an answer on that connection lose it.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="Within that time, later matching connections are refused as well.",
        examples=["3s"],
    )

    def fault(self) -> RefuseConnection:
        return RefuseConnection(self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        return "the connection is reset as soon as it is opened, and the broker never hears of it" + as_well(
            fault.seconds
        )

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "closed"
