r"""Bytes from a terminal, turned into keys.

A key that is more than a character comes as an escape sequence: `ESC [ A` is up, or `ESC O A` in application mode
(ECMA-48 and xterm's "PC-Style Function Keys"). What nobody asked for is passed over whole, so that its letters are not
taken for keys.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(rb"\x1b[\[O][0-?]*[ -/]*(?P<final>[@-~])|\x1b(?P<alone>[^\[O]?)|(?P<plain>.)", re.DOTALL)
_FINALS = {b"A": "up", b"B": "down"}
_PLAIN = {b" ": "toggle", b"\r": "toggle", b"\n": "toggle", b"k": "up", b"j": "down", b"q": "end", b"Q": "end"}


def keys(data: bytes) -> list[str]:
    """`up`, `down`, `toggle`, `end`, and `1` to `9`; anything else is nothing."""
    found: list[str] = []
    for token in _TOKEN.finditer(data):
        plain = token["plain"]
        if plain is not None and plain.isdigit() and plain != b"0":
            found.append(plain.decode("ascii"))
        elif plain is not None and plain in _PLAIN:
            found.append(_PLAIN[plain])
        elif token["final"] in _FINALS and token[0][2:-1] == b"":
            found.append(_FINALS[token["final"]])
    return found
