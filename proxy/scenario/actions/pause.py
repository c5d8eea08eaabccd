"""`pause` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from ...faults import Pause
from .. import fields
from ..complaint import Complaint
from ..wording import seconds_of
from .base import Action, Felt, Notes
from .commands import commands_are_for_brokers, undo_needs_command


class PauseAction(Action):
    """The broker, or the producer, stands still for a while and then goes on."""

    word: ClassVar[str] = "pause"
    at: ClassVar[tuple[str, ...]] = ("broker", "workload")
    example: ClassVar[dict[str, object]] = {"for": "3s"}
    notes: ClassVar[Notes] = Notes(
        producer="At `broker` silence, until its request timeout or until the broker goes on. At "
        "`workload` it is the one who stands still: when it goes on, its timeouts may have run "
        "out although the answers are there.",
        partitions="It is about a process: all requests of all partitions are touched.",
        pipelined="All that is under way waits, or is lost with its connection.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.PositiveDuration = Field(alias="for", description="How long it stands still.", examples=["3s"])
    command: fields.Command = Field(
        (),
        description="A command of yours that pauses the broker, where ackdrop cannot. A program and its arguments.",
        examples=[["docker", "pause", "redpanda"]],
    )
    undo: fields.Command = Field(
        (),
        description="A command of yours that ends it after `for`.",
        examples=[["docker", "unpause", "redpanda"]],
    )

    @model_validator(mode="after")
    def _undo_after_command(self) -> PauseAction:
        undo_needs_command(self.command, self.undo)
        return self

    def at_place(self, place: str) -> Complaint | None:
        """Commands are for brokers: the producer's process is ackdrop's own child."""
        return commands_are_for_brokers(place, self.command)

    def fault(self) -> Pause:
        return Pause(self.seconds, self.command, self.undo)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        who = "the producer's process" if side == "workload" else "the broker"
        return f"{who} stands still for {seconds_of(fault.seconds)}, then goes on"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "itself" if side == "workload" else "silence"
