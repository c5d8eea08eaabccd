"""What `ackdrop doctor` has found, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console
from rich.text import Text

from .page import Page, put
from .words import counted


class Check(Protocol):
    """One thing that was looked at."""

    @property
    def area(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def remedy(self) -> str | None: ...


_MARKS = {"ok": "✓", "note": "·", "warning": "!"}
_STYLES = {"ok": "good", "note": "faint", "warning": "unsure.bold"}


def render(checks: Sequence[Check], next_step: str, console: Console) -> None:
    """The checks below their areas, then how many warnings there are and what to do next."""
    put(_lines(checks, next_step, Page(console)), console)


def _lines(checks: Sequence[Check], next_step: str, page: Page) -> Iterator[Text]:
    width = max(len(check.name) for check in checks)
    area = None
    for check in checks:
        if check.area != area:
            if area is not None:
                yield Text()
            area = check.area
            yield page.text(check.area, "bold")
        mark = page.text(_MARKS[check.state], _STYLES[check.state])
        first = Text.assemble("  ", mark, " " * (3 - mark.cell_len), page.text(f"{check.name:<{width}}  "))
        yield from page.hang(first, page.text(check.text))
        if check.remedy is not None:
            yield from page.hang(" " * first.cell_len + "try: ", page.text(check.remedy))
    warnings = sum(check.state == "warning" for check in checks)
    yield Text()
    told = counted(warnings, "warning") if warnings else "Nothing is in the way."
    yield page.text(told, "unsure.bold" if warnings else "good.bold")
    yield from page.hang("Next: ", page.text(next_step))
