"""The faults of a proxy, changed while it runs.

A change is checked as a scenario is, before anything is touched. Of a scenario's file that was changed, what did not
change stays as it is: its counters, and whether it is armed, or was removed by somebody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import trio

from ...control.port import NoSuchFault
from ...control.snapshot import FaultState, Origin
from ...core import changing
from ...core.commands import Command
from ...errors import UsageError
from ...faults.engine import Engine
from ...faults.rule import Rule
from ...observations import Changed, How, Who
from ...relay import Proxy
from ...scenario.explain.rules import said
from ...scenario.models import Entry, Scenario, entries_of

Totals = Callable[[str], tuple[int, int]]
"""How many frames a fault of this name has matched and fired on since the proxy began."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A fault that is there: its rule, who brought it, and what stands for it in a file."""

    rule: Rule
    origin: Origin
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a changed file changed, by name: a fault that is new, is no more, or is another one by now."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


class LiveFaults:
    """The faults of one arm. `check` raises an AckdropError for rules that cannot be done here."""

    def __init__(self, proxy: Proxy, scenario: Scenario | None, check: Callable[[Iterable[Rule]], None]) -> None:
        self._proxy = proxy
        self._check = check
        self._scenario = scenario
        self._coming = trio.Lock()
        """Held by whoever brings faults, so that no two bring the same name."""
        self._seed = 0 if scenario is None else scenario.seed
        entries = {} if scenario is None else entries_of(scenario)
        self._standing = [Standing(rule, "scenario", entries[rule.name]) for rule in self._engine.all]

    @property
    def _engine(self) -> Engine:
        return self._proxy.wire.engine

    def states(self, totals: Totals) -> tuple[FaultState, ...]:
        """All that are there, in the order in which they are asked."""
        return tuple(self._state(one, totals) for one in self._standing)

    def state(self, name: str, totals: Totals) -> FaultState:
        """One of them. Raises NoSuchFault."""
        return self._state(self._named(name), totals)

    def entry(self, name: str) -> Entry:
        """What stands for it in a file, as plain values. Raises NoSuchFault."""
        return self._named(name).entry

    async def add(self, text: bytes, who: Who = "control") -> tuple[list[str], list[str]]:
        """Add the faults that a text means, behind the others and armed: their names, and warnings for a person.

        It is read in a thread, for it may be long. Raises ScenarioError with every problem, and what the check raises;
        then nothing is added.
        """
        async with self._coming:
            from ...scenario.added import added

            entries = [one.entry for one in self._standing]
            found = await trio.to_thread.run_sync(partial(added, text, entries, seed=self._seed))
            self._check(found.rules)
            fresh = [Standing(rule, "control", entry) for rule, entry in zip(found.rules, found.entries, strict=True)]
            self._install([*self._standing, *fresh], who)
            return [one.rule.name for one in fresh], [warning.shown for warning in found.warnings]

    def remove(self, name: str, who: Who = "control") -> None:
        """Raises NoSuchFault, and UsageError where another fault follows it."""
        gone = self._named(name)
        self._install([one for one in self._standing if one is not gone], who)

    def arm(self, name: str, who: Who = "control") -> None:
        """Ask it again; nothing where it is armed. Raises NoSuchFault."""
        rule = self._named(name).rule
        if not self._engine.is_armed(rule):
            self._change(partial(changing.arm, self._proxy.wire, rule), rule, "armed", who)

    def disarm(self, name: str, who: Who = "control") -> None:
        """Let it rest; nothing where it does. Raises NoSuchFault."""
        rule = self._named(name).rule
        if self._engine.is_armed(rule):
            self._change(partial(changing.disarm, self._proxy.wire, rule), rule, "disarmed", who)

    def reset(self, name: str | None = None, who: Who = "control") -> None:
        """Let it count from nothing again, or all of them. Raises NoSuchFault."""
        for one in self._standing if name is None else [self._named(name)]:
            self._change(partial(changing.reset, self._proxy.wire, one.rule), one.rule, "reset", who)

    async def reload(self, scenario: Scenario) -> Reloaded:
        """Take the faults of a file that was changed; what was added by hand stays, behind them.

        Raises UsageError for a name that was given by hand, and what the check raises; then nothing is changed.
        """
        async with self._coming:
            return self._reload(scenario)

    def _reload(self, scenario: Scenario) -> Reloaded:
        before = {} if self._scenario is None else {rule.name: rule for rule in self._scenario.rules}
        there = {one.rule.name: one for one in self._standing}
        entries = entries_of(scenario)
        kept: list[Standing] = []
        fresh: list[str] = []
        for rule in scenario.rules:
            standing = there.get(rule.name)
            if standing is not None and standing.origin == "control":
                raise UsageError(
                    f'the fault "{rule.name}" was added while the proxy ran',
                    remedy="remove that one, or give the file's another name",
                )
            if before.get(rule.name) != rule:
                kept.append(Standing(rule, "scenario", entries[rule.name]))
                fresh.append(rule.name)
            elif standing is not None:
                kept.append(standing)
        self._check([one.rule for one in kept if one.rule.name in fresh])
        after = {rule.name for rule in scenario.rules}
        gone = [name for name, one in there.items() if one.origin == "scenario" and name not in after]
        self._install([*kept, *(one for one in self._standing if one.origin == "control")], "file")
        self._scenario = scenario
        return Reloaded(
            added=tuple(name for name in fresh if name not in there),
            removed=tuple(gone),
            changed=tuple(name for name in fresh if name in there),
        )

    def _install(self, standing: Sequence[Standing], who: Who) -> None:
        """These from now on. Raises UsageError where one follows a fault that would not be there."""
        names = {one.rule.name for one in standing}
        for one in standing:
            if one.rule.when.following not in {None, *names}:
                raise UsageError(
                    f'the fault "{one.rule.name}" follows "{one.rule.when.following}", which would not be there',
                    remedy=f'remove "{one.rule.name}" first, or let it follow another one',
                )
        left = {id(one.rule) for one in standing}
        there = {id(one.rule) for one in self._standing}
        told = [self._told(one.rule, "removed", who) for one in self._standing if id(one.rule) not in left]
        for one in standing:
            if id(one.rule) not in there:
                told.append(self._told(one.rule, "added", who, json.dumps(one.entry, ensure_ascii=False)))
        self._standing = list(standing)
        wire, rules = self._proxy.wire, [one.rule for one in standing]
        self._proxy.perform(changing.install(wire, rules, told, trio.current_time()))
        self._proxy.flush()

    def _change(self, change: Callable[[Changed, float], list[Command]], rule: Rule, how: How, who: Who) -> None:
        self._proxy.perform(change(self._told(rule, how, who), trio.current_time()))
        self._proxy.flush()

    def _told(self, rule: Rule, how: How, who: Who, entry: str | None = None) -> Changed:
        now = trio.current_time()
        return Changed(now, rule.name, how, who, entry, self._proxy.wire.elapsed(now))

    def _named(self, name: str) -> Standing:
        found = next((one for one in self._standing if one.rule.name == name), None)
        if found is None:
            names = [one.rule.name for one in self._standing]
            near = get_close_matches(name, names, n=1)
            there = ", ".join(f'"{each}"' for each in names) or "none"
            remedy = f'did you mean "{near[0]}"?' if near else f"there are: {there}"
            raise NoSuchFault(f'no fault "{name}"', remedy=remedy)
        return found

    def _state(self, one: Standing, totals: Totals) -> FaultState:
        rule = one.rule
        matched, fired = self._engine.counts(rule)
        total_matched, total_fired = totals(rule.name)
        return FaultState(
            name=rule.name,
            at=rule.api if rule.side == "event" else f"{rule.api}.{rule.side}",
            do=rule.fault.word,
            said=said(rule, self._seed),
            armed=self._engine.is_armed(rule),
            origin=one.origin,
            matched=matched,
            fired=fired,
            total_matched=total_matched,
            total_fired=total_fired,
        )
