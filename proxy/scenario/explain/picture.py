"""The path from client to broker and back, with the number of each fault beneath the place where it sits."""

from __future__ import annotations

from collections.abc import Sequence

from ...faults.rule import Rule

_THERE = "client ──── connection ───▸ request ─────▸ broker"
_BACK = "client ◂─── connection ◂─── response ◂──── broker"
_AT = {"workload": "client", "connection": "connection", "broker": "broker"}
_ROOM = 11


def picture(rules: Sequence[Rule]) -> list[str]:
    """At most four lines of text, none wider than 60 columns; two without a fault."""
    there: dict[str, list[int]] = {}
    back: dict[str, list[int]] = {}
    for number, rule in enumerate(rules, 1):
        word = _AT.get(rule.api, rule.side)
        (back if word == "response" else there).setdefault(word, []).append(number)
    lines = [_THERE, _marks(_THERE, there), _BACK, _marks(_BACK, back)]
    return [line for line in lines if line]


def _marks(path: str, numbers: dict[str, list[int]]) -> str:
    line = ""
    for word, found in sorted(numbers.items(), key=lambda each: path.index(each[0])):
        text = ",".join(map(str, found))
        if len(text) > _ROOM:
            text = f"{found[0]}…{found[-1]}"
        line = line.ljust(path.index(word)) + text
    return line
