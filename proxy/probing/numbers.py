"""Sequence numbers in words. They count records, from 0 to 2^31-1, and begin with 0 again (KIP-98)."""

from __future__ import annotations

LAST = 2**31 - 1
"""The last sequence number there is."""


def ends(first: int, records: int) -> int:
    """The sequence of the last of so many records."""
    return (first + records - 1) & LAST


def span(first: int, records: int = 3) -> str:
    """`0-2`, `7`, `2^31-3 to 2^31-1`."""
    last = ends(first, records)
    if records == 1:
        return _said(first)
    return f"{_said(first)}{'-' if abs(first) < LAST - 99 else ' to '}{_said(last)}"


def _said(number: int) -> str:
    """Numbers near the end by their distance from it."""
    if number == -LAST - 1:
        return "-2^31"
    return str(number) if number < LAST - 99 else f"2^31-{LAST - number + 1}"
