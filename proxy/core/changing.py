"""Rules that come, go, rest, and are reset while the wire carries traffic.

A change is observed before anything follows from it. What a fault has done to a frame stays done; what it lays on
connections ends with it, and where it begins at a moment that has passed, it begins at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..faults.rule import Rule
from ..observations import Changed
from .commands import Command
from .recording import resumed

if TYPE_CHECKING:
    from .wire import Wire


def install(wire: Wire, rules: Sequence[Rule], told: Sequence[Changed], now: float) -> list[Command]:
    """These rules and no others from now on: see `Engine.install`. `told` says what is different."""
    engine = wire.engine
    there = set(map(id, engine.all))
    fresh = [rule for rule in rules if id(rule) not in there]
    left = set(map(id, rules))
    gone = [rule for rule in engine.all if id(rule) not in left]
    _tell(wire, bool(fresh), told, now)
    engine.install(rules)
    _lift(wire, gone, now)
    wire.renew(fresh, now)
    return wire.follow(now)


def arm(wire: Wire, rule: Rule, told: Changed, now: float) -> list[Command]:
    """Ask a rule again that rests."""
    _tell(wire, True, [told], now)
    wire.engine.arm(rule)
    wire.renew([rule], now)
    return wire.follow(now)


def disarm(wire: Wire, rule: Rule, told: Changed, now: float) -> list[Command]:
    """Let a rule rest."""
    _tell(wire, False, [told], now)
    wire.engine.disarm(rule)
    _lift(wire, [rule], now)
    wire.renew([], now)
    return wire.follow(now)


def reset(wire: Wire, rule: Rule, told: Changed, now: float) -> list[Command]:
    """Let a rule count from nothing again."""
    _tell(wire, False, [told], now)
    wire.engine.reset(rule)
    return wire.follow(now)


def _tell(wire: Wire, armed: bool, told: Sequence[Changed], now: float) -> None:
    for connection in wire.connections:
        connection.settle()
    wire.lanes.tell_all()
    if armed and not wire.engine.rules:
        resumed(wire, now)
    for changed in told:
        wire.observe(changed)


def _lift(wire: Wire, rules: Sequence[Rule], now: float) -> None:
    for rule in rules:
        if rule.lies:
            for connection in wire.connections:
                connection.lift(rule.name, now)
