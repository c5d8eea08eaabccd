"""What only the whole file shows. Every check yields (steps, complaint), and skips what has been found wrong."""

from __future__ import annotations

from collections.abc import Iterator

from ..faults.rule import PROCESSES
from .actions import possible
from .build import control_arm, rule_names
from .complaint import Complaint, Step, nearest, shortened
from .nodes import Node
from .repair import located
from .spec import FaultSpec, ScenarioSpec

_OF_PRODUCE = {
    *("topic", "partition", "idempotent", "attempt", "transactional_id", "producer_id", "acks", "records"),
}

Found = Iterator[tuple[tuple[Step, ...], Complaint]]


def check(spec: ScenarioSpec, root: Node) -> Found:
    """All that is wrong with the whole."""
    yield from _arm_names(spec, root)
    yield from _rule_names(spec)
    yield from _places(spec, root)
    if not _spoilt(root, "faults"):
        yield from _following(spec)
    if not _spoilt(root, "workload"):
        yield from _partitions(spec)
    if not _spoilt(root, "arms"):
        yield from _expected_arms(spec)
        yield from _control(spec, root)


def _spoilt(root: Node, key: str) -> bool:
    """Whether something was found wrong in or below this key of the file."""
    return any(slot.dropped or slot.made or slot.node.spoilt() for slot in root.slots if slot.key == key)


def _arm_names(spec: ScenarioSpec, root: Node) -> Found:
    seen: set[str] = set()
    for index, arm in enumerate(spec.arms):
        if any(slot.made for slot in located(root, ("arms", index, "name"))):
            continue
        alike = arm.name.casefold().replace(".", "_")  # Kafka takes topics that differ in these for one another
        if alike in seen:
            hint = "arms need names that differ in more than upper and lower case, or . and _"
            yield ("arms", index, "name"), Complaint(f"a second arm {arm.name!r}", hint=hint)
        seen.add(alike)


def _rule_names(spec: ScenarioSpec) -> Found:
    seen: set[str] = set()
    for index, name in enumerate(rule_names(spec.faults)):
        if name in seen:
            yield ("faults", index, "name"), Complaint(f"a second fault {shortened(name)!r}", hint="names must differ")
        seen.add(name)


def _places(spec: ScenarioSpec, root: Node) -> Found:
    for index, fault in enumerate(spec.faults):
        action = fault.do.chosen()[0]
        steps: tuple[Step, ...] = ("faults", index, "do", action.word)
        if any(slot.made for way in (("faults", index, "at"), steps) for slot in located(root, way)):
            continue  # no word of the author's is there to be judged
        if not possible(type(action), fault.at):
            where = ", ".join(at.replace("*", "API") for at in action.at)
            hint = f"{action.word} is possible at: {where}"
            yield steps, Complaint(f"{action.word!r} is not possible at {fault.at}", hint=hint, on_key=True)
        elif (wrong := action.at_place(fault.at)) is not None:
            yield (*steps, *wrong.within), Complaint(wrong.text, hint=wrong.hint, on_key=wrong.on_key)
        yield from _match_keys(fault, index)


def _match_keys(fault: FaultSpec, index: int) -> Found:
    """Keys of `match` that say something of produce requests, where there are none."""
    api = fault.at.partition(".")[0]
    for key in fault.match.model_fields_set:
        steps: tuple[Step, ...] = ("faults", index, "match", key)
        if key in _OF_PRODUCE and api not in ("produce", "*", *PROCESSES):
            hint = f"at {fault.at} there are none: leave it out"
            yield steps, Complaint(f"{key!r} is about the batches of produce requests", hint=hint, on_key=True)
        elif key == "api" and api != "*":
            hint = "at: *.request or *.response is about several APIs"
            yield steps, Complaint(f"'api' beside 'at: {fault.at}', which says it already", hint=hint, on_key=True)
        elif key in ("version", "size") and fault.at == "connection":
            hint = "a connection has none: leave it out"
            yield steps, Complaint(f"{key!r} is about frames", hint=hint, on_key=True)


def _following(spec: ScenarioSpec) -> Found:
    names = rule_names(spec.faults)
    for index, fault in enumerate(spec.faults):
        wanted = fault.when.following
        if wanted is None or (wanted in names and wanted != names[index]):
            continue
        others = [name for name in names if name != names[index]]
        near = nearest(wanted, others)
        hint = f"did you mean {near!r}? " if near else ""
        hint += f"the other faults are: {', '.join(others)}" if others else "there is no other fault"
        text = "a fault cannot follow itself" if wanted == names[index] else f"no fault {shortened(wanted)!r}"
        yield ("faults", index, "when", "following"), Complaint(text, hint=hint)


def _partitions(spec: ScenarioSpec) -> Found:
    count = spec.workload.topic.partitions
    there = "partition 0 alone" if count == 1 else f"partitions 0 to {count - 1}"
    for index, fault in enumerate(spec.faults):
        for position, partition in enumerate(fault.match.partition or ()):
            if partition >= count:
                steps: tuple[Step, ...] = ("faults", index, "match", "partition", position)
                hint = "workload.topic.partitions says how many there are"
                yield steps, Complaint(f"no partition {partition}: the topic has {there}", hint=hint)


def _expected_arms(spec: ScenarioSpec) -> Found:
    names = [arm.name for arm in spec.arms]
    for name in spec.expect:
        if name not in names:
            near = nearest(name, names)
            hint = f"did you mean {near!r}? " if near else ""
            hint += f"the arms are: {', '.join(names)}"
            yield ("expect", name), Complaint(f"no arm {shortened(name)!r}", hint=hint, on_key=True)


def _control(spec: ScenarioSpec, root: Node) -> Found:
    if spec.control is None and control_arm(spec) is None and not _spoilt(root, "control"):
        hint = "add an arm with 'idempotence: false', or say 'control: none'"
        yield ("arms",), Complaint("no arm without idempotence, so nothing is the control", hint=hint, on_key=True)
