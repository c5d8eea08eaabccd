"""Validated models to the frozen values that other rooms work with, and the defaults that depend on the whole."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from ..faults.rule import Match, Rule, Side, When
from ..result import Expectation, ExpectedFigure
from .models import Arm, ProducerConfig, Scenario, Workload
from .spec import FIGURES, ArmSpec, FaultSpec, MatchSpec, ScenarioSpec, WhenSpec, WorkloadSpec

_NO_LOSS = (Expectation("lost", "==", 0),)
_UNPROTECTED = (Expectation("duplicates", ">=", 1), Expectation("lost", "==", 0))
_PROTECTED = (
    Expectation("duplicates", "==", 0),
    Expectation("lost", "==", 0),
    Expectation("out_of_order", "==", 0),
)


def scenario(spec: ScenarioSpec, *, file: str | None, name: str, content: bytes) -> Scenario:
    """The scenario that a valid specification means."""
    control = spec.control is None
    return Scenario(
        title=spec.title or name,
        description=spec.description,
        seed=spec.seed,
        workload=_workload(spec.workload),
        arms=tuple(Arm(arm.name, arm.idempotence) for arm in spec.arms),
        rules=tuple(map(_rule, spec.faults, rule_names(spec.faults))),
        expect={arm.name: _expectations(spec, arm) for arm in spec.arms},
        control=control,
        control_arm=control_arm(spec) if control else None,
        identity=spec.identity,
        isolation=spec.isolation,
        repeat=spec.repeat,
        file=file,
        sha256=sha256(content).hexdigest(),
        name=name,
        content=content,
    )


def control_arm(spec: ScenarioSpec) -> str | None:
    """The arm that must show a duplicate: `off`, else the first without idempotence; None where there is none."""
    unprotected = [arm.name for arm in spec.arms if not arm.idempotence]
    return "off" if "off" in unprotected else next(iter(unprotected), None)


def rule_names(faults: Sequence[FaultSpec]) -> list[str]:
    """The name of each fault: its own, or one made from `do` and `at` that no other has."""
    taken = {fault.name for fault in faults if fault.name is not None}
    names: list[str] = []
    for fault in faults:
        name = fault.name
        if name is None:
            name = _free(f"{fault.do.chosen()[0].word} at {fault.at}", taken)
            taken.add(name)
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    candidates = (name if number == 1 else f"{name} ({number})" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in candidates if candidate not in taken)


def _workload(spec: WorkloadSpec) -> Workload:
    return Workload(
        producer=spec.producer,
        records=spec.records,
        sends=spec.sends,
        resend_failed=spec.resend_failed,
        rate=spec.rate,
        pipelined=spec.pipelined,
        value=spec.value,
        partitions=spec.topic.partitions,
        replication=spec.topic.replication,
        config=ProducerConfig(**{word: getattr(spec.config, word) for word in type(spec.config).model_fields}),
        client_config=dict(spec.client_config),
        deadline=spec.deadline,
    )


def _rule(spec: FaultSpec, name: str) -> Rule:
    api, _, side = spec.at.partition(".")
    sides: dict[str, Side] = {"request": "request", "response": "response", "": "event"}
    return Rule(name, api, sides[side], _match(spec.match), _when(spec.when), spec.do.chosen()[0].fault())


def _match(spec: MatchSpec) -> Match:
    return Match(**{key: getattr(spec, key) for key in MatchSpec.model_fields})


def _when(spec: WhenSpec) -> When:
    given = {key: getattr(spec, key) for key in WhenSpec.model_fields}
    return When(**{**given, "nth": spec.nth or ()})


def _expectations(spec: ScenarioSpec, arm: ArmSpec) -> tuple[Expectation, ...]:
    """What the file expects of an arm; for an arm that `expect` does not name, the default."""
    if arm.name in spec.expect:
        given = spec.expect[arm.name]
        return tuple(Expectation(_figure(word), *given[word]) for word in given)
    if spec.control is not None:
        return _NO_LOSS
    return _PROTECTED if arm.idempotence else _UNPROTECTED


def _figure(word: str) -> ExpectedFigure:
    return next(figure for figure in FIGURES if figure == word)
