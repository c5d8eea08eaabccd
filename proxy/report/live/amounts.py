"""How much, how fast and how long, in few characters."""

from __future__ import annotations


def rate(value: float) -> str:
    """`0`, `0.4`, `12`, `1,204`."""
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:,.0f}"


def size(value: float) -> str:
    """`0 B`, `812 B`, `1.2 MB`: in thousands."""
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"


def span(seconds: float) -> str:
    """`0:07`, `12:40`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
