"""SVG as text: elements whose attributes and words are escaped, and how much room words take.

No browser is asked: `width` is an upper bound for the sans-serif fonts that a page without fonts of its own is shown
in (DejaVu Sans, the widest of them, measured), so that labels laid out by it do not touch each other anywhere.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from markupsafe import Markup, escape

from ..clean import clean, shortened

SIZE = 12.0
"""The height of letters in a diagram, in its own units."""

_NARROW = frozenset("fijlrtI.,:;'|!()[]{}/\\-`\" ")
_WIDE = frozenset("mwMWQO@%&#")
_SPACE, _THIN, _USUAL, _CAPITAL, _BROAD, _FULL = 0.33, 0.42, 0.64, 0.78, 1.0, 1.3

Value = str | float | int | None


def tag(name: str, *children: str, **attributes: Value) -> Markup:
    """An element. A child that is not Markup is text, and made harmless; so are attributes, None leaves one out.

    `class_` stands for `class`, `_` for `-`; numbers are written with one digit behind the point at most.
    """
    told = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    inner = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{name}{told}>{inner}</{name}>")


def joined(parts: Iterator[Markup] | list[Markup]) -> Markup:
    """One after the other."""
    return Markup("").join(parts)


def number(value: float) -> str:
    """`12`, `12.5`: as short as it can be, for there are thousands of them."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def width(text: str, size: float = SIZE) -> float:
    """How wide the text is at most, once it is drawn: what `tag` escapes takes the room of its escape."""
    return size * sum(map(_em, clean(text)))


def wrapped(text: str, room: float, size: float = SIZE, most: int = 3) -> list[str]:
    """The text in lines that are not wider than `room`, at most so many; what does not fit is cut in the middle.

    No line is empty, though the text may end with blanks: a topic's name can be empty on the wire.
    """
    lines: list[str] = []
    for word in filter(None, clean(text).split(" ")):
        joint = f"{lines[-1]} {word}" if lines else word
        if lines and width(joint, size) <= room:
            lines[-1] = joint
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fitting(line, room, size) for line in lines]


def fitting(text: str, room: float, size: float = SIZE) -> str:
    """The text, cut in the middle until it is not wider than `room`."""
    text = clean(text)
    if width(text, size) <= room:
        return text
    fits, too_long = 1, len(text)
    while too_long - fits > 1:
        limit = (fits + too_long) // 2
        if width(shortened(text, limit), size) <= room:
            fits = limit
        else:
            too_long = limit
    return shortened(text, fits)


def _em(char: str) -> float:
    if char == " ":
        return _SPACE
    if char in _NARROW:
        return _THIN
    if char in _WIDE:
        return _BROAD
    if char.isascii():
        return _CAPITAL if char.isupper() else _USUAL
    if unicodedata.combining(char):
        return 0.0
    return _FULL if unicodedata.east_asian_width(char) in "WF" else _BROAD


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key != "viewBox" else key


def _value(value: Value) -> str:
    return number(value) if isinstance(value, float | int) else escape(clean(str(value)))
