"""One producer, from start to end."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import IO

import trio

from ..errors import ProducerError
from . import child, clients
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
) -> ProducerReport:
    """Runs the plan in a process of its own and reports what each send's future said.

    `python` is the interpreter (None: ours); its stderr goes to `producer-LABEL.log` in `folder`. `on_progress` is
    called now and then, and with the last counts; it must not raise. When `stop` is set, the producer is asked to end
    and the report holds what it knew. Cancelled, the producer is killed before this returns.

    A producer that dies is reported, not raised, once it runs; ProducerError is for one that could not be started:
    interpreter or library missing, a setting refused. A client that finds no broker is reported too: that may be a
    fault's doing.
    """
    client = clients.find(plan.client)
    talk = Talk(plan)
    with child.counter() as begun, child.log_file(folder, label) as log:
        process = await child.start(client, python, begun, log)
        try:
            timely = await _accompany(process, talk, begun, on_progress, stop)
        finally:
            await child.end(process)
        if on_progress is not None:
            on_progress(talk.progress(begun.count))
        _check_start(talk, client, python, process.returncode, log, stop)
        return _report(talk, begun.count, process.returncode, timely, log)


async def _accompany(
    process: trio.Process, talk: Talk, begun: child.Begun, on_progress: OnProgress | None, stop: trio.Event | None
) -> bool:
    """Hands over the plan and listens until the process is gone. False: it took too long."""
    async with trio.open_nursery() as nursery:
        if stop is not None:
            nursery.start_soon(child.stop_when, stop, process)
        if on_progress is not None:
            nursery.start_soon(_tell, on_progress, talk, begun)
        with trio.move_on_after(HELLO) as patience:
            await _hand_over(process, talk.plan, begun)
            await _listen(process, talk, patience)
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


async def _listen(process: trio.Process, talk: Talk, patience: trio.CancelScope) -> None:
    """Takes what the driver says until it has ended. Once it has greeted, the plan's own deadline counts."""
    assert process.stdout is not None
    async for data in process.stdout:
        greeted = talk.greeted
        talk.feed(bytes(data))
        if talk.greeted and not greeted:
            patience.deadline = trio.current_time() + talk.plan.deadline + GRACE


async def _tell(on_progress: OnProgress, talk: Talk, begun: child.Begun) -> None:
    while True:
        await trio.sleep(TICK)
        on_progress(talk.progress(begun.count))


def _check_start(
    talk: Talk, client: clients.Client, python: str | None, code: int | None, log: IO[bytes], stop: trio.Event | None
) -> None:
    """ProducerError where the producer under test could not be started at all."""
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


def _report(talk: Talk, counted: int, code: int | None, timely: bool, log: IO[bytes]) -> ProducerReport:
    sends, about = talk.all_sends(counted), talk.introduced
    error = _error(talk, len(sends), code, timely, log)
    return ProducerReport(
        client=talk.plan.client,
        version=about.version if about else None,
        config=about.config if about else {},
        not_applicable=about.not_applicable if about else [],
        sends=sends,
        exit_code=code,
        error=error,
        finished=error is None,
    )


def _error(talk: Talk, begun: int, code: int | None, timely: bool, log: IO[bytes]) -> str | None:
    """Why the producer did not do all of its plan; None when it did."""
    if talk.refused is not None:
        return f"could not start: {talk.refused.text}"
    if talk.done is None or code != 0:
        return _died(talk, code, timely, log)
    open_sends = begun - len(talk.sends)
    if begun == talk.plan.planned and not open_sends:
        return None
    return f"{_CUT_SHORT[talk.done.why]} after {begun} of {talk.plan.planned} sends, {open_sends} without an answer"


_CUT_SHORT = {"deadline": "the deadline came", "terminated": "it was stopped", None: "it ended"}


def _died(talk: Talk, code: int | None, timely: bool, log: IO[bytes]) -> str:
    """How it died, and where to read more. After a signal the last line of its log is no explanation."""
    see = f"see {Path(log.name).name}"
    if not timely:
        limit = math.ceil(talk.plan.deadline + GRACE if talk.greeted else HELLO)
        return f"the producer was still running after {limit} s and was killed ({see})"
    words = child.last_words(log) if code is not None and code > 0 else []
    return f"the producer {child.ending(code)}" + (f": {words[-1]}" if words else "") + f" ({see})"
