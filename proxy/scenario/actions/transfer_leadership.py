"""`transfer_leadership` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import TransferLeadership
from .. import fields
from .base import Action, Felt, Notes


class TransferLeadershipAction(Action):
    """Another broker becomes the leader of the partitions that are written."""

    word: ClassVar[str] = "transfer_leadership"
    at: ClassVar[tuple[str, ...]] = ("broker",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="NOT_LEADER_OR_FOLLOWER; it asks for metadata, and sends again to the new leader.",
        partitions="It is about a process: all requests of all partitions are touched.",
        pipelined="All that is under way waits, or is lost with its connection.",
        unasked="What has left the client may be lost, and nobody is told.",
    )

    to: fields.NodeId | None = Field(
        None, description="The node id of the new leader; without it, any other replica in sync.", examples=[2]
    )
    command: fields.Command = Field(
        (),
        description="A command of yours that moves the leadership. A program and its arguments; no shell.",
        examples=[["./move-leader.sh", "2"]],
    )

    def fault(self) -> TransferLeadership:
        return TransferLeadership(self.to, self.command)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        leader = "another replica" if fault.to is None else f"broker {fault.to}"
        return f"{leader} becomes the leader of the partitions that are written"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "error"
