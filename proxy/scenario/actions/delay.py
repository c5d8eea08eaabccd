"""`delay` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Delay
from .. import fields
from ..wording import seconds_of
from .base import FRAMES, Action, Felt, Notes


class DelayAction(Action):
    """The frame arrives late, and what follows it on the connection no earlier than it does."""

    word: ClassVar[str] = "delay"
    at: ClassVar[tuple[str, ...]] = FRAMES
    example: ClassVar[dict[str, object]] = {"for": "5s"}
    notes: ClassVar[Notes] = Notes(
        producer="A slow answer; or, where it takes longer than the request timeout, silence: then it "
        "closes the connection and sends again.",
        partitions="The whole frame is late when any of its partitions matches; the report names the others "
        "as hit too.",
        pipelined="Order is kept: what is behind it on the connection waits as well.",
        unasked="There is no answer to delay. A request arrives late, and nobody notices.",
    )

    seconds: fields.PositiveDuration = Field(
        alias="for", description="How late the frame arrives.", examples=["5s", "250ms"]
    )
    jitter: fields.Duration = Field(
        0.0,
        description="Widens `for` evenly to both sides, drawn from the scenario's seed; never below zero.",
        examples=["100ms"],
    )

    def fault(self) -> Delay:
        return Delay(self.seconds, self.jitter)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        frame = "answer" if side == "response" else "request"
        jitter = f", give or take {seconds_of(fault.jitter)}" if fault.jitter else ""
        return f"the {frame} arrives {seconds_of(fault.seconds)} later{jitter}, and what follows it no earlier"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "slow"
