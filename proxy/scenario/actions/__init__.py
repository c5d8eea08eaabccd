"""The faults of the language: for each the model of its parameters, one file each, and what it becomes.

To add one: a file with a class that has `word`, the places where it can happen, its parameters and `fault()`, and a
line in `ACTIONS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, create_model, model_validator

from ...kafka.apis import API_NAMES
from ..complaint import Complaint
from .base import Action, Mapping
from .blackhole import BlackholeAction
from .corrupt import CorruptAction
from .delay import DelayAction
from .disconnect import DisconnectAction
from .drop import DropAction
from .duplicate import DuplicateAction
from .error import ErrorAction
from .kill import KillAction
from .late import LateAction
from .latency import LatencyAction
from .pause import PauseAction
from .refuse import RefuseAction
from .reorder import ReorderAction
from .reset import ResetAction
from .restart import RestartAction
from .rewrite import RewriteAction
from .slice import SliceAction
from .throttle import ThrottleAction
from .transfer_leadership import TransferLeadershipAction
from .truncate import TruncateAction

__all__ = ["ACTIONS", "EVENTS", "PLACES", "Action", "Do", "Mapping", "possible"]

ACTIONS: tuple[type[Action], ...] = (
    *(DropAction, DelayAction, ErrorAction, DuplicateAction, LateAction, ReorderAction),
    *(TruncateAction, CorruptAction, RewriteAction),
    *(DisconnectAction, ResetAction, RefuseAction, BlackholeAction, ThrottleAction, LatencyAction, SliceAction),
    *(PauseAction, RestartAction, KillAction, TransferLeadershipAction),
)
"""Every fault, in the order in which documentation lists them."""

EVENTS = ("connection", "broker", "workload")
"""Places that are not about frames."""

PLACES: tuple[str, ...] = (
    *("produce.request", "produce.response", *EVENTS, "*.request", "*.response"),
    *(f"{api}.{side}" for api in API_NAMES.values() if api != "produce" for side in ("request", "response")),
)
"""Every place on the path; the usual ones first."""


def possible(action: type[Action], place: str) -> bool:
    """Whether a fault can happen at a place; one at `*.request` can at the requests of every API."""
    return any(at == place or (at.startswith("*") and place.endswith(at[1:])) for at in action.at)


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
