"""Is there a terminal to draw on? Asked before anything that draws is imported."""

from __future__ import annotations

import os
from typing import TextIO


def fits(stream: TextIO | None) -> bool:
    """Whether this is a terminal that one can move about on, and this process is in its foreground."""
    if stream is None or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return False
    try:
        return stream.isatty() and os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # closed, or no file at all
        return False
