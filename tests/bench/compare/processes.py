"""A process from outside: what it has spent, what it holds, and whether it has come to rest."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

LOOK = 0.1
QUIET = 4
"""So many looks in a row that find nothing are rest: longer than what ackdrop saw waits to be handed to the ledger."""
RESTING = 0.02
"""The part of a core below which a process rests."""


def pinned(cores: Sequence[int]) -> Callable[[], None]:
    """For `preexec_fn`: the child runs on these cores alone, and ends with us."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    return prepare


def raise_limit() -> None:
    """As many file descriptors as we may have, for us and for all that we start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spent(pid: int) -> int:
    """Nanoseconds of CPU of a process, threads that have ended included."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # its CPU clock: clock_getcpuclockid(3)


def in_user_mode(pid: int) -> tuple[float, float]:
    """Seconds in user mode and in the kernel, as coarse as the system counts them."""
    times = psutil.Process(pid).cpu_times()
    return times.user, times.system


def memory(pid: int) -> dict[str, int]:
    """Bytes: resident, and our share of what is resident (what is shared is divided by those who share it)."""
    told = psutil.Process(pid).memory_full_info()
    return {"rss": told.rss, "pss": told.pss}


def await_rest(pid: int, within: float = 60.0) -> float:
    """Wait until the process has nothing to do any more; how long that took, in seconds. Raises TimeoutError."""
    begun = time.monotonic()
    quiet, before = 0, spent(pid)
    while quiet < QUIET:
        time.sleep(LOOK)  # that a process rests tells nobody
        now = spent(pid)
        quiet = quiet + 1 if now - before < RESTING * LOOK * 1e9 else 0
        before = now
        if time.monotonic() - begun > within:
            raise TimeoutError(f"process {pid} did not come to rest within {within:g} s")
    return time.monotonic() - begun - QUIET * LOOK


def cores() -> tuple[list[int], list[int], list[int]]:
    """Cores for the proxy, the load and the sink; the last two share one where there are but two."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        raise RuntimeError("two cores are needed: one for the proxy, and another one for the load and the sink")
    return [mine[-1]], [mine[0]], [mine[0 if len(mine) == 2 else 1]]


def machine() -> dict[str, str | int]:
    """What the figures were taken on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "memory": psutil.virtual_memory().total,
    }
