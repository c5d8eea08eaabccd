"""A page for a terminal, laid out line by line, from text that `clean` has made harmless and that rich never reads as
markup. No line is longer than the console is wide.

Imports rich: import this module where it is used, not at the start of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from .clean import clean

GAP = 3
"""Columns between two cells."""

_LEAST = 20
_TITLE_WIDTH = 100
_IN_ASCII = str.maketrans({"≥": ">=", "≤": "<=", "≠": "!=", "✓": "ok", "✗": "FAIL", "·": "-", "…": "..."})


def put(lines: Iterable[Text], console: Console) -> None:
    """Print the lines of a page."""
    for line in lines:
        console.print(line, no_wrap=True, overflow="crop", crop=True)


class Page:
    """Lays out lines for one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        self.ascii = console.options.ascii_only

    def text(self, text: str, style: str = "") -> Text:
        """The only way from a string to the console."""
        return Text(clean(text.translate(_IN_ASCII) if self.ascii else text, ascii_only=self.ascii), style=style)

    def title(self, left: Text, right: Text) -> Iterator[Text]:
        """The first line: what it is on the left, any more on the right; below each other where they do not fit."""
        if not right:
            yield from self.hang("", left)
            return
        room = min(self.width, _TITLE_WIDTH) - left.cell_len - right.cell_len
        if room >= GAP:
            yield Text.assemble(left, " " * room, right)
        else:
            yield from self.hang("", left)
            yield from self.hang("", right)

    def hang(self, first: Text | str, body: Text) -> Iterator[Text]:
        """The body after `first`, wrapped; what goes on in the next lines stands below the body's beginning."""
        first = Text(first) if isinstance(first, str) else first
        if self.width - first.cell_len < _LEAST and first.plain.strip():
            first.rstrip()
            yield first
            first = Text(" " * (self.width // 8))
        for n, part in enumerate(body.wrap(self.console, max(self.width - first.cell_len, _LEAST))):
            line = Text.assemble(first if n == 0 else " " * first.cell_len, part)
            line.rstrip()
            yield line
