"""`blackhole` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Blackhole
from .. import fields
from ..wording import seconds_of
from .base import Action, Felt, Notes


class BlackholeAction(Action):
    """Nothing passes in either direction, and nobody is told: a network partition."""

    word: ClassVar[str] = "blackhole"
    at: ClassVar[tuple[str, ...]] = ("connection",)
    example: ClassVar[dict[str, object]] = {"for": "3s"}
    notes: ClassVar[Notes] = Notes(
        producer="Silence, on a connection that looks open, until its request timeout.",
        partitions="It is about connections: whatever is on its way there is touched, with all its partitions.",
        pipelined="All of them: nothing passes either way. After `for` what waited goes on in its order.",
        unasked="What it sends waits, or is lost, and nobody is told.",
    )

    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="How long; then what waited goes on. Without it, until the client closes; what waited is lost.",
        examples=["3s"],
    )

    def fault(self) -> Blackhole:
        return Blackhole(self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        if fault.seconds is None:
            return "nothing passes on the connection in either direction, until the client closes it"
        return (
            f"nothing passes on the connection in either direction for {seconds_of(fault.seconds)}; "
            "then what waited goes on"
        )

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "silence"
