"""The end of several results on a terminal: how many came to what, and which ones want to be looked at.

Imports rich: import this module where it is used, not at the start of the command line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from .finished import Finished
from .page import Page, put
from .spreads import verdicts
from .terminal import STYLES, near
from .words import called, counted


def render(runs: Sequence[Finished], console: Console) -> None:
    """A line for each that did not pass, below an empty one, and one that counts them all."""
    put(_lines(runs, Page(console)), console)


def _lines(runs: Sequence[Finished], page: Page) -> Iterator[Text]:
    yield Text()
    others = [run for run in runs if run.result.verdict != "passed"]
    width = max((len(run.result.verdict) for run in others), default=0)
    for run in others:
        verdict = run.result.verdict
        first = Text.assemble("  ", page.text(f"{verdict.upper():<{width}}", STYLES[verdict]), "  ")
        where = "" if run.folder is None else f", in {near(run.folder)}/"
        yield from page.hang(first, page.text(f"{called(run.result)}{where}"))
    told = verdicts(Counter(run.result.verdict for run in runs))
    yield from page.hang("", page.text(f"{counted(len(runs), 'result')}: {told}", "bold"))
