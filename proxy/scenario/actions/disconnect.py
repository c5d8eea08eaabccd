"""`disconnect` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Disconnect
from .. import fields
from ..wording import as_well
from .base import Action, Felt, Notes


class DisconnectAction(Action):
    """The connection is closed with a FIN on both sides, whatever is on its way."""

    word: ClassVar[str] = "disconnect"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="The end of its connection (FIN). It connects again and sends again what had no answer.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All requests that wait for an answer on that connection lose it.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="Within that time, matching connections that are opened are closed as well.",
        examples=["3s"],
    )

    def fault(self) -> Disconnect:
        return Disconnect(self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        return f"the connection is closed with a FIN on both sides{as_well(fault.seconds)}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "closed"
