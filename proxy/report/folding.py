"""Lines for a terminal, broken between words; where there is no terminal they stay whole, for whoever searches them.

Knows nothing but the standard library: an error has to be told quickly, too.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO
from unicodedata import combining, east_asian_width

_BEHIND_LABEL = re.compile(r"(?<=\S)\s{2,}(?=\S)")
_LEAST = 24
"""What goes on has so many columns, or stands further to the left."""
_CARET = re.compile(r" *\^+")


def say(lines: Iterable[str], *, error: bool = False) -> None:
    """Print lines, as the stream's terminal has room for them."""
    stream = sys.stderr if error else sys.stdout
    width = _room(stream)
    found = list(lines)
    print(*(found if width is None else folded(found, width)), sep="\n", file=stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person may be looking at what is written there."""
    return stream is not None and stream.isatty()


def folded(lines: Iterable[str], width: int) -> list[str]:
    """No line is wider than this, unless one of its words is: that one stays whole, to be copied.

    What goes on stands below the text of its line, behind labels and indents. A line with a caret below it is not
    broken but cut on both sides of it, with a sign.
    """
    found = list(lines)
    done: list[str] = []
    for n, line in enumerate(found):
        if n + 1 < len(found) and _CARET.fullmatch(found[n + 1]) and _cells(line) > width:
            line, found[n + 1] = _around(line, found[n + 1], width)
            done.append(line)
        else:
            done.extend(_broken(line, width))
    return done


def _room(stream: TextIO | None) -> int | None:
    """How many columns there are; None where it is no terminal."""
    if stream is None or not is_terminal(stream):
        return None
    if (said := os.environ.get("COLUMNS", "")).isdigit() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def _broken(line: str, width: int) -> Iterator[str]:
    if _cells(line) <= width:
        yield line
        return
    indent = len(line) - len(line.lstrip())
    hang = max((at for at in _columns(line) if at <= width - _LEAST), default=min(indent + 2, width // 4))
    now = line[:indent]
    for word in re.findall(r"\S+\s*", line):
        if now.strip() and _cells(now) + _cells(word.rstrip()) > width:
            yield now.rstrip()
            now = " " * max(0, min(hang, width - _cells(word.rstrip())))
        now += word
    yield now.rstrip()


def _columns(line: str) -> Iterator[int]:
    """Where a text begins behind a label: after two spaces or more."""
    return (match.end() for match in _BEHIND_LABEL.finditer(line))


def _around(line: str, caret: str, width: int) -> tuple[str, str]:
    """As much of a line as there is room for, around its caret."""
    at = caret.index("^")
    start = max(0, min(at - width // 2, len(line) - width))
    part = line[start : start + width]
    if start:
        part = "…" + part[1:]
    if start + width < len(line):
        part = part[:-1] + "…"
    return part, caret[start:] if start <= at else caret


def _cells(text: str) -> int:
    """Columns of a terminal."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
