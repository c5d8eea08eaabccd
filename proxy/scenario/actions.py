"""The faults of the language: for each the model of its parameters, and what it becomes.

To add one: a class with `word`, the places where it can happen, its parameters and `fault()`, and a line in `ACTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from ..faults import AnyFault, Delay, Drop, Duplicate, Error
from ..faults.verdicts import CopyOn, Then
from . import fields
from .complaint import Complaint
from .vocabulary import LATER_THEN

THEN: tuple[Then, ...] = ("hold", "disconnect", "reset")
COPY_ON: tuple[CopyOn, ...] = ("same", "new")


class Mapping(BaseModel):
    """A mapping of the language: it has the keys that are listed, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def default(cls) -> Self:
        """What an empty mapping means."""
        return cls.model_validate({})


class Action(Mapping):
    """What every fault of the language has."""

    word: ClassVar[str]
    at: ClassVar[tuple[str, ...]]
    example: ClassVar[dict[str, object]]

    def fault(self) -> AnyFault:
        """The value that the fault engine works with."""
        raise NotImplementedError


class DropAction(Action):
    """The answer is lost: the broker has appended, and the client is never told."""

    word: ClassVar[str] = "drop"
    at: ClassVar[tuple[str, ...]] = ("produce.response",)
    example: ClassVar[dict[str, object]] = {"then": "hold"}

    then: Annotated[str, fields.words("word", THEN, LATER_THEN)] = Field(
        "hold",
        description="What becomes of the connection: `hold` withholds this and every later answer, as a network does, "
        "while requests still go through; `disconnect` closes it with a FIN, `reset` with a RST.",
        examples=["hold", "disconnect", "reset"],
    )
    seconds: fields.PositiveDuration | None = Field(
        None,
        alias="for",
        description="How long `hold` lasts; without it, until the client closes the connection.",
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


class DelayAction(Action):
    """The answer arrives late, and what follows it on the connection no earlier than it does."""

    word: ClassVar[str] = "delay"
    at: ClassVar[tuple[str, ...]] = ("produce.response",)
    example: ClassVar[dict[str, object]] = {"for": "5s"}

    seconds: fields.PositiveDuration = Field(
        alias="for", description="How late the answer arrives.", examples=["5s", "250ms"]
    )
    jitter: fields.Duration = Field(
        0.0,
        description="Widens `for` evenly to both sides, drawn from the scenario's seed; never below zero.",
        examples=["100ms"],
    )

    def fault(self) -> Delay:
        return Delay(self.seconds, self.jitter)


class ErrorAction(Action):
    """The client is told an error in place of the answer, although the broker has appended the batch."""

    word: ClassVar[str] = "error"
    at: ClassVar[tuple[str, ...]] = ("produce.response",)
    example: ClassVar[dict[str, object]] = {"code": "REQUEST_TIMED_OUT"}

    code: fields.ErrorCode = Field(
        description="The error by its Kafka name.", examples=["REQUEST_TIMED_OUT", "NOT_LEADER_OR_FOLLOWER"]
    )

    def fault(self) -> Error:
        return Error(self.code)


class DuplicateAction(Action):
    """ackdrop sends the request once more by itself; the producer knows nothing of it, and it is no retry."""

    word: ClassVar[str] = "duplicate"
    at: ClassVar[tuple[str, ...]] = ("produce.request",)
    example: ClassVar[dict[str, object]] = {"times": 1}

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


ACTIONS: tuple[type[Action], ...] = (DropAction, DelayAction, ErrorAction, DuplicateAction)
"""Every fault of this version, in the order in which documentation lists them."""

PLACES: tuple[str, ...] = tuple(dict.fromkeys(place for action in ACTIONS for place in action.at))
"""Every place on the path where this version has a fault."""


class _OneAction(Mapping):
    """Exactly one of the faults."""

    def chosen(self) -> list[Action]:
        """The faults that are given."""
        values = (getattr(self, action.word) for action in ACTIONS)
        return [value for value in values if value is not None]

    @model_validator(mode="after")
    def _exactly_one(self) -> _OneAction:
        given = [action.word for action in self.chosen()]
        if not given:
            words = ", ".join(action.word for action in ACTIONS)
            raise Complaint("no fault is named", hint=f"give one of: {words}", incomplete=True)
        if len(given) > 1:
            raise Complaint(
                f"{given[1]!r} beside {given[0]!r}: a rule has exactly one fault",
                hint="write a second rule for the second fault",
                within=(given[1],),
                on_key=True,
            )
        return self


if TYPE_CHECKING:

    class Do(_OneAction):
        """`do`: made from `ACTIONS`, one optional key for each."""

else:
    Do = create_model(
        "Do",
        __base__=_OneAction,
        __doc__="What is done: exactly one fault, with its parameters.",
        **{
            action.word: (
                action | None,
                Field(None, description=(action.__doc__ or "").split("\n")[0], examples=[action.example]),
            )
            for action in ACTIONS
        },
    )
