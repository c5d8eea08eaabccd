"""`late` in a scenario."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from ...faults import Late
from .. import fields, units
from ..complaint import Complaint, expected
from ..wording import seconds_of
from .base import Action, Felt, Notes

RELEASE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"const": "retried"},
        {
            "type": "object",
            "properties": {"acked_batches": {"type": "integer", "minimum": 1, "maximum": 10_000}},
            "required": ["acked_batches"],
            "additionalProperties": False,
        },
        fields.DURATION_SCHEMA,
    ]
}
_FORM = "retried, {acked_batches: 6} or a duration such as 5s"


def _release(value: object) -> Late:
    if value == "retried":
        return Late("retried")
    if isinstance(value, dict):
        if set(value) != {"acked_batches"}:
            raise expected(_FORM, value)
        count = value["acked_batches"]
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000:
            raise Complaint(
                "acked_batches is a whole number from 1 to 10000", hint=f"expected {_FORM}", within=("acked_batches",)
            )
        return Late("acked_batches", batches=count)
    try:
        return Late("time", seconds=units.positive_duration(value))
    except Complaint as complaint:
        raise expected(_FORM, value, complaint.hint) from None


class LateAction(Action):
    """The request, and what follows on its connection, is held back until the client has gone on, then delivered."""

    word: ClassVar[str] = "late"
    at: ClassVar[tuple[str, ...]] = ("*.request",)
    example: ClassVar[dict[str, object]] = {"release": "retried"}
    notes: ClassVar[Notes] = Notes(
        producer="Silence until its request timeout; then it closes the connection, sends again on a new "
        "one, and is told of a success. It never learns that the first request arrived after all.",
        partitions="The whole request waits. `retried` asks for a retry of each of its batches; "
        "`acked_batches` counts newer batches of its partitions.",
        pipelined="What is behind it on the connection waits too, since TCP keeps order, and is delivered behind it.",
        unasked="Nobody waits for an answer, so nothing is sent again: release it after a time.",
        others="`release` is a time: `retried` and `acked_batches` are about batches.",
    )

    release: Annotated[Late, fields.Reads(_release, RELEASE_SCHEMA)] = Field(
        Late("retried"),
        description="When it is delivered: `retried`, once a retry of it was acked; `{acked_batches: 6}`, once so many "
        "newer batches of its partition were acked; or after a time.",
        examples=["retried", {"acked_batches": 6}, "5s"],
    )

    def fault(self) -> Late:
        return self.release

    @classmethod
    def example_at(cls, place: str) -> dict[str, object]:
        return cls.example if place == "produce.request" else {"release": "5s"}

    def at_place(self, place: str) -> Complaint | None:
        if place == "produce.request" or self.release.until == "time":
            return None
        text = f"at {place} there are requests without batches, so the release must be a time"
        return Complaint(text, hint="for example: late: {release: 5s}", within=("release",))

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        until = {
            "retried": "a retry of it has been acked",
            "acked_batches": f"{fault.batches} newer batches of its partition have been acked",
            "time": f"{seconds_of(fault.seconds)} have passed",
        }[fault.until]
        return f"the request, and what follows on its connection, is held back until {until}; then the broker gets it"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "slow" if fault.until == "time" else "silence"
