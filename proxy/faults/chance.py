"""Chance that does not depend on timing: a draw is a hash of what it is for.

Task order is random on purpose under trio, and the clock is never the same twice; so a draw comes from the seed, the
arm, the fault, the client, the topic, the partition and the n-th match of these, and from nothing else.
"""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: int, *facts: str | int) -> float:
    """A number in [0, 1), the same for the same arguments on every machine and in every run."""
    text = "\x1f".join(str(fact) for fact in (seed, *facts))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
