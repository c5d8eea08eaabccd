"""The fault engine: asks the rules, and keeps their counters, for the run and not for a connection.

A rule is asked in this order: match, time window, count, nth / every / probability, times. On a frame the first that
fires decides, and later ones still count it. Rules at `connection`, `broker` and `workload` are asked each for itself:
of a connection when it is opened, of the producer's requests as they pass, and at the moment at which a rule begins.

Rules may come, go, rest and be reset while it runs; what the others have counted stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from .chance import Chance, draw
from .counts import cell
from .decisions import Decision, Outcome
from .foresight import Foresight, Gate, alike
from .index import Index
from .rule import PROCESSES, Entry, Frame, Rule, Side
from .tally import Tally

_NOTHING = Entry("", -1, False, 1, None)
_PLACES: tuple[tuple[str, Side], ...] = (
    ("produce", "request"),
    *((at, "event") for at in PROCESSES),
    ("produce", "response"),
)
"""Where rules are asked about a produce request and its answer."""
_INSTANT = 1e-6
"""Seconds: times that were worked out in different ways may differ by less."""


@dataclass(frozen=True, slots=True)
class _Time:
    """Seconds since the arm's first produce request (0 before it), and the time on a clock that always goes on."""

    elapsed: float
    now: float


class Engine:
    """All rules of one arm. `label` maps a topic's name to the one that chance and decisions go by.

    `all` are those that are there, `rules` those of them that are armed: nobody asks the others.
    """

    def __init__(
        self, rules: Iterable[Rule], *, seed: int, arm: str, label: Callable[[str], str] = lambda topic: topic
    ) -> None:
        self.all: tuple[Rule, ...] = ()
        self.rules: tuple[Rule, ...] = ()
        self._seed = seed
        self._arm = arm
        self._label = label
        self._tallies: dict[int, Tally] = {}
        self._resting: set[int] = set()
        self._named: dict[str, Tally] = {}
        self._index = Index(())
        self._asked = 0
        self._followed: set[str | None] = set()
        self._unsteady: set[str | None] = set()
        self.changes = cell()
        """Counts what makes all that was foreseen void."""
        self._begun: list[Rule] = []
        self.install(rules)

    def armed(self, api: str, side: Side) -> bool:
        """Whether any rule speaks of this API and side."""
        return bool(self._index.about(api, side))

    def reaches(self, api: str, side: Side, client_id: str, topic: str, partition: int) -> bool:
        """Whether any rule may have to do with frames of this API and side, of this client, topic and partition: such
        a one counts them, whether it fires or not."""
        return self._index.reaches(api, side, client_id, topic, partition)

    @property
    def has_events(self) -> bool:
        """Whether any rule that is armed is about something else than frames."""
        return any(rule.side == "event" for rule in self.rules)

    @property
    def timed(self) -> list[tuple[float, Rule]]:
        """The rules that begin at a time although nothing may happen then, with it: seconds after time zero."""
        return [(rule.when.after, rule) for rule in self.rules if rule.side == "event" and rule.when.after is not None]

    def take_begun(self) -> list[Rule]:
        """The rules at `connection`, `broker` and `workload` that waited for a fault which has fired since."""
        begun, self._begun = self._begun, []
        return begun

    # Changes.

    def install(self, rules: Iterable[Rule]) -> None:
        """These rules and no others from now on, in this order. One that is there already, the very object, keeps its
        counters, and rests if it did; any other is armed. The rule that one follows has to be among them."""
        self.all = tuple(rules)
        self._tallies = {id(rule): self._tallies.get(id(rule)) or Tally(rule) for rule in self.all}
        self._resting &= self._tallies.keys()
        self._renew()

    def arm(self, rule: Rule) -> None:
        """Ask this rule again; it goes on counting where it had stopped."""
        self._resting.discard(id(rule))
        self._renew()

    def disarm(self, rule: Rule) -> None:
        """Do not ask this rule any more: it neither counts nor fires."""
        self._resting.add(id(rule))
        self._renew()

    def reset(self, rule: Rule) -> None:
        """Let this rule count from nothing again, as if it had never fired."""
        self._tallies[id(rule)] = Tally(rule)
        self._renew()

    def is_armed(self, rule: Rule) -> bool:
        return id(rule) not in self._resting

    def counts(self, rule: Rule) -> tuple[int, int]:
        """How many frames (connections, moments) the rule has matched, and on how many it has fired."""
        tally = self._tallies[id(rule)]
        return tally.matched, tally.fired

    def begins_at_once(self, rule: Rule, elapsed: float, now: float) -> bool:
        """Whether a rule that was just added or armed is to be asked of what is there already: its moment has come,
        and it has not acted at it; or it lies on connections."""
        if rule.side != "event" or not self._open(rule, self._at(elapsed, now)):
            return False
        if rule.when.has_moment:
            return not rule.at_moment_alone or self._tallies[id(rule)].first is None
        return rule.lies

    def take_let_pass(self) -> list[tuple[str, int]]:
        """How many frames each rule has let pass since the last call, of those that it was not asked about (see
        `foresee`); rules without any are left out."""
        found = [(rule.name, self._tallies[id(rule)].untold) for rule in self.all]
        taken = [(name, untold[0]) for name, untold in found if untold[0]]
        for _, untold in found:
            untold[0] = 0
        return taken

    def _renew(self) -> None:
        """Work out again what follows from the rules."""
        self.changes[0] += 1
        self.rules = tuple(rule for rule in self.all if self.is_armed(rule))
        self._named = {rule.name: self._tallies[id(rule)] for rule in self.all}
        self._index = Index(self.rules)
        self._followed = {rule.when.following for rule in self.rules if rule.side == "event"} - {None}
        lasting = {rule.name for rule in self.rules if rule.lasts is not None}
        self._unsteady = {rule.when.following for rule in self.rules} | lasting

    # Questions.

    def decide(self, frame: Frame, elapsed: float, now: float | None = None) -> tuple[Outcome | None, list[Decision]]:
        """Ask every rule about a frame, `elapsed` seconds after the arm's first produce request: the first decides.

        `now` is the time on a clock that also goes on before that request; without it, `elapsed` is that clock.
        """
        outcome: Outcome | None = None
        decisions: list[Decision] = []
        if not self._index.about(frame.api, frame.side):
            return None, []
        self._asked += 1
        for rule in self._index.of(frame):
            found = self._ask(rule, frame, self._at(elapsed, now), outcome is not None, decisions)
            outcome = outcome or found
        return outcome, decisions

    def each(
        self,
        at: str,
        frame: Frame,
        elapsed: float,
        now: float | None = None,
        *,
        only: Rule | None = None,
        named: bool | None = None,
    ) -> tuple[list[Outcome], list[Decision]]:
        """Ask the rules at `connection`, `broker` or `workload`, each for itself, or `only` that one.

        The frame is a connection, or the produce request that passes. Without `only`, rules that act at their moment
        alone are not asked (see `moment`), unless they last; `named` picks those that name a client, or the others.
        """
        outcomes: list[Outcome] = []
        decisions: list[Decision] = []
        time = self._at(elapsed, now)
        about = self._index.about(at, "event")
        rules = [only] if only is not None else [rule for rule in about if self._asks(rule, time)]
        rules = [rule for rule in rules if named is None or rule.names_client == named]
        if rules:
            self._asked += 1
        for rule in rules:
            found = self._ask(rule, frame, time, False, decisions)
            if found is not None:
                outcomes.append(found)
        return outcomes, decisions

    def foresee(self, request: Frame, elapsed: float, now: float) -> Foresight | None:
        """What the rules have to count of produce requests that are like this one but for size and records, and of
        their answers; None where a rule may fire on any of them. `now` as in `decide`."""
        found = Foresight()
        for at, side in _PLACES if self.rules else ():
            frame = replace(request, api=at, side=side)
            for rule in self._index.of(frame):
                if side == "event" and rule.at_moment_alone:
                    continue
                if not alike(rule.match, frame):
                    continue
                if rule.lasts is not None and (rule.has_own_moment or self._goes_on(rule, self._at(elapsed, now))):
                    return None
                if self._counts(rule, elapsed, now, found):
                    gate = Gate(self._tallies[id(rule)], frame, self._chance(rule, frame, *frame.entries))
                    (found.answers if side == "response" else found.requests).append(gate)
        return found

    def _counts(self, rule: Rule, elapsed: float, now: float, found: Foresight) -> bool:
        """Whether the rule's window is open now; when that changes is noted."""
        when = rule.when
        if when.following is not None and self._named[when.following].fired_at is None:
            return False
        for edge in (when.after, when.until):
            if edge is not None and elapsed < edge:
                found.up_to(now - elapsed + edge - _INSTANT)
        return when.open_at(elapsed)

    def _chance(self, rule: Rule, frame: Frame, entry: Entry) -> Chance:
        topic = self._label(entry.topic)
        return Chance(self._seed, self._arm, rule.name, frame.client_id, topic, entry.partition)

    def began(self, rule: Rule, elapsed: float, now: float | None = None) -> float | None:
        """When the rule's own moment was, on the clock of `now`; None where it has none, or it has not come."""
        return self._moment(rule, self._at(elapsed, now))

    def moment(self, rule: Rule, elapsed: float, now: float | None = None) -> tuple[Outcome | None, list[Decision]]:
        """The moment of a rule at `broker` or `workload` has come: it fires, whatever passes; at most so often."""
        frame = Frame(rule.api, "event", "", 0, 0, (_NOTHING,))
        tally = self._tallies[id(rule)]
        time = self._at(elapsed, now)
        if not self._open(rule, time) or not tally.left(frame, [_NOTHING]):
            return None, []
        self._asked += 1
        tally.total[0] += 1
        n = tally.matches.add(("", "", -1))
        outcome = self._fire(tally, frame, [_NOTHING], time.now)
        return outcome, [Decision(rule.name, _NOTHING, n, True, True, rule.fault.word)]

    # One rule.

    def _at(self, elapsed: float, now: float | None) -> _Time:
        return _Time(elapsed, elapsed if now is None else now)

    def _open(self, rule: Rule, time: _Time) -> bool:
        """Whether its window is open. The very frame on which the fault that it follows fires is not yet in it."""
        if not rule.when.open_at(time.elapsed) or self._is_over(rule, time):
            return False
        if rule.when.following is None:
            return True
        fired_at = self._named[rule.when.following].fired_at
        return fired_at is not None and (fired_at < self._asked or rule.side == "event")

    def _asks(self, rule: Rule, time: _Time) -> bool:
        return not rule.at_moment_alone or self._goes_on(rule, time)

    def _moment(self, rule: Rule, time: _Time) -> float | None:
        """When all that it does began."""
        when = rule.when
        followed = None if when.following is None else self._named[when.following].first
        if not rule.has_own_moment or not when.open_at(time.elapsed):
            return None
        if when.following is not None and followed is None:
            return None
        times = [followed, None if when.after is None else time.now - time.elapsed + when.after]
        return max(each for each in times if each is not None)

    def _goes_on(self, rule: Rule, time: _Time) -> bool:
        """Whether it still lasts, so that whatever fits fares as what it fired on."""
        if rule.lasts is None:
            return False
        since = self._moment(rule, time) if rule.has_own_moment else self._tallies[id(rule)].last
        return since is not None and time.now < since + rule.lasts

    def _is_over(self, rule: Rule, time: _Time) -> bool:
        """Whether its own moment lies so far back that nothing is left of it."""
        if rule.is_over_after is None or not rule.has_own_moment:
            return False
        since = self._moment(rule, time)
        return since is not None and time.now >= since + rule.is_over_after

    def _ask(self, rule: Rule, frame: Frame, time: _Time, decided: bool, decisions: list[Decision]) -> Outcome | None:
        matching = rule.match.entries(frame)
        if not matching or not self._open(rule, time):
            return None
        tally = self._tallies[id(rule)]
        tally.count(frame, matching)
        numbered = [(entry, tally.matches.add((frame.client_id, entry.topic, entry.partition))) for entry in matching]
        hit = [entry for entry, n in numbered if self._triggers(tally, frame, entry, n)]
        hit = tally.left(frame, hit)
        anew = bool(hit)
        if not hit and self._goes_on(rule, time):
            hit = matching
        fires = bool(hit) and not decided
        word = rule.fault.word if fires else "overruled" if hit else "pass"
        decisions.extend(
            Decision(rule.name, entry, n, fires, fires and entry in hit, word if entry in hit else "pass")
            for entry, n in numbered
        )
        return self._fire(tally, frame, hit, time.now, anew=anew) if fires else None

    def _triggers(self, tally: Tally, frame: Frame, entry: Entry, n: int) -> bool:
        rule = tally.rule
        if rule.when.probability is None:
            return tally.triggers(frame, entry)
        return self._chance(rule, frame, entry).hits(rule.when.probability, n)

    def _fire(self, tally: Tally, frame: Frame, hit: Sequence[Entry], now: float, *, anew: bool = True) -> Outcome:
        rule, first = tally.rule, hit[0]
        if tally.fired_at is None and rule.name in self._followed:
            self._begun += [each for each in self.rules if each.side == "event" and each.when.following == rule.name]
        if rule.name in self._unsteady:
            self.changes[0] += 1
        tally.fire(self._asked, frame, list(hit), now, anew=anew)
        n = tally.matches[(frame.client_id, first.topic, first.partition)]
        topic = self._label(first.topic)
        jitter = draw(self._seed, self._arm, rule.name, "jitter", frame.client_id, topic, first.partition, n)
        return Outcome(rule, rule.fault.verdict(jitter), tuple(hit))
