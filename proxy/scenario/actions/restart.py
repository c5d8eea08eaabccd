"""`restart` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from ...faults import Restart
from .. import fields
from ..wording import seconds_of
from .base import Action, Felt, Notes
from .commands import undo_needs_command


class RestartAction(Action):
    """The broker is stopped in an orderly way, and started again."""

    word: ClassVar[str] = "restart"
    at: ClassVar[tuple[str, ...]] = ("broker",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="The end of its connections, then refused ones until the broker is back. It sends again "
        "what had no answer.",
        partitions="It is about a process: all requests of all partitions are touched.",
        pipelined="All that is under way waits, or is lost with its connection.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.Duration = Field(0.0, alias="for", description="How long it stays away.", examples=["3s"])
    command: fields.Command = Field(
        (),
        description="A command of yours that stops the broker, or with no `undo` restarts it. A program "
        "and its arguments; no shell.",
        examples=[["docker", "restart", "redpanda"]],
    )
    undo: fields.Command = Field(
        (),
        description="A command of yours that ends it after `for`.",
        examples=[["docker", "start", "redpanda"]],
    )

    @model_validator(mode="after")
    def _undo_after_command(self) -> RestartAction:
        undo_needs_command(self.command, self.undo)
        return self

    def fault(self) -> Restart:
        return Restart(self.seconds, self.command, self.undo)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        away = f", {seconds_of(fault.seconds)} later" if fault.seconds else ""
        return f"the broker is stopped in an orderly way and started again{away}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "closed"
