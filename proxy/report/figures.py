"""The comparison of the arms: a label and a cell for each arm, in the order in which a person asks.

Rows that say nothing (a kind of fault that the scenario does not have, a violation that did not happen) are left out.
A figure that cannot be known reads `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..result import ArmResult, ExpectationResult
from .clean import shortened
from .words import UNKNOWN, figure


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison; `cells` in the order of the arms."""

    label: str
    cells: tuple[str, ...]


_Figure = Callable[[ArmResult], int | None]

_VIOLATIONS: tuple[tuple[str, _Figure], ...] = (
    ("in the log, not acked", lambda arm: arm.log.unacked_present),
    ("never sent", lambda arm: arm.log.phantom),
    ("at another offset", lambda arm: arm.log.offset_mismatch),
    ("past the proxy", lambda arm: arm.log.past_proxy),
)


def heading(arm: ArmResult) -> str:
    """What a column is called: `idempotence off`; an arm of another name says both."""
    if arm.idempotence is None:
        return shortened(arm.name, 24)
    word = "on" if arm.idempotence else "off"
    return f"idempotence {word}" if arm.name == word else f"{shortened(arm.name, 24)} (idempotence {word})"


def rows(arms: Sequence[ArmResult]) -> list[Row]:
    """The comparison without the expectations."""
    return list(_rows(arms))


def expectation(result: ExpectationResult, known: bool = False) -> str:
    """`duplicates ≥ 1 ✓`; where it does not hold `duplicates 0, was 3 ✗`; `duplicates 0 ?` where nobody knows. `known`:
    from a baseline, `duplicates 0, was 3, known ✗`."""
    text = in_signs(result.expect)
    if result.held is None:
        return f"{text} ?"
    if result.held:
        return f"{text} ✓"
    return f"{text}, was {figure(result.actual)}{', known' if known else ''} ✗"


def in_signs(expect: str) -> str:
    """`duplicates ≥ 1`"""
    return expect.replace(">=", "≥").replace("<=", "≤").replace("!=", "≠")


def was_watched(arm: ArmResult) -> bool:
    """Whether there is a wire to speak of: not where a topic's log was verified alone."""
    return arm.wire.produce_requests is not None or arm.wire.retries is not None


def _rows(arms: Sequence[ArmResult]) -> Iterator[Row]:
    watched = any(was_watched(arm) for arm in arms)
    if watched or any(arm.records.sent is not None for arm in arms):
        yield _pair("sent, acked", arms, lambda arm: arm.records.sent, lambda arm: arm.records.acked)
    yield from _where_any("failed", arms, lambda arm: arm.records.failed or 0)
    yield from _where_any("outcome not known", arms, lambda arm: arm.records.unknown or 0)
    if watched:
        yield from _wire(arms)
    if any(arm.isolation == "read_committed" for arm in arms):
        yield Row("read as", tuple(arm.isolation for arm in arms))
    yield _row("records in the log", arms, lambda arm: arm.log.records)
    yield from _where_any("of aborted transactions", arms, lambda arm: arm.log.aborted or 0)
    yield _row("duplicates", arms, lambda arm: arm.log.duplicates)
    yield _pair("lost, out of order", arms, lambda arm: arm.log.lost, lambda arm: arm.log.out_of_order)
    yield from _violations(arms)
    if any(arm.producer.not_applicable for arm in arms):
        yield Row("not applicable", tuple(", ".join(arm.producer.not_applicable) or "-" for arm in arms))


def _wire(arms: Sequence[ArmResult]) -> Iterator[Row]:
    yield from _faults(arms)
    forced = any(fault.fired for arm in arms for fault in arm.wire.faults)
    yield _row("retries forced" if forced else "retries", arms, lambda arm: arm.wire.retries)
    yield from _where_any("frames not decoded", arms, lambda arm: arm.wire.undecoded)


def _faults(arms: Sequence[ArmResult]) -> Iterator[Row]:
    """What became of the acks; where a fault does something else, how often faults fired."""
    acks = [
        *_where_any("acks dropped", arms, lambda arm: arm.wire.acks_dropped),
        *_where_any("acks withheld", arms, lambda arm: arm.wire.acks_withheld),
        *_where_any("acks delayed", arms, lambda arm: arm.wire.acks_delayed),
    ]
    yield from acks
    if not acks and any(arm.wire.faults for arm in arms):
        yield _row("faults fired", arms, lambda arm: sum(fault.fired for fault in arm.wire.faults))


def _violations(arms: Sequence[ArmResult]) -> Iterator[Row]:
    """What cannot be known of programs that are not ours is left out: it is not a part that is missing."""
    if all(arm.log.records is None for arm in arms):
        return
    ours = any(arm.records.sent is not None for arm in arms)
    for label, value in _VIOLATIONS:
        if ours or any(value(arm) is not None for arm in arms):
            yield from _where_any(label, arms, value)


def _row(label: str, arms: Sequence[ArmResult], value: _Figure) -> Row:
    return Row(label, tuple(figure(value(arm)) for arm in arms))


def _where_any(label: str, arms: Sequence[ArmResult], value: _Figure) -> Iterator[Row]:
    """The row, where any arm has something else than 0 in it."""
    if any(value(arm) != 0 for arm in arms):
        yield _row(label, arms, value)


def _pair(label: str, arms: Sequence[ArmResult], first: _Figure, second: _Figure) -> Row:
    return Row(label, tuple(_both(first(arm), second(arm)) for arm in arms))


def _both(first: int | None, second: int | None) -> str:
    return UNKNOWN if first is None and second is None else f"{figure(first)}, {figure(second)}"
