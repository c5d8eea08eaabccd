"""`latency` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Latency
from .. import fields
from ..wording import seconds_of
from .base import Action, Felt, Notes


class LatencyAction(Action):
    """Every byte takes so much longer, in each direction, as on a longer line."""

    word: ClassVar[str] = "latency"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {"for": "50ms"}
    notes: ClassVar[Notes] = Notes(
        producer="A slow connection; where an answer takes longer than the request timeout, silence.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All of them share the connection, and each waits for those before it.",
        unasked="Requests arrive later; nothing is answered.",
    )

    seconds: fields.PositiveDuration = Field(alias="for", description="How much longer, one way.", examples=["50ms"])
    jitter: fields.Duration = Field(
        0.0, description="Widens `for` evenly to both sides; never below zero, order is kept.", examples=["10ms"]
    )

    def fault(self) -> Latency:
        return Latency(self.seconds, self.jitter)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        jitter = f", give or take {seconds_of(fault.jitter)}" if fault.jitter else ""
        return f"every byte of the connection takes {seconds_of(fault.seconds)} longer{jitter}, in each direction"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "slow"
