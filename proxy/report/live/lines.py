"""Log lines: what happens, as text for people or one JSON object a line for machines; storms are summed up.

Of one kind a few are told one by one in each span of time; how many more there were is told at its end. What somebody
did on purpose is never summed up. Every minute in which something flowed has a line of figures.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

import trio

from ...control.snapshot import Kind, Snapshot
from ...observations import Observation
from ..clean import clean
from ..words import counted
from .amounts import rate, size
from .desk import Desk, Form
from .telling import KINDS, Entry, Value, entry
from .written import Written

SPAN = 5.0
"""Seconds in which things of one kind are told one by one up to `MOST`, and counted beyond."""
MOST: dict[Kind, int] = {"connected": 3, "closed": 3, "retry": 10, "fault": 10, "error": 10, "undecoded": 10}
"""Of kinds that are not here, all are told."""
FIGURES = 60.0
"""Seconds between two lines of figures."""

_MORE: dict[Kind, tuple[str, str]] = {
    "connected": ("connection opened", "connections opened"),
    "closed": ("connection closed", "connections closed"),
    "retry": ("retry", "retries"),
    "fault": ("time that a fault fired", "times that a fault fired"),
    "error": ("error from the broker", "errors from the broker"),
    "undecoded": ("frame that could not be read", "frames that could not be read"),
}


class Lines:
    """`Live` without a terminal; without a `stream` nothing is told.

    `clock` is that of observations, `wall` the time of day in seconds.
    """

    def __init__(
        self,
        stream: TextIO | None,
        form: Form,
        *,
        clock: Callable[[], float] = trio.current_time,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._out = Written(stream)
        self._form = form
        self._clock = clock
        self._wall = wall
        self._runs = False
        self._told: Counter[Kind] = Counter()
        self._over: Counter[Kind] = Counter()

    def say(self, line: str) -> None:
        """In text, what is said before it runs goes without the time: people and scripts wait for these lines."""
        for one in [line.strip()] if self._form == "json" else line.splitlines():
            if self._runs or self._form == "json":
                self._tell(Entry(self._clock(), "note", one, {}))
            else:
                self._out.put(clean(one))

    def happened(self, fact: Observation) -> None:
        kind = KINDS[type(fact)]
        most = MOST.get(kind)
        if most is not None and self._told[kind] >= most:
            self._over[kind] += 1
            return
        self._told[kind] += 1
        self._tell(entry(fact))

    def ended(self, verdict: str, exit_code: int, folder: str) -> None:
        """In text the report says so."""
        if self._form == "json":
            facts: dict[str, Value] = {"verdict": verdict, "exit_code": exit_code, "folder": folder}
            self._write_json(self._wall(), "ended", verdict, facts)

    async def run(self, desk: Desk) -> None:
        about, began = desk.about, desk.snapshot()
        if self._form == "json":
            facts: dict[str, Value] = {"address": about.address, "broker": about.broker, "title": about.title}
            self._write_json(self._wall(), "listening", f"{about.address}, in front of {about.broker}", facts)
        self._runs = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._out.run)
                await self._keep_time(desk, began)
        finally:
            self._runs = False
            self.sum_up()

    async def _keep_time(self, desk: Desk, before: Snapshot) -> None:
        due = self._clock() + FIGURES
        while True:
            await trio.sleep(SPAN)
            self.sum_up()
            if self._clock() >= due:
                due += FIGURES
                now = desk.snapshot()
                if now.traffic != before.traffic or now.produce_requests != before.produce_requests:
                    self._tell(_figures(before, now))
                before = now

    def sum_up(self) -> None:
        """A span is over: tell how much of it was not told."""
        over = list(self._over.items())
        self._told.clear()
        self._over.clear()
        for kind, count in over:
            text = f"and {counted(count, *_MORE[kind])} more, within {SPAN:g} s"
            self._tell(Entry(self._clock(), kind, text, {"more": count, "within": SPAN}))
        left_out = self._out.let_go()
        if left_out is not None:
            self._tell(Entry(self._clock(), "log", left_out, {}))

    def _tell(self, told: Entry) -> None:
        at = self._wall() - (self._clock() - told.at)
        if self._form == "json":
            self._write_json(at, told.event, told.text, told.parts)
        else:
            moment = datetime.fromtimestamp(at).isoformat(" ", "milliseconds")
            self._out.put(f"{moment}  {told.event:<10} {clean(told.text)}")

    def _write_json(self, at: float, event: str, text: str, facts: Mapping[str, Value]) -> None:
        moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        self._out.put(json.dumps({"time": moment, "event": event, "text": text, **facts}))


def _figures(before: Snapshot, now: Snapshot) -> Entry:
    seconds = max(now.now - before.now, 1e-9)
    requests = (now.traffic.client_frames - before.traffic.client_frames) / seconds
    came_in = (now.traffic.client_bytes - before.traffic.client_bytes) / seconds
    back = (now.traffic.broker_bytes - before.traffic.broker_bytes) / seconds
    produced = (now.produce_requests - before.produce_requests) / seconds
    text = (
        f"{counted(now.connections_open, 'connection')}, {rate(requests)} requests/s, {rate(produced)} "
        f"produce/s, {size(came_in)}/s in, {size(back)}/s back; {now.acks.dropped:,} acks dropped and "
        f"{counted(now.retries.retries, 'retry', 'retries')} in all"
    )
    facts: dict[str, Value] = {
        "connections": now.connections_open,
        "requests_per_second": round(requests, 1),
        "produce_per_second": round(produced, 1),
        "bytes_in_per_second": round(came_in),
        "bytes_back_per_second": round(back),
        "acks_dropped": now.acks.dropped,
        "retries": now.retries.retries,
    }
    return Entry(now.now, "figures", text, facts)
