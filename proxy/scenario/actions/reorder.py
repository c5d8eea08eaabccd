"""`reorder` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from ...faults import Reorder
from .base import Action, Felt, Notes


class ReorderAction(Action):
    """The request goes behind the next one of its connection. The answers come in the order in which it asked."""

    word: ClassVar[str] = "reorder"
    at: ClassVar[tuple[str, ...]] = ("*.request",)
    example: ClassVar[dict[str, object]] = {}
    notes: ClassVar[Notes] = Notes(
        producer="Nothing by itself: answers come in the order in which it asked. With idempotence on the "
        "broker refuses the second batch of a partition that comes first "
        "(OUT_OF_ORDER_SEQUENCE_NUMBER), and the client sends it again.",
        partitions="Whole requests change places, with all their partitions.",
        pipelined="This is what it is for: with one request at a time there is no next one, and the request "
        "goes on when the client sends something else.",
        unasked="Order in the log changes, and nobody is told.",
    )

    def fault(self) -> Reorder:
        return Reorder()

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        return "the request waits for the next one of its connection, and goes behind it"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "nothing"
