"""Chance that does not depend on timing: a draw is a hash of what it is for.

Task order is random on purpose under trio, and the clock is never the same twice; so a draw comes from the seed, the
arm, the fault, the client, the topic, the partition and the n-th match of these, and from nothing else.

A rule that fires by chance draws for every match, and mostly does not fire. So one hash is for 256 matches in a row
(SHAKE128, which gives as many bytes as are wanted). Its first bytes say which draw of these is the greatest, and how
great: mostly none of them fires, and that is all that has to be known. Each of the others is a number of its own,
multiplied by the greatest. Numbers in [0, 1) that are drawn one by one are spread in the same way.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from hashlib import blake2b, shake_128
from math import sqrt
from struct import Struct

_TOGETHER = 256
_AHEAD = 16
"""So many blocks are looked at in advance, together."""
_DIGEST = 8
_GREATEST, _ALL = Struct(">QB"), Struct(f">QB{_TOGETHER}Q")


def draw(seed: int, *facts: str | int) -> float:
    """A number in [0, 1), the same for the same arguments on every machine and in every run."""
    return _fraction(int.from_bytes(blake2b(_text(seed, *facts), digest_size=_DIGEST).digest(), "big"))


class Chance:
    """Matches that are told apart by their number alone, and on which of them a rule fires by chance: where the draw is
    not below one less the rule's probability."""

    def __init__(self, seed: int, *facts: str | int) -> None:
        self._text = _text(seed, *facts, "")

    def hits(self, probability: float, number: int) -> bool:
        """Whether it fires on the match of this number."""
        block, place = divmod(number, _TOGETHER)
        least = 1.0 - probability
        return _greatest(self._text, block)[0] >= least and _draws(self._text, block)[place] >= least

    def next_hit(self, probability: float, first: int) -> int:
        """The first match from this one on that it fires on; or a later one before which there is none."""
        block, begin = divmod(first, _TOGETHER)
        least, ahead = 1.0 - probability, block // _AHEAD
        for each in _lucky(self._text, least, ahead):
            if each >= block:
                draws = _draws(self._text, each)
                for place in range(begin if each == block else 0, _TOGETHER):
                    if draws[place] >= least:
                        return each * _TOGETHER + place
        return (ahead + 1) * _AHEAD * _TOGETHER


@lru_cache(maxsize=1024)  # many connections may count in the same place
def _lucky(text: bytes, least: float, ahead: int) -> list[int]:
    """The blocks with such a draw, of as many as are looked at in advance."""
    blocks = range(ahead * _AHEAD, (ahead + 1) * _AHEAD)
    return [block for block in blocks if _greatest(text, block)[0] >= least]


@lru_cache(maxsize=1024)
def _greatest(text: bytes, block: int) -> tuple[float, int]:
    """The greatest draw of a block, and its place there. Of 256 numbers in [0, 1) it is spread as the 256th root of one
    is: eight square roots, which are the same on every machine."""
    word, place = _GREATEST.unpack(_hash(text, block, _GREATEST.size))
    found = _fraction(word)
    for _ in range(_TOGETHER.bit_length() - 1):
        found = sqrt(found)
    return found, place


@lru_cache(maxsize=256)
def _draws(text: bytes, block: int) -> array[float]:
    """All draws of a block."""
    greatest, place = _greatest(text, block)
    _, _, *words = _ALL.unpack(_hash(text, block, _ALL.size))
    unit = greatest / (1 << 64)
    draws = array("d", [unit * word for word in words])
    draws[place] = greatest
    return draws


def _hash(text: bytes, block: int, size: int) -> bytes:
    """So many bytes; fewer are the beginning of more."""
    return shake_128(text + b"%d" % block).digest(size)


def _text(*facts: str | int) -> bytes:
    return "\x1f".join(str(fact) for fact in facts).encode("utf-8", "surrogatepass")


def _fraction(word: int) -> float:
    """64 bits as a number in [0, 1)."""
    return (word >> 11) / (1 << 53)
