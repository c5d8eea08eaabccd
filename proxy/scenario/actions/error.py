"""`error` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Error
from ...kafka.codes import error_name
from ...kafka.error_answers import INNER_ERROR, OWN_ERROR
from .. import fields
from ..complaint import Complaint
from .base import FRAMES, Action, Felt, Notes


class ErrorAction(Action):
    """The client is told an error in place of the answer. At an answer the broker has appended the batch; at a request
    it never hears of the partitions that match."""

    word: ClassVar[str] = "error"
    at: ClassVar[tuple[str, ...]] = FRAMES
    example: ClassVar[dict[str, object]] = {"code": "REQUEST_TIMED_OUT"}
    notes: ClassVar[Notes] = Notes(
        producer="That error, at once, on a connection that stays open. Whether it sends again depends on "
        "the error: it does after REQUEST_TIMED_OUT and NOT_LEADER_OR_FOLLOWER.",
        partitions="Only the partitions that match are answered with the error; the others as the broker "
        "answers them. At a request the matching ones are taken out and the rest goes on.",
        pipelined="The others are answered as they are. An answer that ackdrop makes itself waits its turn "
        "behind earlier ones.",
        unasked="Nothing is answered, so no error is seen. At a request the matching partitions are not "
        "written, and nobody is told.",
    )

    code: fields.ErrorCode = Field(
        description="The error by its Kafka name.", examples=["REQUEST_TIMED_OUT", "NOT_LEADER_OR_FOLLOWER"]
    )

    def at_place(self, place: str) -> Complaint | None:
        """Whether an answer of this API can hold the error: at a request, one that ackdrop has to make up itself."""
        api, _, side = place.partition(".")
        if api in ("*", "produce") or api in OWN_ERROR:
            return None
        if side == "response" and api in INNER_ERROR:
            return None
        if api in INNER_ERROR:
            hint = f"possible instead: {api}.response, where the broker's answer gets the error; or drop"
            return Complaint(f"{api} answers have no error code of their own, so ackdrop can make none up", hint=hint)
        hint = "possible instead: drop, delay, truncate or corrupt"
        return Complaint(f"ackdrop can write no error into {api} answers", hint=hint)

    def fault(self) -> Error:
        return Error(self.code)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        name = error_name(fault.code)
        if side == "response":
            return f"the client is told {name} in place of the broker's answer"
        return f"the client is told {name}, and the broker never hears of what matches"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "error"
