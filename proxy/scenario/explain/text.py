"""The whole explanation, as lines of at most 80 columns; the same for the same scenario."""

from __future__ import annotations

import dataclasses
import json
from textwrap import wrap

from ..models import Arm, Scenario, Workload
from ..wording import counted, seconds_of, size_of
from .arms import effects, expected, gates, sends
from .clients import does
from .picture import picture
from .rules import place, when, which

WIDTH = 80
_DURATIONS = ("request_timeout", "delivery_timeout", "retry_backoff", "linger")


def explain(scenario: Scenario) -> str:
    """What will happen, in plain English."""
    lines = [*_wrapped(scenario.title, ""), f"{scenario.name} · seed {scenario.seed}", ""]
    lines += ["THE TRAFFIC", *_traffic(scenario), ""]
    lines += ["THE PATH", *("  " + line for line in picture(scenario.rules)), ""]
    lines += _faults(scenario)
    for arm in scenario.arms:
        lines += _arm(scenario, arm)
    lines += ["WHAT MAKES IT A PROOF"]
    for sentence in gates(scenario):
        lines += _wrapped(sentence, "  ")
    return "\n".join(lines)


def _traffic(scenario: Scenario) -> list[str]:
    workload = scenario.workload
    how = "as fast as it goes" if workload.rate is None else f"{workload.rate:g} a second"
    waits = (
        "it does not wait for answers, so several requests may be under way"
        if workload.pipelined
        else "each waits for the answer to the one before"
    )
    many = counted(workload.records * workload.sends, "send")
    topic = f"a topic of its own with {counted(workload.partitions, 'partition')}"
    lines = _wrapped(f"{workload.producer} makes {many}, {how}; {waits}. Each arm has {topic}.", "  ")
    lines += _wrapped(f"Settings: {_settings(workload)}.", "  ")
    told = sends(scenario)
    return lines + (_wrapped(told, "  ") if told else [])


def _settings(workload: Workload) -> str:
    told = []
    for word, value in dataclasses.asdict(workload.config).items():
        if value is not None:
            shown = seconds_of(value) if word in _DURATIONS else size_of(value) if word == "batch_size" else value
            told.append(f"{word} {shown}")
    return ", ".join(
        [*told, *(f"{json.dumps(key)[1:-1]}={json.dumps(value)}" for key, value in workload.client_config.items())]
    )


def _faults(scenario: Scenario) -> list[str]:
    if not scenario.rules:
        return ["THE FAULTS", "  None: nothing is done on the way.", ""]
    lines = ["THE FAULTS, asked in this order; the first that fires decides on a frame"]
    for number, rule in enumerate(scenario.rules, 1):
        found = [f'"{rule.name}", {place(rule)}', which(rule.match), when(rule, scenario.seed)]
        lines += _wrapped(f"{'; '.join(part for part in found if part)}.", "     ", f"  {number}  ")
        sentence = does(rule, scenario.workload)
        lines += _wrapped(f"{sentence[0].upper()}{sentence[1:]}.", "     ")
    return [*lines, ""]


def _arm(scenario: Scenario, arm: Arm) -> list[str]:
    control = ", the control" if scenario.control and arm.name == scenario.control_arm else ""
    lines = [f'ARM "{arm.name}": idempotence {"on" if arm.idempotence else "off"}{control}']
    for number, told in effects(scenario, arm):
        lines += _wrapped(told, "     ", f"  {number}  ")
    return [*lines, *_wrapped(expected(scenario, arm), "  "), ""]


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent)
