"""The results of a matrix side by side: a row for each combination, and what its values did.

Like `figures.py`, over several results. It knows no format; `print_table` is the terminal's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..result import RunResult
from .clean import clean, shortened
from .combine import known
from .finished import Finished

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST = 200
_UNKNOWN = "?"
_OF_RESULTS = "verdict", "duplicates {}", "retries {}", "reasons"
"""What stands behind the values of a combination."""


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` over `rows` of cells; `title` says what was varied."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(runs: Sequence[Finished]) -> list[Table]:
    """A table for each scenario that was run in several combinations, in their order."""
    groups: dict[tuple[str | None, tuple[str, ...]], list[RunResult]] = {}
    for run in runs:
        scenario = run.result.scenario
        if scenario.combination:
            groups.setdefault((scenario.file, tuple(scenario.combination)), []).append(run.result)
    return [_table(keys, found) for (_, keys), found in groups.items() if len(found) > 1]


def _table(keys: Sequence[str], results: Sequence[RunResult]) -> Table:
    arms = max((tuple(arm.name for arm in result.arms) for result in results), key=len)
    beside = "/".join(arms)
    heads = (*keys, *(head.format(beside).strip() for head in _OF_RESULTS))
    rows = tuple(_row(keys, arms, result) for result in results)
    return Table(f"{len(results)} combinations of {', '.join(keys)}", tuple(map(_cell, heads)), rows)


def _row(keys: Sequence[str], arms: Sequence[str], result: RunResult) -> tuple[str, ...]:
    values = [result.scenario.combination[key] for key in keys]
    figures = [_figures(result, arms, figure) for figure in ("duplicates", "retries")]
    codes = dict.fromkeys(reason.code for reason in result.reasons)
    return tuple(map(_cell, (*values, result.verdict, *figures, ", ".join(codes))))


def _figures(result: RunResult, arms: Sequence[str], figure: str) -> str:
    """`1/0`: the figure of each arm; `?` where it is not known, `-` where the arm was not run."""
    found = {arm.name: known(arm, figure) for arm in result.arms}
    return "/".join(_UNKNOWN if found.get(arm, 0) is None else str(found.get(arm, "-")) for arm in arms)


def _cell(text: str) -> str:
    return shortened(clean(text), _LONGEST)


def _short(keys: Sequence[str]) -> list[str]:
    """The last word of each path, where that tells them apart; the title has them whole."""
    words = [key.rpartition(".")[2] for key in keys]
    return words if len(set(words)) == len(words) else list(keys)


def print_table(table: Table, console: Console) -> None:
    """The table on a terminal, folded where it is wider."""
    from rich.table import Table as Rich
    from rich.text import Text

    from .terminal import STYLES

    keys = table.heads[: -len(_OF_RESULTS)]
    shown = Rich(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for head in (*_short(keys), *table.heads[len(keys) :]):
        shown.add_column(Text(head.replace(" ", "\n", 1)), overflow="fold", no_wrap=False)
    for row in table.rows:
        cells = [Text(cell) for cell in row]
        cells[len(keys)].stylize(next((style for verdict, style in STYLES.items() if verdict == row[len(keys)]), ""))
        shown.add_row(*cells)
    console.print(Text(table.title, style="bold"))
    console.print(shown)
