"""How much `ackdrop run` may take, which part of it is done here, and what an earlier run has failed in already."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from .options import DURATION, option

if TYPE_CHECKING:
    from ..report.baseline import Baseline

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType


class Budget(TypedDict):
    """What was asked for, by the names that `RunSettings` has for it."""

    max_time: float | None
    fail_fast: bool
    shard: tuple[int, int] | None
    baseline: Baseline | None


class ShardType(_ParamType):
    """K/N, the K-th of N parts."""

    name = "K/N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"\s*([0-9]{1,5})\s*/\s*([0-9]{1,5})\s*", str(value))
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not K/N with K from 1 to N, as in 2/5", param, ctx)
        return int(found[1]), int(found[2])

    @staticmethod
    def text(value: tuple[int, int]) -> str:
        """The value as it is typed."""
        return f"{value[0]}/{value[1]}"


def budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command gets them as `budget`. A baseline that cannot be read is refused before anything is run."""

    @wraps(command)
    def collected(*arguments: Any, **options: Any) -> Any:
        asked: dict[str, Any] = {name: options.pop(name) for name in Budget.__annotations__}
        if asked["baseline"] is not None:
            from ..report.baseline import Baseline

            asked["baseline"] = Baseline.read(asked["baseline"])
        return command(*arguments, budget=asked, **options)

    for one in reversed(_OPTIONS):
        collected = one(collected)
    return collected


_OPTIONS = (
    option("--max-time", type=DURATION, help="For all of it: what is left then is inconclusive, and never a pass."),
    option("--fail-fast", is_flag=True, help="The first scenario that fails, or ends in an error, is the last one."),
    option("--shard", type=ShardType(), help="Run the K-th of N parts; `ackdrop report merge` joins their results."),
    option(
        "--baseline",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The result of an earlier run (--json): only what that one did not fail in fails.",
    ),
)
