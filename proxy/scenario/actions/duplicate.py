"""`duplicate` in a scenario."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field

from ...faults import Duplicate
from ...faults.verdicts import CopyOn
from .. import fields
from ..wording import seconds_of
from .base import Action, Felt, Notes

COPY_ON: tuple[CopyOn, ...] = get_args(CopyOn)


class DuplicateAction(Action):
    """ackdrop sends the request once more by itself; the client knows nothing of it, and it is no retry."""

    word: ClassVar[str] = "duplicate"
    at: ClassVar[tuple[str, ...]] = ("*.request",)
    example: ClassVar[dict[str, object]] = {"times": 1}
    notes: ClassVar[Notes] = Notes(
        producer="Nothing: it sees one request and one answer. A copy is no retry.",
        partitions="The whole request is copied, all of its partitions.",
        pipelined="With `same` the copy goes behind the original, before requests that come later.",
        unasked="A copy goes out like the original; nothing tells whether it was appended but the log.",
        others="The broker does twice what it was asked: a copy of `init_producer_id` gives a producer id that nobody "
        "uses. On a connection of its own it says who ackdrop is, where `--upstream-sasl-...` names somebody; "
        "else a broker that wants to know (SASL) answers no copy.",
    )

    times: fields.Copies = Field(1, description="How many copies are sent.", examples=[1, 6])
    connection: Annotated[str, fields.words("word", COPY_ON)] = Field(
        "same",
        description="Where a copy goes: `same`, behind the original on its connection, where its answer is taken out; "
        "`new`, on a connection of ackdrop's own to the same broker, one for each copy.",
        examples=["same", "new"],
    )
    seconds: fields.Duration = Field(
        0.0,
        alias="after",
        description="How much later than the original the copies go; the original is not delayed.",
        examples=["500ms"],
    )

    def fault(self) -> Duplicate:
        return Duplicate(self.times, next(on for on in COPY_ON if on == self.connection), self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        copies = "a copy of it" if fault.times == 1 else f"{fault.times} copies of it"
        where = "on the same connection" if fault.connection == "same" else "on connections of ackdrop's own"
        late = f", {seconds_of(fault.seconds)} later" if fault.seconds else ""
        return f"the request goes on, and ackdrop itself sends {copies} {where}{late}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "nothing"
