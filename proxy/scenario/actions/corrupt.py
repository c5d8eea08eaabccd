"""`corrupt` in a scenario."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field

from ...faults import Corrupt
from ...faults.verdicts import Field as FrameField
from .. import fields
from ..complaint import Complaint
from ..wording import size_of
from .base import FRAMES, Action, Felt, Notes

FIELDS: tuple[FrameField, ...] = get_args(FrameField)


class CorruptAction(Action):
    """Bytes of the frame arrive changed."""

    word: ClassVar[str] = "corrupt"
    at: ClassVar[tuple[str, ...]] = FRAMES
    example: ClassVar[dict[str, object]] = {"field": "body", "bytes": "1B"}
    notes: ClassVar[Notes] = Notes(
        producer="A changed check sum is answered with CORRUPT_MESSAGE. A changed correlation id makes it "
        "give the connection up. A changed length makes the reader wait for bytes that never "
        "come, or close the connection. After a changed body anything may happen.",
        partitions="At `crc` the check sums of the batches that match; else the frame as a whole.",
        pipelined="A changed length spoils all that is behind it on the connection, since nobody knows any "
        "more where a frame begins.",
        unasked="The broker drops a request that it cannot read, and nobody is told.",
    )

    field: Annotated[str, fields.words("field", FIELDS)] = Field(
        description="What is changed: `length`, the frame claims more bytes than it has; `correlation_id`; `crc`, the "
        "check sum of the batches that match, in a produce request; `body`, bytes behind the header, by the seed.",
        examples=["crc", "length", "correlation_id", "body"],
    )
    size: fields.PositiveSize = Field(
        1,
        alias="bytes",
        description="At `body` how many bytes are inverted; at `length` how many more are claimed.",
        examples=["1B", "16B"],
    )

    @classmethod
    def example_at(cls, place: str) -> dict[str, object]:
        """The body of a produce request; elsewhere the correlation id, which every client looks at."""
        if place.endswith(".response"):
            return {"field": "correlation_id"}
        return cls.example if place == "produce.request" else {**cls.example, "field": "correlation_id"}

    def at_place(self, place: str) -> Complaint | None:
        """Check sums of batches are looked at where producers send them."""
        if self.field == "crc" and place != "produce.request":
            hint = "a broker checks it at produce.request"
            return Complaint("field: crc is possible at produce.request alone", hint=hint, within=("field",))
        return None

    def fault(self) -> Corrupt:
        return Corrupt(next(field for field in FIELDS if field == self.field), self.size)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        frame = "answer" if side == "response" else "request"
        match fault.field:
            case "length":
                return f"the {frame} claims to be {size_of(fault.size)} longer than it is"
            case "correlation_id":
                return f"the {frame} arrives with another correlation id"
            case "crc":
                return "the check sums of the batches that match are spoilt on their way to the broker"
        return f"{size_of(fault.size)} behind the header of the {frame} arrive changed, at places drawn from the seed"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        words: dict[str, Felt] = {"length": "silence", "correlation_id": "mismatch", "crc": "error", "body": "garbage"}
        return words[fault.field]
