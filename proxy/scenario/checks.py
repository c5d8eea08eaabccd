"""What only the whole file shows. Every check yields (steps, complaint), and skips what has been found wrong."""

from __future__ import annotations

from collections.abc import Iterator

from .build import control_arm, rule_names
from .complaint import Complaint, Step, nearest, shortened
from .nodes import Node
from .repair import located
from .spec import ScenarioSpec
from .vocabulary import LATER_AT

Found = Iterator[tuple[tuple[Step, ...], Complaint]]


def check(spec: ScenarioSpec, root: Node) -> Found:
    """All that is wrong with the whole."""
    yield from _arm_names(spec, root)
    yield from _rule_names(spec)
    yield from _places(spec)
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


def _places(spec: ScenarioSpec) -> Found:
    for index, fault in enumerate(spec.faults):
        action = fault.do.chosen()[0]
        if fault.at not in action.at:
            later = action.word in LATER_AT.get(fault.at, ())
            text = f"at {fault.at} is not in this version of ackdrop" if later else f"is not possible at {fault.at}"
            hint = f"{action.word} is possible at: {', '.join(action.at)}"
            steps: tuple[Step, ...] = ("faults", index, "do", action.word)
            yield steps, Complaint(f"{action.word!r} {text}", hint=hint, on_key=True)


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
