"""`rewrite` in a scenario."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from ...faults import Rewrite
from .. import fields
from ..complaint import Complaint
from .base import Action, Felt, Notes


class RewriteAction(Action):
    """Fields of the produce request change on the way to the broker."""

    word: ClassVar[str] = "rewrite"
    at: ClassVar[tuple[str, ...]] = ("produce.request",)
    example: ClassVar[dict[str, object]] = {"acks": 1}
    notes: ClassVar[Notes] = Notes(
        producer="Nothing by itself. Where `acks` became 0 the broker answers nothing, and it waits until "
        "its request timeout; with acks 1 an ack means less than the producer asked for.",
        partitions="The fields are the request's, for all of its partitions.",
        pipelined="Other requests are as they were.",
        unasked="Where `acks` is changed from 0, the broker's answer is taken out: the client does not expect one.",
    )

    timeout_ms: fields.TimeoutMs | None = Field(
        None, description="How long the broker may wait for replicas, in milliseconds.", examples=[1, 30000]
    )
    acks: fields.AcksWord | None = Field(
        None,
        description="How many replicas the broker waits for. With 0 it answers nothing, and the client waits in vain.",
        examples=[1, 0],
    )

    @model_validator(mode="after")
    def _one_field(self) -> RewriteAction:
        if self.timeout_ms is None and self.acks is None:
            raise Complaint("nothing is rewritten", hint="give timeout_ms, acks or both", incomplete=True)
        return self

    def fault(self) -> Rewrite:
        return Rewrite(self.timeout_ms, -1 if self.acks == "all" else self.acks)

    @classmethod
    def said(cls, fault: Any, side: str) -> str:
        acks = None if fault.acks is None else f"acks {'all' if fault.acks == -1 else fault.acks}"
        timeout = None if fault.timeout_ms is None else f"a timeout of {fault.timeout_ms} ms"
        return f"the request reaches the broker with {' and '.join(part for part in (acks, timeout) if part)}"

    @classmethod
    def felt(cls, fault: Any, side: str) -> Felt:
        return "silence" if fault.acks == 0 else "nothing"
