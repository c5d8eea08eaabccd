"""An arm's producer that stops itself: run as `--producer-python`, it takes the interpreter's place.

`stopping_producer.py ARM SENDS … DRIVER`: the driver does all that it does otherwise, but in that arm it stands still
(SIGSTOP) before the send that comes after so many, until somebody lets it go on (SIGCONT).
"""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import sys

arm, sends, driver = sys.argv[1], int(sys.argv[2]), sys.argv[-1]
sys.path[0] = os.path.dirname(driver)

import driving  # noqa: E402

begin, begun = driving.Job.begin, itertools.count()


def stopping(job: driving.Job) -> driving.Turn:
    """Begins the next send; stands still before one of them."""
    if next(begun) == sends and job.plan.client_id == f"ackdrop-{arm}":
        os.kill(os.getpid(), signal.SIGSTOP)
    return begin(job)


driving.Job.begin = stopping
runpy.run_path(driver, run_name="__main__")
