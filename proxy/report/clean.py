"""Text that came from outside made harmless: topic names, client ids, error texts, a scenario's title.

A terminal obeys control characters, so a topic named `ESC ] 0 ; ...` could rename the window or hide a line. They are
made visible rather than removed: what a report shows must still tell two names apart.
"""

from __future__ import annotations

import re
import unicodedata

_SPACES = re.compile(r"[\t\r\n\v\f]+")
_PLAIN = re.compile(r"[\x20-\x7e]*")

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned, line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, *, ascii_only: bool = False) -> str:
    r"""The text in one line, without any character that a terminal could act on or would not show.

    Tabs and line breaks become a space, other hidden characters their escape (`\x1b`, `\u202e`). `ascii_only` escapes
    everything that is not ASCII too, for a terminal that cannot show it.
    """
    text = _SPACES.sub(" ", text)
    if not _PLAIN.fullmatch(text):
        text = "".join(_escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in text)
    return text.encode("ascii", "backslashreplace").decode("ascii") if ascii_only else text


def shortened(text: str, limit: int = 60) -> str:
    """The text, cut in the middle where it is longer than `limit` characters: both ends tell names apart."""
    if len(text) <= limit:
        return text
    head = (limit - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - limit :]}"


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
