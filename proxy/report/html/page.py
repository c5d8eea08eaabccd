"""A run as the templates want it: every part of the page worked out, nothing of it formatted yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ...result import ArmResult, RunResult
from .. import spreads
from ..baseline import is_known
from ..clean import shortened
from ..codes import CODES
from ..figures import Row, expectation, heading, rows
from ..finished import Finished
from ..verdicts import advice, sentence
from ..words import again, broker, counted, lasted, origin
from . import attempts
from .findings import Findings, findings
from .tables import Table
from .timeline import Timeline, scale_of, timeline
from .wires import Wires, folders, wires

SCENARIO = "scenario.yaml"
LONGEST = 64 * 1024
"""How much of a scenario's file is shown, in bytes."""

_MARKS = {True: "✓", False: "✗", None: "?"}
_SAID = {"✓": "held", "✗": "did not hold", "?": "not known"}


@dataclass(frozen=True, slots=True)
class Why:
    """A reason. `meaning` is what its code says in general."""

    arm: str
    text: str
    code: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation and what became of it; `mark` is ✓, ✗ or ?, `said` the same for those who cannot see it."""

    text: str
    mark: str
    said: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The arms side by side. `expected` has a list for each arm; `seen`: the caption is for everyone."""

    caption: str
    seen: bool
    headings: list[str]
    rows: list[Row]
    expected: list[list[Expected]]


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a list of facts."""

    name: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Page:
    """One run. `name` begins every id of its part of the document."""

    name: str
    title: str
    origin: str
    broker: str
    times: str
    verdict: str
    sentence: str
    exit_code: int
    reasons: list[Why]
    advice: list[str]
    repeated: Comparison | None
    comparison: Comparison | None
    findings: Findings
    timelines: list[Timeline]
    absent: str
    attempts: Table | None
    watched: list[tuple[str, str]]
    faults: list[Fact]
    scenario: list[str]
    scenario_note: str
    arms: list[str]
    producers: list[Fact]
    facts: list[Fact]
    versions: list[Fact]
    command: str
    notes: list[str]


def page(run: Finished, name: str) -> Page:
    """All that there is to say of the run."""
    result, seen = run.result, wires(run)
    drawn = _timelines(result.arms, seen, name)
    scenario, scenario_note = _scenario(run)
    table = attempts.of_run(seen, f"{name}-attempts")
    return Page(
        name=name,
        title=result.scenario.title,
        origin=origin(result),
        broker=broker(result.broker),
        times=_times(result),
        verdict=result.verdict,
        sentence=sentence(result),
        exit_code=result.exit_code,
        reasons=[Why(told.arm or "", told.text, told.code, CODES.get(told.code, "")) for told in result.reasons],
        advice=list(advice(result, run.folder is not None)),
        repeated=_repeated(result),
        comparison=_comparison(result),
        findings=findings(result.arms, seen, name),
        timelines=drawn,
        absent=seen.absent or ("" if drawn else "No produce request passed the proxy."),
        attempts=table if table.lines else None,
        watched=[(arm.name, heading(arm)) for arm in result.arms if arm.name in seen.arms],
        faults=_faults(result.arms),
        scenario=scenario,
        scenario_note=scenario_note,
        arms=[heading(arm) for arm in result.arms],
        producers=_producers(result.arms),
        facts=_facts(result),
        versions=[Fact(name, [text]) for name, text in (result.run.versions if result.run else {}).items()],
        command=again(result) or "",
        notes=list(result.notes),
    )


def _times(result: RunResult) -> str:
    if result.run is None:
        return ""
    took = "" if result.run.seconds is None else f", took {lasted(result.run.seconds)}"
    return f"{result.run.started.replace('T', ' ').partition('.')[0].removesuffix('Z')} UTC{took}"


def _comparison(result: RunResult) -> Comparison | None:
    if not result.arms:
        return None
    repeat = result.repeat
    told = None if repeat is None else f"Run {repeat.shown:,}, the first of those with the worst verdict"
    expected = [
        [_expected(expectation(each, is_known(each, arm, result)), _MARKS[each.held]) for each in arm.expectations]
        for arm in result.arms
    ]
    return Comparison(
        told or "The arms side by side",
        told is not None,
        [heading(arm) for arm in result.arms],
        rows(result.arms),
        expected,
    )


def _repeated(result: RunResult) -> Comparison | None:
    repeat = result.repeat
    if repeat is None or not repeat.arms:
        return None
    expected = [
        [_expected(spreads.tally(told), spreads.mark(told)) for told in arm.expectations] for arm in repeat.arms
    ]
    caption = f"{spreads.runs(repeat)}. Figures that differ read {spreads.LEGEND}"
    return Comparison(caption, True, spreads.headings(repeat, result.arms), spreads.rows(repeat), expected)


def _expected(text: str, mark: str) -> Expected:
    """The mark stands by itself, to be coloured and read out."""
    return Expected(text.removesuffix(mark).rstrip(), mark, _SAID[mark])


def _timelines(arms: Sequence[ArmResult], seen: Wires, name: str) -> list[Timeline]:
    scale = scale_of(seen.arms.values())
    drawn = [
        timeline(seen.arms[arm.name], scale, arm=heading(arm), label=f"{name}-t{n}")
        for n, arm in enumerate(arms, 1)
        if arm.name in seen.arms
    ]
    return [found for found in drawn if found is not None]


def _faults(arms: Sequence[ArmResult]) -> list[Fact]:
    """Each fault with a cell for each arm: how often it matched, and fired."""
    tallies = [{fault.name: fault for fault in arm.wire.faults} for arm in arms]
    names = dict.fromkeys(fault.name for arm in arms for fault in arm.wire.faults)
    return [Fact(name, [_tally(found[name].matched, found[name].fired) if name in found else "-" for found in tallies])
            for name in names]  # fmt: skip


def _tally(matched: int, fired: int) -> str:
    return f"matched {matched:,}, {f'fired {fired:,}' if fired else 'never fired'}"


def _scenario(run: Finished) -> tuple[list[str], str]:
    """The scenario's file line by line, and what is to be said of it."""
    for folder in folders(run):
        try:
            with (folder / SCENARIO).open("rb") as file:
                found = file.read(LONGEST + 1)
        except OSError:
            continue
        lines = found[:LONGEST].decode("utf-8", "replace").splitlines()
        return lines, f"The first {LONGEST // 1024} KiB of the file." if len(found) > LONGEST else ""
    scenario = run.result.scenario
    return [], f"{scenario.title}, seed {scenario.seed}. Its file is not in the run's folder."


def _producers(arms: Sequence[ArmResult]) -> list[Fact]:
    """A line for each thing that a producer was given, a value for each arm."""
    keys = dict.fromkeys(key for arm in arms for key in arm.producer.config)
    facts = [Fact("client", [f"{arm.producer.client} {arm.producer.version or ''}".strip() for arm in arms])]
    facts += [Fact(key, [_setting(arm.producer.config, key) for arm in arms]) for key in keys]
    if any(arm.producer.not_applicable for arm in arms):
        facts.append(Fact("not applicable", [", ".join(arm.producer.not_applicable) or "-" for arm in arms]))
    facts.append(Fact("log read as", [arm.isolation for arm in arms]))
    return facts


def _setting(config: dict[str, object], key: str) -> str:
    if key not in config:
        return "-"
    value = config[key]
    return shortened(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False), 200)


def _facts(result: RunResult) -> list[Fact]:
    scenario, info = result.scenario, result.broker
    facts = [
        Fact("scenario", [scenario.title]),
        Fact("file", [scenario.file or "-"]),
        Fact("seed", [str(scenario.seed)]),
    ]
    if scenario.sha256:
        facts.append(Fact("SHA-256 of the file", [scenario.sha256]))
    facts.append(Fact("broker", [broker(info)]))
    if info is not None and info.cluster_id:
        facts.append(Fact("cluster id", [info.cluster_id]))
    if result.run is not None:
        facts += [Fact("run", [result.run.id or "-"]), Fact("started", [result.run.started])]
    frames = sum(arm.wire.undecoded or 0 for arm in result.arms)
    if frames:
        facts.append(Fact("not decoded", [counted(frames, "frame")]))
    return facts
