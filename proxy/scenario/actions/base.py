"""What every fault of the language has, and every mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict

from ...faults.verdicts import Fault
from ..complaint import Complaint

FRAMES = ("*.request", "*.response")
"""On frames of any API, in both directions."""


Felt = Literal["nothing", "silence", "closed", "error", "mismatch", "garbage", "slow", "itself"]
"""What a client notices: nothing; an answer that does not come; the end of its connection; an error in the answer; an
answer to another request; bytes that make no sense; slowness; or that it is itself what is touched."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What documentation says of a fault: sentences."""

    producer: str
    """What the producer sees."""
    partitions: str
    """What happens to a request of many partitions."""
    pipelined: str
    """What happens where several requests are under way on one connection."""
    unasked: str
    """What happens with acks=0, where nothing is answered."""
    others: str = ""
    """What is different at requests and answers of other APIs than produce."""


class Mapping(BaseModel):
    """A mapping of the language: it has the keys that are listed, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def default(cls) -> Self:
        """What an empty mapping means."""
        return cls.model_validate({})


class Action(Mapping):
    """What every fault of the language has.

    `at` are the places where it can happen; `*` stands for every API. `example` are parameters that fit.
    """

    word: ClassVar[str]
    at: ClassVar[tuple[str, ...]]
    example: ClassVar[dict[str, object]]
    notes: ClassVar[Notes]

    @classmethod
    def example_at(cls, place: str) -> dict[str, object]:
        """Parameters that fit this place."""
        return cls.example

    def fault(self) -> Fault:
        """The value that the fault engine works with."""
        raise NotImplementedError

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        """What this fault's value does, as a sentence without its full stop.

        `side` is `request`, `response`, `connection`, `broker` or `workload`.
        """
        raise NotImplementedError

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        """What the client notices first of this fault's value."""
        raise NotImplementedError

    def at_place(self, place: str) -> Complaint | None:
        """What is wrong with these parameters at this place; None where nothing is."""
        return None


__all__ = ["FRAMES", "Action", "Felt", "Mapping", "Notes"]
