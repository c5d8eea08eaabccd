"""Chance that does not depend on timing: a draw is a hash of what it is for.

Task order is random on purpose under trio, and the clock is never the same twice; so a draw comes from the seed, the
arm, the fault, the client, the topic, the partition and the n-th match of these, and from nothing else.
"""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: int, *facts: str | int) -> float:
    """A number in [0, 1), the same for the same arguments on every machine and in every run."""
    return _fraction(blake2b(_text(seed, *facts), digest_size=8).digest())


class Chance:
    """Draws whose facts differ in the last one alone, a number: the same as `draw`, for less."""

    def __init__(self, seed: int, *facts: str | int) -> None:
        self._begun = blake2b(_text(seed, *facts, ""), digest_size=8)

    def draw(self, number: int) -> float:
        """The draw for these facts and that number."""
        state = self._begun.copy()
        state.update(b"%d" % number)
        return _fraction(state.digest())


def _text(*facts: str | int) -> bytes:
    return "\x1f".join(str(fact) for fact in facts).encode("utf-8", "surrogatepass")


def _fraction(digest: bytes) -> float:
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
