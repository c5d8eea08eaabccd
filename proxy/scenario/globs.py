"""Whether a shell glob can fit a name of which some characters are open."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

_TOKEN = re.compile(r"\[!?\]?[^\]]*\]|.", re.DOTALL)


def fits(glob: str, name: Sequence[Collection[str]]) -> bool:
    """Whether the glob fits some text whose characters are each one of those at its place in `name`."""
    tokens = _TOKEN.findall(glob)
    reached = _skipped({0}, tokens)
    for characters in name:
        following = set()
        for at in reached:
            if at == len(tokens):
                continue
            if tokens[at] == "*":
                following.add(at)
            elif any(fnmatchcase(character, tokens[at]) for character in characters):
                following.add(at + 1)
        reached = _skipped(following, tokens)
    return len(tokens) in reached


def _skipped(reached: set[int], tokens: Sequence[str]) -> set[int]:
    """With the places behind a `*`, which may stand for nothing."""
    result = set(reached)
    for at in reached:
        while at < len(tokens) and tokens[at] == "*":
            at += 1
            result.add(at)
    return result
