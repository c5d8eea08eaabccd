"""`kill` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from ...faults import Kill
from .. import fields
from ..complaint import Complaint
from ..wording import seconds_of
from .base import Action, Felt, Notes
from .commands import commands_are_for_brokers, undo_needs_command


class KillAction(Action):
    """The broker, or the producer, is killed, and started again."""

    word: ClassVar[str] = "kill"
    at: ClassVar[tuple[str, ...]] = ("broker", "workload")
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="At `broker` the end of its connections, then refused ones until the broker is back; it "
        "sends again what had no answer. At `workload` it is gone, and a new process sends again "
        "every record that it had not been told of as acked: a new producer, with a new producer "
        "id.",
        partitions="It is about a process: all requests of all partitions are touched.",
        pipelined="All that is under way waits, or is lost with its connection.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    seconds: fields.Duration = Field(0.0, alias="for", description="How long it stays away.", examples=["3s"])
    command: fields.Command = Field(
        (),
        description="A command of yours that kills the broker. A program and its arguments; no shell.",
        examples=[["docker", "kill", "redpanda"]],
    )
    undo: fields.Command = Field(
        (),
        description="A command of yours that ends it after `for`.",
        examples=[["docker", "start", "redpanda"]],
    )

    @model_validator(mode="after")
    def _undo_after_command(self) -> KillAction:
        undo_needs_command(self.command, self.undo)
        return self

    def at_place(self, place: str) -> Complaint | None:
        """Commands are for brokers: the producer's process is ackdrop's own child."""
        return commands_are_for_brokers(place, self.command)

    def fault(self) -> Kill:
        return Kill(self.seconds, self.command, self.undo)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        away = f", {seconds_of(fault.seconds)} later" if fault.seconds else ""
        if side == "workload":
            return f"the producer's process is killed, and a new one goes on with its work{away}"
        return f"the broker is killed and started again{away}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "itself" if side == "workload" else "closed"
