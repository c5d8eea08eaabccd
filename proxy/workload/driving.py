"""What the producer drivers share, inside their process (Python >= 3.8, standard library alone).

The parent writes the plan as one line of JSON to stdin and keeps stdin open: its end means that the parent is gone,
and so the driver ends at once. What happens is said in lines of JSON on stdout:

    {"hello": "ackdrop"}                                          the driver has its plan
    {"client": NAME, "version": …, "config": {…}, "not_applicable": […]}
    {"ready": true}                                               the client was made
    {"order": 0, "outcome": "acked", "partition": 0, "offset": 3, "error": null, "record": 0, "send": 0}
    {"again": {"order": 7, "record": 2, "send": 1, "of": 2}}      send 7 is that of a record whose send 2 has failed
    {"error": {"kind": "missing" | "broken" | "refused" | "start", "text": …}}    the client could not be started
    {"done": {"begun": 200, "waiting": 0, "why": null | "deadline" | "terminated"}}

Everything else that is printed goes to stderr. How many sends have begun is also kept in eight bytes that are shared
with the parent, written before each `send()`: so the count is exact even when the process is killed. What stands out of
the plan's order ("again") has been written to stdout by then.
"""

from __future__ import annotations

import importlib
import json
import logging
import mmap
import os
import signal
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING or __package__:
    from . import words
    from .channel import Channel, take_stdout
    from .turns import Turn, Turns
else:
    import words
    from channel import Channel, take_stdout
    from turns import Turn, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLOSE = 3.0
"""Seconds that a client gets to close."""
STUCK = CLOSE + 2.0
"""Seconds after a stop at which a driver that is stuck in its client is ended all the same."""
SLICE = 0.2
"""Seconds for which a driver waits in its client before it looks up."""
FAILED, ORPHANED = 1, 3
"""Exit codes: the client could not be started; the parent is gone."""


class Plan(NamedTuple):
    """ProducerPlan, as it arrives."""

    client: str
    bootstrap: str
    topic: str
    partitions: int
    run_id: str
    producer: str
    client_id: str
    idempotence: bool
    records: int
    sends: int
    resend_failed: int
    rate: float | None
    pipelined: bool
    value: Any
    config: dict[str, Any]
    client_config: dict[str, Any]
    deadline: float
    strict: bool
    again: list[list[int]]
    resent: list[list[int]]
    position: int
    first: int
    sasl: dict[str, str] | None
    begun_fd: int


class Job:
    """A plan at work: whose turn it is, what was answered, and when it is over. Safe to call from any thread."""

    def __init__(self, plan: Plan, channel: Channel, begun: mmap.mmap) -> None:
        self.plan = plan
        self.value = json.dumps(plan.value).encode()
        self._channel = channel
        self._counter = begun
        self._change = threading.Condition()
        self._turns = Turns(plan)
        self._begun = self._answered = 0
        self._sealed = False
        self._why: str | None = None
        self._stopped = threading.Event()
        self._on_stop: list[Callable[[], object]] = []
        self._end = time.monotonic() + plan.deadline
        self._hurrying: threading.Thread | None = None

    # The client

    def library(self, name: str) -> ModuleType:
        """The client's module. Where it cannot be imported, the parent is told and the driver ends."""
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            self.refuse("missing" if error.name == name else "broken", error)
        except ImportError as error:
            self.refuse("broken", error)

    def introduce(self, version: str | None, config: dict[str, Any], not_applicable: list[str]) -> None:
        """Says what the client is and what it was given; refuses words that it does not have, if asked to."""
        client = self.plan.client
        self._channel.say({"client": client, "version": version, "config": config, "not_applicable": not_applicable})
        if self.plan.strict and not_applicable:
            self.refuse("refused", f"it has no {', '.join(not_applicable)}")

    def ready(self) -> None:
        self._channel.say({"ready": True})

    def refuse(self, kind: str, error: BaseException | str) -> NoReturn:
        """The client could not be started.

        `kind` is `missing` (no such module), `broken` (it cannot be imported), `refused` (its settings) or `start`
        (anything else: no broker).
        """
        self._channel.say({"error": {"kind": kind, "text": self._text(error)}})
        self._leave(FAILED)

    # Sending

    @property
    def more(self) -> bool:
        """Whether something is to be sent, or may be: an answer that is open may be a failure."""
        with self._change:
            return not self.over and (self._turns.remain or not self.settled)

    def turns(self, idle: Callable[[float], object]) -> Iterator[Turn]:
        """The sends that can begin, one by one, each when it is due. `idle` waits some seconds."""
        while True:
            due = self.due()
            if due is None:
                return
            if due > 0:
                idle(min(due, SLICE))
            else:
                yield self.begin()

    def due(self) -> float | None:
        """Seconds until the next send may begin; None where there is none, or the job is over."""
        return None if self.over or not self._turns.remain else self._turns.due()

    def begin(self) -> Turn:
        """Counts the next send as begun; the caller hands it to the client at once."""
        turn = self._turns.next()
        if turn.instead_of is not None:
            about = {"order": turn.order, "record": turn.record, "send": turn.send, "of": turn.instead_of}
            self._channel.say({"again": about}, wait=True)
        with self._change:
            self._begun = self._turns.begin(turn)
        struct.pack_into("<Q", self._counter, 0, self._begun)
        return turn

    def hurry(self, flush: Callable[[], object]) -> None:
        """Lets the client send what lingers, as an application does at its end. Answers are waited for elsewhere."""
        if self._hurrying is None or not self._hurrying.is_alive():
            self._hurrying = self.aside(flush)

    # Answers

    def answer(self, turn: Turn, partition: int | None, offset: int | None) -> None:
        """The client reports success. Without an offset that the broker gave (acks=0), nothing is known."""
        known = offset is not None and offset >= 0
        self._report(turn, "acked" if known else "unknown", partition, offset if known else None, None)

    def fail(self, turn: Turn, error: BaseException | str) -> None:
        """The client reports an error, and the application sends the record again if it is to."""
        self._report(turn, "failed", turn.partition, None, self._text(error))

    def _report(self, turn: Turn, outcome: str, partition: int | None, offset: int | None, error: str | None) -> None:
        line = {"order": turn.order, "outcome": outcome, "partition": partition, "offset": offset, "error": error}
        with self._change:
            if self._sealed:
                return
            self._answered += 1
            self._channel.say({**line, "record": turn.record, "send": turn.send})
            if outcome == "failed":
                self._turns.failed(turn)
            self._change.notify_all()

    def _text(self, error: BaseException | str) -> str:
        text, name = str(error), type(error).__name__
        if isinstance(error, BaseException) and not text.startswith(name):
            text = f"{name}: {text}" if text else name
        return words.redact(text, {**self.plan.client_config, **(self.plan.sasl or {})})

    @property
    def settled(self) -> bool:
        """True when every send that began has its answer."""
        return self._answered >= self._begun

    @property
    def waits(self) -> bool:
        """Whether there is nothing to do but to wait for answers."""
        return not (self.settled or self.over or self._turns.waiting)

    def settle(self) -> None:
        """Waits until every send has its answer, one is to be sent again, or the job is over."""
        with self._change:
            self._change.wait_for(lambda: not self.waits, self.remaining)

    # The end

    @property
    def remaining(self) -> float:
        """Seconds that are left, 0 when the job is over."""
        return 0.0 if self._stopped.is_set() else max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        return self.remaining <= 0

    def sleep(self, seconds: float) -> None:
        """Sleeps, but not longer than the job."""
        self._stopped.wait(seconds)

    def on_stop(self, call: Callable[[], object]) -> None:
        """`call` is called, from another thread, when the job is stopped."""
        self._on_stop.append(call)

    def stop(self, why: str) -> None:
        """No more sends, no more waiting. A driver that does not come to its end now is ended from here."""
        with self._change:
            if self._sealed or self._stopped.is_set():
                return
            self._why = why
            self._stopped.set()
            self._change.notify_all()
        for call in self._on_stop:
            call()
        time.sleep(STUCK)
        self.seal()
        self._leave(0)

    def seal(self) -> None:
        """From now on nothing counts: what the client says while it is closed is not its verdict."""
        with self._change:
            if not self._sealed:
                self._sealed = True
                waiting = self._turns.waiting
                short = waiting or not self.settled or (self.over and self._turns.remain)
                why = self._why or ("deadline" if short else None)
                self._channel.say({"done": {"begun": self._begun, "waiting": waiting, "why": why}})

    def aside(self, call: Callable[[], object]) -> threading.Thread:
        """Lets `call` block in a thread of its own, which does not keep the process alive."""
        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        return thread

    def finish(self, close: Callable[[], object] | None = None) -> NoReturn:
        """Ends the process, after the client had its time to close."""
        self.seal()
        if close is not None:
            self.aside(close).join(CLOSE)
        self._leave(0)

    def _leave(self, code: int) -> NoReturn:
        self._channel.close()
        sys.stderr.flush()
        os._exit(code)


def run(drive: Callable[[Job], object]) -> None:
    """The driver's main: takes the plan, lets `drive` work, ends the process."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != os.path.dirname(os.path.abspath(__file__))]
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    channel = Channel(take_stdout())
    plan = Plan(**json.loads(_first_line()))
    job = Job(plan, channel, _counter(plan.begun_fd))
    channel.say({"hello": "ackdrop"})
    _watch(lambda: os.read(0, 1), lambda: os._exit(ORPHANED))
    _watch(lambda: signal.sigwait(SIGNALS), lambda: job.stop("terminated"))
    _watch(lambda: time.sleep(plan.deadline), lambda: job.stop("deadline"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    try:
        drive(job)
    finally:
        channel.close()


def _watch(wait: Callable[[], object], then: Callable[[], object]) -> None:
    """Calls `then` when `wait` has returned, in a thread of its own."""
    threading.Thread(target=lambda: (wait(), then()), daemon=True).start()


def _first_line() -> bytes:
    """The plan. Read without a buffer, so that the watch on stdin holds no lock that the interpreter's end wants."""
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            os._exit(ORPHANED)
        data += more
    return data


def _counter(fd: int) -> mmap.mmap:
    """The eight bytes shared with the parent; private ones where something between us closed the descriptor."""
    try:
        return mmap.mmap(fd, 8)
    except (OSError, ValueError):
        return mmap.mmap(-1, 8)
