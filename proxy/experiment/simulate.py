"""A recorded run's frames through the rules of a scenario, with no broker: which would have been hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..faults.engine import Engine
from ..faults.replay import Answer, Replay
from ..faults.rule import ANY_API, PROCESSES, Rule
from ..ledger.events import FRAMES_SINCE, changed_in, passed_in, reached_in, read_events
from ..observations import Changed, Decided, Passed, Reached
from ..passed import in_time
from ..scenario.models import Scenario


@dataclass(slots=True)
class Recording:
    """What a run's events hold of one arm: its frames, and the changes of its faults among them; `passed` stands for
    further frames. `places` counts all frames by (side, API)."""

    arm: str
    format: int
    suffix: str
    faults: tuple[str, ...]
    frames: list[Reached | Changed] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    places: Counter[tuple[str, str]] = field(default_factory=Counter)

    def in_order(self) -> Iterable[Reached | Changed]:
        """All frames, and the changes among them, as they came."""
        return in_time(self.frames, self.passed)

    @property
    def added(self) -> dict[str, None]:
        """The faults that it did not have from the beginning, in the order in which they came."""
        changes = (one for one in self.frames if isinstance(one, Changed) and one.change == "added")
        return dict.fromkeys(one.fault for one in changes if one.fault not in self.faults)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a rule would have done in one arm. `fired` holds (seconds since the first produce request, decision)."""

    rule: Rule
    matched: int
    fired: tuple[tuple[float, tuple[Decided, ...]], ...]


@dataclass(frozen=True, slots=True)
class SimulatedArm:
    """One arm of the recording. `lacking` are sentences: what the recording does not have."""

    arm: str
    rules: tuple[Simulated, ...]
    lacking: tuple[str, ...]


def simulate(
    scenario: Scenario, folder: Path, seed: int | None = None, *, decided: Callable[[str, Decided], None] | None = None
) -> list[SimulatedArm]:
    """Each recorded arm, simulated; `decided` is told of every decision, with the arm's name. Raises UsageError where
    the folder holds no recording that can be read."""
    recordings, let_go = _read(folder)
    seed = scenario.seed if seed is None else seed
    return [_arm(scenario.rules, seed, recording, let_go, decided) for recording in recordings]


def _arm(
    rules: Sequence[Rule],
    seed: int,
    recording: Recording,
    let_go: int,
    decided: Callable[[str, Decided], None] | None,
) -> SimulatedArm:
    engine = Engine(rules, seed=seed, arm=recording.arm, label=lambda topic: topic.removesuffix(recording.suffix))
    matched: Counter[str] = Counter()
    fired: dict[str, list[Answer]] = {rule.name: [] for rule in rules}
    for answer in Replay(engine, recording.suffix, recording.added).ask(recording.in_order()):
        matched[answer.rule] += 1
        if answer.fired:
            fired[answer.rule].append(answer)
        if decided is not None:
            for one in answer.decided:
                decided(recording.arm, one)
    return SimulatedArm(
        recording.arm,
        tuple(
            Simulated(rule, matched[rule.name], tuple((each.elapsed, each.decided) for each in fired[rule.name]))
            for rule in rules
        ),
        tuple(_lacking(rules, recording, let_go)),
    )


def _lacking(rules: Sequence[Rule], recording: Recording, let_go: int) -> Iterator[str]:
    if recording.format < FRAMES_SINCE:
        yield "an older version of ackdrop recorded it, without frames: run the scenario again"
        return
    if not (recording.faults or recording.added):
        yield "frames are recorded only where a run has faults, and it had none: run it with any fault"
        return
    if let_go:
        yield f"it is not whole: {let_go} frames were let go for its size, so counts begin in the middle"
    missing = [name for name in recording.added if name not in {rule.name for rule in rules}]
    if missing:
        named = ", ".join(f'"{name}"' for name in missing)
        yield f"the run was given faults while it went on that are not in this scenario: {named}"
    if _paused(recording) and any(rule.name not in {*recording.faults, *recording.added} for rule in rules):
        yield "frames are recorded only while a fault is armed, and for a time none was"
    for place in dict.fromkeys(_place(rule) for rule in rules if not _reached(rule, recording)):
        why = "never came there, or was not recorded there"
        yield f"it has no {place}: the run {why}"


def _paused(recording: Recording) -> bool:
    """Whether no fault was armed for a time: what passed then is known to nobody but to faults that rested, too."""
    armed, paused = set(recording.faults), not recording.faults
    for one in recording.frames:
        if isinstance(one, Changed) and one.change != "reset":
            (armed.add if one.change in ("added", "armed") else armed.discard)(one.fault)
            paused = paused or not armed
    return paused


def _place(rule: Rule) -> str:
    if rule.side == "event":
        return rule.api if rule.api == "connection" else "produce.request"
    return f"{rule.api}.{rule.side}"


def _reached(rule: Rule, recording: Recording) -> bool:
    """Whether the recording has anything that the rule could be asked about."""
    if rule.side == "event":
        wanted = ("request", "produce") if rule.api in PROCESSES else ("event", "connection")
        return recording.places[wanted] > 0
    return any(
        side == rule.side
        and rule.api in (api, ANY_API)
        and any(fnmatchcase(api, pattern) for pattern in rule.match.api)
        for side, api in recording.places
    )


def _read(folder: Path) -> tuple[list[Recording], int]:
    found: dict[str, Recording] = {}
    let_go = 0
    try:
        for event in read_events(folder):
            let_go = max(let_go, _take(event, found))
    except FileNotFoundError as error:
        raise UsageError(
            f"{folder} holds no events.jsonl", remedy="name the folder of a run, such as one in ackdrop-runs/"
        ) from error
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder}/events.jsonl cannot be understood: {type(error).__name__}: {error}",
            remedy="read it with the version of ackdrop that wrote it",
        ) from error
    if not found:
        raise UsageError(f"{folder}/events.jsonl holds no arm", remedy="name the folder of a run that has begun")
    return list(found.values()), let_go


def _take(event: dict[str, Any], found: dict[str, Recording]) -> int:
    """Take in one event; how many frames it says were let go."""
    kind = event["event"]
    if kind == "rotated":
        for arm in event["arms"]:
            _take(arm, found)
        return int(event.get("frames_let_go", 0))
    if kind == "arm":
        new = Recording(event["arm"], event.get("format", 1), event.get("suffix", ""), tuple(event["faults"]))
        found.setdefault(new.arm, new)
    elif kind == "frame":
        recording, reached = found[event["arm"]], reached_in(event)
        recording.frames.append(reached)
        recording.places[reached.side, reached.api] += 1
    elif kind == "changed":
        found[event["arm"]].frames.append(changed_in(event))
    elif kind == "passed":
        recording, passed = found[event["arm"]], passed_in(event)
        recording.passed += passed
        for side in ("request", "response"):
            recording.places[side, "produce"] += sum(len(each.attempts) for each in passed)
    return 0
