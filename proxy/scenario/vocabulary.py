"""The language's words of fixed meaning, and the words of its design that a later version brings.

A word of the second kind is not a typing error, so its message says "not in this version of ackdrop" in place of a
guess at another word.
"""

from __future__ import annotations

from ..clients import CLIENTS

PRODUCERS = tuple(CLIENTS)
LATER_PRODUCERS = frozenset({"java", "franz-go"})

COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")

WINDOW = 5
"""Batches of a producer and partition that a broker knows again, and so as many requests as an idempotent producer may
have in flight (KIP-98)."""

_ARM_SPELLINGS = {"false": "off", "off": "off", "true": "on", "on": "on"}


def arm_name(text: str) -> str:
    """The arm that a spelling means: YAML 1.1 tools turn `off` into `false`, and both must mean the arm."""
    if text in (text.lower(), text.capitalize(), text.upper()):
        return _ARM_SPELLINGS.get(text.lower(), text)
    return text
