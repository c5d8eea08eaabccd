"""`truncate` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from ...faults import Truncate
from .. import fields
from ..wording import size_of
from .base import FRAMES, Action, Felt, Notes


class TruncateAction(Action):
    """The frame breaks off after so many bytes, and the connection ends, as when its sender dies."""

    word: ClassVar[str] = "truncate"
    at: ClassVar[tuple[str, ...]] = FRAMES
    example: ClassVar[dict[str, object]] = {"bytes": "20B"}
    notes: ClassVar[Notes] = Notes(
        producer="The end of its connection. Of an answer it has read a part, which it cannot use.",
        partitions="The whole frame is cut when any of its partitions matches.",
        pipelined="What is behind it is lost with the connection: several requests may have to be sent again.",
        unasked="A request that is cut is lost for good. There is no answer to cut.",
    )

    size: fields.Size = Field(
        alias="bytes",
        description="How many bytes of the frame arrive, its length included.",
        examples=["20B", "1KiB"],
    )

    def fault(self) -> Truncate:
        return Truncate(self.size)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        frame = "answer" if side == "response" else "request"
        return f"the first {size_of(fault.size)} of the {frame} arrive, then its connection is ended with a FIN"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "closed"
