"""What rules say of a frame: each of them of each entry that it matches, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from .rule import Entry, Rule
from .verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule said of one entry. `n` counts the rule's matches for this (client, topic, partition).

    `verdict` is `pass`, the fault's word where it fired, or `overruled` where an earlier rule had decided the frame.
    `hit` is False for a matching entry that the trigger did not name, although its frame fired.
    """

    rule: str
    entry: Entry
    n: int
    fired: bool
    hit: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, the rule that gave it, and the entries that the rule named."""

    rule: Rule
    verdict: Verdict
    hit: tuple[Entry, ...]
