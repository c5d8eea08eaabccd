"""How much work a call is, in a measure that is the same on every machine, whatever else runs there; and how much of
it the tests do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

TIMES = int(os.environ.get("ACKDROP_TEST_TIMES", "1"))
"""Where cases are chosen by chance, or a part of many: ACKDROP_TEST_TIMES=10 takes ten times as many."""


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python's and of C's, were called in this thread while `work` ran.

    What happens within a function of C's, or in compiled code, is not counted.
    """
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The least processor time that this thread needed for `work`: only to be compared with another of these."""
    taken = []
    for _ in range(times):
        begun = time.thread_time()
        work()
        taken.append(time.thread_time() - begun)
    return min(taken)
