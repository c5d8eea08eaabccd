"""One producer, from start to end."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trio

from .. import clients
from ..errors import ProducerError
from . import child
from .hand import Hand
from .lives import Past
from .outcome import ProducerReport, Progress
from .plan import ProducerPlan
from .talk import Talk

HELLO = 30.0
"""Seconds in which an interpreter must have started the driver."""
GRACE = 15.0
"""Seconds that a driver gets after its deadline, to close and to be gone."""
TICK = 0.2
"""Seconds between two calls of `on_progress`."""

OnProgress = Callable[[Progress], None]


async def run_producer(
    plan: ProducerPlan,
    *,
    python: str | None,
    folder: Path,
    label: str,
    on_progress: OnProgress | None = None,
    stop: trio.Event | None = None,
    hand: Hand | None = None,
) -> ProducerReport:
    """Runs the plan in a process of its own and reports what each send's future said.

    `python` is the interpreter (None: ours); its stderr goes to `producer-LABEL.log` in `folder`. `on_progress` is
    called now and then, and with the last counts; it must not raise. When `stop` is set, the producer is asked to end
    and the report holds what it knew. Cancelled, the producer is killed before this returns. Killed by way of `hand`,
    it is followed by a new process that goes on, and the report is that of all of them.

    A producer that dies is reported, not raised, once it runs; ProducerError is for one that could not be started:
    interpreter or library missing, a setting refused. A client that finds no broker is reported too: that may be a
    fault's doing.
    """
    hand, past, began = hand or Hand(), Past(plan), trio.current_time()
    try:
        with child.log_file(folder, label) as log:
            while True:
                told = functools.partial(_told, past, on_progress)
                life = await _live(plan, python, log, told, stop, hand)
                if not hand.killed:
                    _check_start(life.talk, python, life.exit_code, log, stop)
                    return _report(past, life, log)
                await hand.may_follow.wait()
                if stop is not None and stop.is_set():
                    return _report(past, life, log)
                plan = past.bury(life.talk, life.counted, trio.current_time() - began)
    finally:
        hand.over()


@dataclass(frozen=True, slots=True)
class _Life:
    """One process from its start to its end. Not `timely`: it took too long and was killed. `killed`: a fault did it;
    `counted` is how many sends it had begun."""

    talk: Talk
    counted: int
    exit_code: int | None
    timely: bool
    killed: bool


def _told(past: Past, on_progress: OnProgress | None, talk: Talk, counted: int) -> None:
    if on_progress is not None:
        on_progress(past.progress(talk, counted))


async def _live(
    plan: ProducerPlan,
    python: str | None,
    log: IO[bytes],
    on_progress: Callable[[Talk, int], None],
    stop: trio.Event | None,
    hand: Hand,
) -> _Life:
    """One process, which is gone when this returns."""
    talk = Talk(plan)
    with child.counter() as begun:
        process = await child.start(clients.find(plan.client), python, begun, log)
        hand.holds(process, talk)
        try:
            timely = await _accompany(process, talk, begun, on_progress, stop, hand)
        finally:
            await child.end(process)
        on_progress(talk, begun.count)
        return _Life(talk, begun.count, process.returncode, timely, hand.killed)


async def _accompany(
    process: trio.Process,
    talk: Talk,
    begun: child.Begun,
    on_progress: Callable[[Talk, int], None],
    stop: trio.Event | None,
    hand: Hand,
) -> bool:
    """Hands over the plan and listens until the process is gone. False: it took too long."""
    async with trio.open_nursery() as nursery:
        if stop is not None:
            nursery.start_soon(child.stop_when, stop, process)
        nursery.start_soon(_tell, on_progress, talk, begun)
        with trio.move_on_after(HELLO) as patience:
            await _hand_over(process, talk.plan, begun)
            await _listen(process, talk, patience, hand)
            await process.wait()
        nursery.cancel_scope.cancel()
    return not patience.cancelled_caught


async def _hand_over(process: trio.Process, plan: ProducerPlan, begun: child.Begun) -> None:
    """The plan goes to stdin, which stays open: its end would tell the driver that we are gone."""
    assert process.stdin is not None
    try:
        await process.stdin.send_all(plan.line(begun.fd))
    except trio.BrokenResourceError:
        return  # it has ended already; how, its exit code and its last words tell


async def _listen(process: trio.Process, talk: Talk, patience: trio.CancelScope, hand: Hand) -> None:
    """Takes what the driver says until it has ended. Once it has greeted, the plan's own deadline counts."""
    assert process.stdout is not None
    async for data in process.stdout:
        greeted = talk.greeted
        talk.feed(bytes(data))
        hand.changed()
        if talk.greeted and not greeted:
            patience.deadline = trio.current_time() + talk.plan.deadline + GRACE


async def _tell(on_progress: Callable[[Talk, int], None], talk: Talk, begun: child.Begun) -> None:
    while True:
        await trio.sleep(TICK)
        on_progress(talk, begun.count)


def _check_start(talk: Talk, python: str | None, code: int | None, log: IO[bytes], stop: trio.Event | None) -> None:
    """ProducerError where the producer under test could not be started at all."""
    client = clients.find(talk.plan.client)
    refused, where = talk.refused, f" in {python}" if python else ""
    if refused is not None and refused.kind == "missing":
        raise ProducerError(f"{client.library} is not installed{where}", remedy=client.remedy(python))
    if refused is not None and refused.kind == "broken":
        raise ProducerError(f"{client.library} cannot be imported{where}: {refused.text}", remedy=client.remedy(python))
    if refused is not None and refused.kind == "refused":
        raise ProducerError(
            f"{client.name} refused to start{where}: {refused.text}",
            remedy="see `config` and `client_config` of the scenario's workload",
        )
    asked_to_end = stop is not None and stop.is_set()
    if not (talk.greeted or asked_to_end):
        words = child.last_words(log)
        raise ProducerError(
            f"the producer's interpreter {python or 'of ackdrop'} did not start the driver: it {child.ending(code)}"
            + (f": {words[-1]}" if words else ""),
            remedy="--producer-python names a Python interpreter, 3.8 or newer",
        )


def _report(past: Past, life: _Life, log: IO[bytes]) -> ProducerReport:
    sends, begun = past.sends, life.talk.all_sends(life.counted)
    sends.extend(begun)
    about = life.talk.introduced or past.introduced
    error = _error(life, len(begun), log)
    return ProducerReport(
        client=life.talk.plan.client,
        version=about.version if about else None,
        config=about.config if about else {},
        not_applicable=about.not_applicable if about else [],
        sends=sends,
        exit_code=life.exit_code,
        error=error,
        finished=error is None,
    )


def _error(life: _Life, begun: int, log: IO[bytes]) -> str | None:
    """Why the producer did not do all of its plan; None when it did."""
    talk = life.talk
    own = begun - len(talk.again_of(begun))
    if life.killed:
        return f"the run was stopped before it was started again, after {own} of {talk.plan.planned} sends"
    if talk.refused is not None:
        return f"could not start: {talk.refused.text}"
    if talk.done is None or life.exit_code != 0:
        return _died(talk, life.exit_code, life.timely, log)
    open_sends = begun - len(talk.sends)
    waiting = talk.done.waiting
    if own == talk.plan.planned and not open_sends and not waiting:
        return None
    told = f"{_CUT_SHORT[talk.done.why]} after {own} of {talk.plan.planned} sends, {open_sends} without an answer"
    return told + (f", {waiting} that failed and were to be sent again" if waiting else "")


_CUT_SHORT = {"deadline": "the deadline came", "terminated": "it was stopped", None: "it ended"}


def _died(talk: Talk, code: int | None, timely: bool, log: IO[bytes]) -> str:
    """How it died, and where to read more. After a signal the last line of its log is no explanation."""
    see = f"see {Path(log.name).name}"
    if not timely:
        limit = math.ceil(talk.plan.deadline + GRACE if talk.greeted else HELLO)
        return f"the producer was still running after {limit} s and was killed ({see})"
    words = child.last_words(log) if code is not None and code > 0 else []
    return f"the producer {child.ending(code)}" + (f": {words[-1]}" if words else "") + f" ({see})"
