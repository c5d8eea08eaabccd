"""Tables as values: columns, rows of cells, and what each is sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOT_KNOWN = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """`numeric`: right-aligned, and sorted as numbers. `title` says more than the label, where that is needed.
    `wraps`: its text may go over several lines."""

    label: str
    numeric: bool = False
    title: str = ""
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """`by` is what it is sorted by, where that is not its text; `mark` is `bad`, `warn`, `good` or nothing."""

    text: str
    by: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `item` names what filters know of it, as `data-` attributes."""

    cells: Sequence[Cell]
    item: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """`caption` is read out, `note` said below it. `name` is its id in the page."""

    name: str
    caption: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    note: str = ""


def cell(value: str | float | int | None, mark: str = "") -> Cell:
    """A value as a cell; None is `-`, and sorted behind all others."""
    if value is None:
        return Cell(NOT_KNOWN)
    if isinstance(value, float):
        return Cell(f"{value:.3f}", mark=mark)
    return Cell(f"{value:,}" if isinstance(value, int) else value, mark=mark)


def plain(value: int | None) -> Cell:
    """A number that is a name, such as an offset: without thousands apart; below 0 there is none."""
    return Cell(NOT_KNOWN) if value is None or value < 0 else Cell(str(value))


def milliseconds(seconds: float | None) -> Cell:
    """`3.1`: how long something took."""
    return Cell(NOT_KNOWN) if seconds is None else Cell(f"{seconds * 1000:,.1f}")
