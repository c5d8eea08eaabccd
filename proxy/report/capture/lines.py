"""An event of a capture in words: when, which way, what, and what matters of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ...capture.reading.events import Ended, Event, Fault, Frame, Hole, Noted, Sent, Told, Way
from ...kafka.codes import error_name
from ..clean import clean, shortened
from ..words import counted, lasted, listed

LEAST = 50
_TIME, _NAME = 12, 24
_MOST_SHARES = 8
_MOST_OF_A_FIELD = 500
_ARROWS: dict[tuple[Way, bool], str] = {
    ("request", False): "→",
    ("answer", False): "←",
    ("request", True): "»",
    ("answer", True): "«",
}
LEGEND = "→ from the client   ← to the client   » to the broker   « from the broker"
"""In a capture of ackdrop's own, where a connection has two sides."""


def event(told: Event, width: int) -> Iterator[str]:
    """The lines of an event, none wider than `width`; none for the beginning of a connection, which is its heading."""
    if isinstance(told, Frame):
        yield from _frame(told, width)
    elif isinstance(told, Hole):
        yield from _line(told.at, "…", "", _hole(told), width)
    elif isinstance(told, Noted):
        fault = "" if told.fault is None else f"{told.fault.does}: {_quoted(told.fault)}"
        yield from _line(told.at, "!", told.text, fault, width)
    elif isinstance(told, Ended):
        yield from _line(told.at, "■", "", _ended(told), width)


def _frame(told: Frame, width: int) -> Iterator[str]:
    arrow = _ARROWS[told.way, told.where.hop == "broker"]
    version = f" v{told.version}" if told.way == "request" and told.version >= 0 else ""
    name = f"{told.api or '?'}{version} #{told.correlation_id}"
    yield from _line(told.at, arrow, name, _what(told), width)
    if told.raw is not None:
        yield from _decoded(told, told.raw)


def _decoded(told: Frame, raw: bytes) -> Iterator[str]:
    """All of its fields, where there is a layer for them."""
    from ...packets.shown import shown

    lines = shown(raw, answer=told.way == "answer", api_key=told.api_key, api_version=told.version)
    for line in lines or ["(this API has no layer of its own)"]:
        yield f"{'':{_TIME + 3}}{shortened(clean(line.replace(chr(9), ' ')), _MOST_OF_A_FIELD)}".rstrip()


def _line(at: float, mark: str, name: str, text: str, width: int) -> Iterator[str]:
    head = f"{f'{at:.3f} s':>{_TIME}} {mark} "
    if name:
        head += f"{shortened(clean(name), 40):<{_NAME}} "
    indent = " " * min(_TIME + 3 + (_NAME + 1 if name else 0), width // 2)
    lines = textwrap.wrap(clean(text), max(width, LEAST), initial_indent=head, subsequent_indent=indent) or [head]
    yield from (line.rstrip() for line in lines)


def _what(told: Frame) -> str:
    said, parts = told.said, []
    if said.acks is not None:
        parts.append(_acks(said.acks))
    parts += map(_sent, said.sent[:_MOST_SHARES])
    parts += map(_told, said.told[:_MOST_SHARES])
    more = max(len(said.sent), len(said.told)) - _MOST_SHARES
    if more > 0:
        parts.append(f"and {counted(more, 'more partition')}")
    parts += [f"{name.replace('_', ' ')} {shortened(str(value), 50)}" for name, value in said.facts]
    if not (said.sent or said.told):
        if said.topics:
            parts.append(listed([_place(*place) for place in said.topics], 4))
        parts += map(error_name, said.errors)
    if said.problem:
        parts.append(f"({said.problem})")
    if told.latency is not None:
        parts.append(f"after {lasted(told.latency) if told.latency >= 0.01 else f'{told.latency * 1000:.1f} ms'}")
    if told.of is not None:
        parts.append(f"passed on from connection {told.of}")
    parts += [f"{fault.does}: {_quoted(fault)}" for fault in told.faults]
    return "; ".join(parts)


def _sent(share: Sent) -> str:
    text = f"{_place(share.topic, share.partition)}: {records(share.records)}"
    if share.producer_id >= 0:
        text += f", producer {share.producer_id}, epoch {share.producer_epoch}, sequence {share.base_sequence}"
    if share.codec != "none":
        text += f", {share.codec}"
    if share.retry_of is None:
        return text
    first = "" if share.first is None else f" after connection {share.first[0]} #{share.first[1]}"
    return f"{text}, {'perhaps ' if share.ambiguous else ''}sent again{first}"


def _told(share: Told) -> str:
    place = _place(share.topic, share.partition)
    if share.error:
        return f"{place}: {error_name(share.error)}"
    return f"{place}: offset {share.base_offset}" if share.base_offset >= 0 else f"{place}: no error, no offset"


def records(count: int) -> str:
    """How many records, as far as they can be counted."""
    return "records" if count < 0 else counted(count, "record")


def _place(topic: str, partition: int) -> str:
    return shortened(topic, 50) if partition < 0 else f"{shortened(topic, 50)}-{partition}"


def _acks(acks: int) -> str:
    return f"acks {'all' if acks == -1 else acks}"


def _quoted(fault: Fault) -> str:
    return f'"{shortened(fault.name, 60)}"'


def _hole(told: Hole) -> str:
    way = "requests" if told.way == "request" else "answers"
    parts = []
    if told.missing:
        parts.append(f"{counted(told.missing, 'byte')} of the {way} not in the capture")
    if told.skipped:
        parts.append(f"{counted(told.skipped, 'byte')} of the {way} not understood")
    return f"{' and '.join(parts)}; {'it goes on here' if told.resumed else 'what follows cannot be told apart'}"


_WHO = {("client", "broker"): "ackdrop", ("broker", "client"): "ackdrop"}


def _ended(told: Ended) -> str:
    who = _WHO.get((told.where.hop, told.by), told.by)
    how = {
        "fin": f"{who} ends the connection" if told.by else "ended",
        "reset": f"{who} resets the connection",
        "port": "its ports are used again",
        "idle": "let go, for too much else that goes on",
        "capture": "the capture ends, and the connection is open",
        "passed": "ended",
    }[told.how]
    if told.unanswered:
        how += f"; no answer to {_named(told.unanswered)}"
    if told.unacknowledged:
        how += f"; never acknowledged by the client: the answer to {_named(told.unacknowledged)}"
    return how


def _named(asked: tuple[tuple[str, int], ...]) -> str:
    return listed([f"{api} #{number}" for api, number in asked], 6)
