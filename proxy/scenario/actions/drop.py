"""`drop` in a scenario."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, get_args

from pydantic import Field, model_validator

from ...faults import Drop
from ...faults.verdicts import Then
from .. import fields
from ..complaint import Complaint
from ..wording import seconds_of
from .base import FRAMES, Action, Felt, Notes

THEN: tuple[Then, ...] = get_args(Then)

_GOES_ON = {"response": "requests still go through", "request": "answers still come back"}


class DropAction(Action):
    """The frame is lost. At an answer the broker has appended, and the client is never told; at a request the broker
    never hears of it."""

    word: ClassVar[str] = "drop"
    at: ClassVar[tuple[str, ...]] = FRAMES
    example: ClassVar[dict[str, object]] = {"then": "hold"}
    notes: ClassVar[Notes] = Notes(
        producer="With `hold` silence until its request timeout, with `disconnect` or `reset` the end of "
        "its connection; then it sends again on a new one. With `skip` the next answer has a "
        "correlation id that it does not expect, and it gives the connection up.",
        partitions="The whole frame is lost when any of its partitions matches; the report names the others "
        "as hit too.",
        pipelined="With `hold` everything behind it in that direction is lost as well: several requests may "
        "have to be sent again. With `skip` what is behind it arrives.",
        unasked="There is no answer to lose. A lost request is lost for good: nobody waits for it.",
    )

    then: Annotated[str, fields.words("word", THEN)] = Field(
        "hold",
        description="What becomes of the connection: `hold` withholds this and every later frame of that direction, as "
        "a network does, while the other direction goes on; `disconnect` closes it with a FIN, `reset` with a RST; "
        "with `skip` this frame alone vanishes.",
        examples=["hold", "disconnect", "reset", "skip"],
    )
    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="How long `hold` lasts; without it, until the client closes the connection. What was withheld "
        "stays lost.",
        examples=["10s"],
    )

    @model_validator(mode="after")
    def _for_only_with_hold(self) -> DropAction:
        if self.seconds is not None and self.then != "hold":
            raise Complaint(
                f"'for' has no meaning with 'then: {self.then}'", hint="it ends a hold", within=("for",), on_key=True
            )
        return self

    def fault(self) -> Drop:
        return Drop(next(then for then in THEN if then == self.then), self.seconds)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        frame, frames = ("answer", "answers") if side == "response" else ("request", "requests")
        if fault.then == "hold":
            end = "until the client closes" if fault.seconds is None else f"for {seconds_of(fault.seconds)}"
            return f"the {frame} is lost, and so is every later one of its connection, {end}; {_GOES_ON[side]}"
        if fault.then == "skip":
            return f"the {frame} alone vanishes; later {frames} of the connection arrive"
        return f"the {frame} is lost, and its connection is ended with a {'RST' if fault.then == 'reset' else 'FIN'}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        if fault.then == "skip":
            return "mismatch" if side == "response" else "silence"
        return "silence" if fault.then == "hold" else "closed"
