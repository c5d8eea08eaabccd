"""File descriptors: how many this process may have, and for how many clients they are enough.

A client's connection takes two of them. Some are kept back, since a proxy that has none left cannot write its ledger,
ask a broker or make its report, and would accept clients for whom it has no connection to a broker.
"""

from __future__ import annotations

import resource

from .straight import MOST_PIPES

EACH = 2
SPARE = 64 + 2 * MOST_PIPES
"""Kept for all that is no client's: two of them for each pipe."""
MOST = 1 << 16
"""As many as a process gets by `raise_limit`; some systems would allow a billion, which nobody needs."""


def limit() -> int:
    """How many descriptors this process may have now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Let this process have as many as it may: the usual limit of 1,024 is meant for programs of another kind."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def places() -> int:
    """For how many clients there are descriptors."""
    return max(1, (limit() - SPARE) // EACH)
