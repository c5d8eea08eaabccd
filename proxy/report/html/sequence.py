"""A finding's sequence diagram: producer, proxy, broker and log side by side, time downwards.

Every attempt is a request from the producer to the broker, what the broker did with it at the log, and the answer
back; an answer that a fault dropped, or that was stuck behind a dropped one, breaks off at the proxy. Long waits are
shortened and say how long they were. Units are those of the view box, about a pixel each; the page's style sheet gives
the colours.
"""

from __future__ import annotations

import math
from collections.abc import Set

from markupsafe import Markup

from ...result import AttemptLine, Finding
from ..attempts import Chain, altered, told
from ..clean import shortened
from ..words import lasted
from .canvas import BROKER, LOG, PRODUCER, PROXY, WIDTH, Canvas
from .steps import BROKEN, Step, comes_later, mixed, steps
from .svg import SIZE, fitting, number, tag, width, wrapped

_ROOM = BROKER - PRODUCER - 16
_CELL = 88
_WAIT = 0.05
_TOLD_WAIT = 0.25


def diagram(finding: Finding, head: str, *, label: str, held: Set[int] = frozenset()) -> Markup:
    """The finding's diagram as an SVG element.

    `head` is the finding in a sentence, read out with the steps in words; `label` names the elements that say so and is
    unique in the page. `held` are the numbers of attempts that never went on from the proxy.
    """
    ordered = steps(finding)
    drawing = _Drawing(finding, held, mixed(ordered))
    for step in ordered:
        drawing.add(step)
    body, height = drawing.finished()
    words = " ".join(f"{_moment(line.at)}{line.text}." for line in told(finding))
    return tag(
        "svg",
        tag("title", f"Sequence diagram: {head}", id=f"{label}-title"),
        tag("desc", words or "No attempt of it was seen on the wire.", id=f"{label}-desc"),
        body,
        class_="sequence",
        viewBox=f"0 0 {WIDTH} {number(height)}",
        width=WIDTH,
        height=height,
        font_size=SIZE,
        role="img",
        aria_labelledby=f"{label}-title {label}-desc",
    )


class _Drawing:
    """Puts one step below the other."""

    def __init__(self, finding: Finding, held: Set[int], mixed: bool) -> None:
        self._finding = finding
        self._chain = Chain(finding)
        self._held = held
        self._mixed = mixed
        self._topics = len({line.topic for line in finding.attempts}) > 1
        self._last: float | None = None
        self._on = Canvas()

    def add(self, step: Step) -> None:
        """The step, after the wait that came before it."""
        if step.at is not None:
            self._wait(step.at)
        match step.kind:
            case "request":
                self._request(step.n)
            case "write":
                self._write(step.n)
            case "answer":
                self._answer(step.n)
            case "ack":
                self._late_ack(step.n)
            case "silence":
                self._silence(step.n)
            case "more":
                self._on.pause(24, f"{step.n:,} more attempts like these")

    def finished(self) -> tuple[Markup, float]:
        """All that was drawn, lanes behind the rest, and how high it is."""
        return self._on.finished()

    def _wait(self, at: float) -> None:
        since, self._last = 0.0 if self._last is None else at - self._last, at
        if since >= _WAIT:
            told = f"{lasted(since)} later" if since >= _TOLD_WAIT else None
            self._on.pause(min(34, 14 + 8 * math.log10(since / _WAIT)), told)

    def _request(self, n: int) -> None:
        line, on = self._finding.attempts[n], self._on
        start = PROXY if line.injected else PRODUCER
        on.lines(wrapped(self._words(n), _room(start)), start + 8)
        stays = line.number in self._held
        y = on.down(7)
        if not line.injected:
            on.arrow(PRODUCER, PROXY if stays else BROKER, y, "request", head=not stays)
        else:
            on.dot(PROXY, y)
            on.arrow(PROXY, BROKER, y, "request injected")
        on.gutter(y, _moment(line.at).strip(": "), f"connection {line.connection}")
        if stays:
            on.stop(PROXY, y)
        elif not line.injected:
            on.dot(PROXY, y)
        on.down(4)
        if fault := self._fault_of_request(n, stays):
            on.lines(wrapped(fault, _room(PRODUCER)), PRODUCER + 8, cls="fault")
        on.down(6)

    def _words(self, n: int) -> str:
        line = self._finding.attempts[n]
        words = self._chain.sent(n)
        if self._topics:
            words += f", topic {shortened(line.topic, 30)}"
        return f"#{line.number} {words}" if line.number > 0 else words

    def _fault_of_request(self, n: int, stays: bool) -> str | None:
        """What is to be said below the request: a fault that touched it and not its answer."""
        line, fault = self._finding.attempts[n], self._chain.fault(n)
        by = "" if fault is None else f": “{shortened(fault)}”"
        if stays:
            return f"never went on to the broker{by}"
        if fault is None or line.ack in (*BROKEN, "delayed") or altered(line):
            return None
        return f"fault{by}"

    def _write(self, n: int) -> None:
        line, on, standing = self._finding.attempts[n], self._on, self._chain.standing(n)
        words = {"appended": "append", "known": "known already: not written"}.get(standing, "not in the log")
        if standing == "appended":
            on.lines([words], BROKER + 8)
        else:
            on.lines([words], BROKER - 8, anchor="end", cls="standing")
        y = on.down(2 if standing == "known" else 6)
        offsets = _offsets(line)
        cell = min(_CELL, max(28, width(offsets) + 12))
        if standing == "appended":
            on.arrow(BROKER, LOG - cell / 2, y, "append")
        else:
            on.line(BROKER, LOG - cell / 2, y, "ghost")
        on.cell(y, cell, fitting(offsets, cell - 8), standing)
        on.down(14)

    def _answer(self, n: int) -> None:
        line, on = self._finding.attempts[n], self._on
        above = wrapped(self._which(n) + self._answered(n), _ROOM)
        told = self._client(n)
        beside = told is not None and len(above) == 1 and width(above[0]) + width(told) <= _ROOM - 16
        if beside and told is not None:
            on.beside(told, PRODUCER + 8, cls=_client_class(line))
        on.lines(above, BROKER - 8, anchor="end")
        y = on.down(7)
        on.gutter(y, "" if line.answered_at is None else _moment(line.answered_at).strip(": "))
        self._way_back(n, y)
        on.down(4)
        if told is not None and not beside:
            on.lines(wrapped(told, _room(PRODUCER)), PRODUCER + 8, cls=_client_class(line))
        on.down(6)

    def _way_back(self, n: int, y: float) -> None:
        """The answer's arrow: to the producer, to the proxy, or broken there."""
        line, on = self._finding.attempts[n], self._on
        if line.ack in BROKEN:
            on.line(BROKER, PROXY + 9, y, "answer")
            on.line(PROXY - 9, PRODUCER, y, "ghost")
            on.cross(PROXY, y)
        elif line.injected or comes_later(line):
            on.arrow(BROKER, PROXY, y, "answer")
        elif line.ack == "none":
            on.arrow(BROKER, PROXY, y, "answer")
            on.line(PROXY, PRODUCER, y, "ghost")
        elif altered(line):
            on.arrow(BROKER, PROXY, y, "answer")
            on.arrow(PROXY, PRODUCER, y, "answer altered")
        else:
            on.arrow(BROKER, PRODUCER, y, "answer")
            on.dot(PROXY, y)

    def _which(self, n: int) -> str:
        """The attempt's number, where answers to several of them are drawn one after the other."""
        number = self._finding.attempts[n].number
        return f"#{number} " if self._mixed and number > 0 else ""

    def _answered(self, n: int) -> str:
        line, standing = self._finding.attempts[n], self._chain.standing(n)
        if standing == "error":
            return shortened(line.error or "", 40)
        if standing in ("unanswered", "unasked"):
            return "answer"
        return "no offset" if standing == "no-offset" else f"offset {line.base_offset}"

    def _client(self, n: int) -> str | None:
        """What the producer has of the answer, where this step settles it."""
        line, fault = self._finding.attempts[n], self._chain.fault(n)
        by = "" if fault is None else f": “{shortened(fault)}”"
        if line.injected:
            return None
        if line.ack in BROKEN:
            return f"ack {line.ack}{by}"
        if line.ack == "delayed":
            return f"held back{by}"
        if comes_later(line):
            return None
        if line.ack == "none":
            return "never arrived"
        if altered(line):
            return f"told {shortened(line.error or '', 40)}{by}"
        return "told the error" if line.error else "acked"

    def _late_ack(self, n: int) -> None:
        line, on = self._finding.attempts[n], self._on
        late = None
        if line.answered_at is not None and line.acked_at is not None:
            late = lasted(line.acked_at - line.answered_at)
        words = self._which(n) + ("told the error" if line.error else "acked")
        on.lines(wrapped(f"{words} late" if late is None else f"{words} {late} late", _ROOM), PRODUCER + 8, cls="late")
        y = on.down(7)
        on.gutter(y, "" if line.acked_at is None else _moment(line.acked_at).strip(": "))
        on.arrow(PROXY, PRODUCER, y, "answer late")
        on.down(10)

    def _silence(self, n: int) -> None:
        line = self._finding.attempts[n]
        if line.number not in self._held:
            words = "no answer asked (acks 0)" if self._chain.standing(n) == "unasked" else "no answer seen"
            self._on.lines([words], BROKER - 8, anchor="end", cls="standing")
            self._on.down(6)


def _room(lane: int) -> float:
    """How wide words may be that begin at this lane and have their line for themselves."""
    return WIDTH - lane - 12


def _client_class(line: AttemptLine) -> str:
    return "fault" if line.ack in (*BROKEN, "delayed", "none") or altered(line) else "client"


def _offsets(line: AttemptLine) -> str:
    """`2`, `2-6`"""
    first = line.base_offset or 0
    return f"{first}" if line.records <= 1 else f"{first}-{first + line.records - 1}"


def _moment(at: float | None) -> str:
    return "" if at is None else f"{at:.3f} s: "
