"""A program with a live view on its terminal: a proxy that is made up, and what was done to it said at the end.

Run as `shown.py FAULTS [crash]`; with `crash` it ends by a defect of its own.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import Any

import trio
from rich.console import Console

from ackdrop.experiment.stopping import signals
from ackdrop.report.live.fitting import fits
from ackdrop.report.live.screen import Screen
from ackdrop.report.live.terminal import Terminal


def states() -> Any:
    """The states that the tests beside this have, too."""
    spec = importlib.util.spec_from_file_location("states", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["states"] = module
    spec.loader.exec_module(module)
    return module


async def main(faults: int, crash: bool) -> None:
    known = states()
    screen = Screen(Terminal(Console(stderr=True, highlight=False), sys.stdin.fileno() if fits(sys.stdin) else None))
    desk = known.FakeDesk(dataclasses.replace(known.BUSY, faults=known.some(faults)))
    screen.say("it listens")
    async with signals() as stop, trio.open_nursery() as nursery:
        desk.ended = stop.ask
        nursery.start_soon(screen.run, desk)
        await trio.sleep(0.3)
        screen.say("said meanwhile\n  and below it")
        if crash:
            raise RuntimeError("a defect")
        await stop.event.wait()
        nursery.cancel_scope.cancel()
    print(f"toggled: {', '.join(desk.toggled)}.", flush=True)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), "crash" in sys.argv)
