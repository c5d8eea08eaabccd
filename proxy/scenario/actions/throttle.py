"""`throttle` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Throttle
from .. import fields
from ..wording import size_of
from .base import Action, Felt, Notes


class ThrottleAction(Action):
    """The connection carries so many bytes a second in each direction, and no more."""

    word: ClassVar[str] = "throttle"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {"rate": "64KiB/s"}
    notes: ClassVar[Notes] = Notes(
        producer="A slow connection; where an answer takes longer than the request timeout, silence.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All of them share the connection, and each waits for those before it.",
        unasked="Requests arrive later; nothing is answered.",
    )

    rate: fields.ByteRate = Field(description="How many bytes a second.", examples=["64KiB/s", "2MiB/s"])

    def fault(self) -> Throttle:
        return Throttle(self.rate)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        return f"the connection carries {size_of(int(fault.rate))} a second in each direction, and no more"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "slow"
