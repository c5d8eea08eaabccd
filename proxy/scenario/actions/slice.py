"""`slice` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Slice
from .. import fields
from ..wording import seconds_of, size_of
from .base import Action, Felt, Notes


class SliceAction(Action):
    """Bytes arrive in small pieces with pauses between them, in each direction."""

    word: ClassVar[str] = "slice"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {"bytes": "16B", "every": "1ms"}
    notes: ClassVar[Notes] = Notes(
        producer="Nothing, if it reads as TCP wants it: a client that takes one read for one message fails.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All of them share the connection, and each waits for those before it.",
        unasked="Requests arrive later; nothing is answered.",
    )

    size: fields.PositiveSize = Field(alias="bytes", description="The most bytes of a piece.", examples=["16B", "1KiB"])
    every: fields.Duration = Field(0.0, description="The pause between two pieces.", examples=["1ms"])

    def fault(self) -> Slice:
        return Slice(self.size, self.every)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        pause = f", {seconds_of(fault.every)} apart" if fault.every else ""
        return f"bytes of the connection arrive in pieces of at most {size_of(fault.size)}{pause}, in each direction"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "slow"
