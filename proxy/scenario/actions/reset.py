"""`reset` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Reset
from .. import fields
from ..wording import as_well
from .base import Action, Felt, Notes


class ResetAction(Action):
    """The connection is ended with a RST towards its client, whatever is on its way."""

    word: ClassVar[str] = "reset"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer='"Connection reset by peer". It connects again and sends again what had no answer.',
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All requests that wait for an answer on that connection lose it.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="Within that time, matching connections that are opened are reset as well.",
        examples=["3s"],
    )

    def fault(self) -> Reset:
        return Reset(self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        return f"the connection is ended with a RST towards its client{as_well(fault.seconds)}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "closed"
