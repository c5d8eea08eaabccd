"""What ackdrop says beside a packet: one line, for people and for `capture show` alike. `README.md` has all of them.

    ackdrop: fault, fault "lose the third ack", does "drop", connection 2, arm "off", at "produce.response", …

A value is an integer or a string in JSON's own form, ASCII alone, so that a name that holds commas, quotes, line breaks
or escapes for a terminal stays within its quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = int | str

OPENED, CONTINUED, FAULT, ENDED, BLANKED, GAP = "opened", "continued", "fault", "ended", "blanked", "gap"
"""What a comment is about."""

_MOST = 400
"""Characters of a string; longer ones are cut, and end with an ellipsis."""
_WHOLE = re.compile(r'ackdrop: ([a-z]+)((?:, [a-z]+ (?:-?\d+|"(?:[^"\\]|\\.)*"))*)', re.ASCII)
_PART = re.compile(r', ([a-z]+) (-?\d+|"(?:[^"\\]|\\.)*")', re.ASCII)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: what it is about, and its words with their values, in the order in which they stand."""

    what: str
    values: Mapping[str, Value] = field(default_factory=dict)


def render(what: str, **values: Value | None) -> str:
    """The line. A value of None is left out."""
    told = [f"{word} {_quoted(value)}" for word, value in values.items() if value is not None]
    return ", ".join([f"ackdrop: {what}", *told])


def parse(text: str) -> Comment | None:
    """The comment that a line is; None for one that is not ours, or not whole."""
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        return None
    try:
        return Comment(whole[1], {part[1]: json.loads(part[2]) for part in _PART.finditer(whole[2])})
    except ValueError:
        return None


def _quoted(value: Value) -> str:
    if isinstance(value, int):
        return str(int(value))
    return json.dumps(value if len(value) <= _MOST else value[: _MOST - 1] + "…")
