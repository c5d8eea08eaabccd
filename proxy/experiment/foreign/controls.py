"""The faults of a proxy that runs: which there are, and how they are armed and disarmed."""

from __future__ import annotations

from collections.abc import Callable

import trio

from ...control.snapshot import FaultState
from ...core import changing
from ...core.commands import Command
from ...core.wire import Wire
from ...faults.rule import Rule
from ...observations import Changed, How, Who
from ...relay import Proxy
from ...scenario.explain.clients import ACTION_OF

Totals = Callable[[str], tuple[int, int]]


class Controls:
    """What can be done to one proxy's faults. Every change is in force when the call is over."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def states(self, totals: Totals) -> tuple[FaultState, ...]:
        """The faults that are there; `totals` says how often one of a name has matched and fired since the start."""
        return tuple(self._state(rule, *totals(rule.name)) for rule in self._proxy.wire.engine.all)

    def arm(self, name: str, who: Who) -> None:
        """Ask it again; nothing where it is armed, or gone."""
        self._change(name, "armed", who, changing.arm)

    def disarm(self, name: str, who: Who) -> None:
        """Let it rest; nothing where it does, or is gone."""
        self._change(name, "disarmed", who, changing.disarm)

    def _change(
        self, name: str, how: How, who: Who, change: Callable[[Wire, Rule, Changed, float], list[Command]]
    ) -> None:
        wire, now = self._proxy.wire, trio.current_time()
        for rule in wire.engine.all:
            if rule.name == name and wire.engine.is_armed(rule) == (how == "disarmed"):
                told = Changed(now, name, how, who, None, wire.elapsed(now))
                self._proxy.perform(change(wire, rule, told, now))
                self._proxy.flush()

    def _state(self, rule: Rule, total_matched: int, total_fired: int) -> FaultState:
        engine = self._proxy.wire.engine
        matched, fired = engine.counts(rule)
        return FaultState(
            name=rule.name,
            at=rule.api if rule.side == "event" else f"{rule.api}.{rule.side}",
            do=rule.fault.word,
            said=ACTION_OF[rule.fault.word].said(rule.fault, rule.api if rule.side == "event" else rule.side),
            armed=engine.is_armed(rule),
            origin="scenario",
            matched=matched,
            fired=fired,
            total_matched=total_matched,
            total_fired=total_fired,
        )
