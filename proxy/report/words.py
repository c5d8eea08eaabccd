"""Small English: numbers, lists and plurals, the same in every report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..result import BrokerInfo, RunResult
from .clean import clean, shortened

UNKNOWN = "unknown"

KINDS = {"redpanda": "Redpanda", "kafka": "Apache Kafka", "unknown": "A broker of unknown kind"}
"""What a kind of broker is called."""
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def figure(value: int | None) -> str:
    """A figure with its thousands apart: `12,000`; `unknown` where it cannot be known."""
    return UNKNOWN if value is None else f"{value:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 retry`, `2 retries`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def times(count: int) -> str:
    """How often: `once`, `twice`, `three times`, `12 times`."""
    if count in (1, 2):
        return ("once", "twice")[count - 1]
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else f'{count:,}'} times"


def lasted(seconds: float) -> str:
    """How long: `80 ms`, `4.2 s`, `3 min 20 s`."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60:,} min {round(seconds) % 60} s"


def listed(items: Sequence[str], limit: int = 5) -> str:
    """`a`, `a and b`, `a, b and c`; a long list ends `and 7 more`."""
    if len(items) > limit:
        items = [*items[: limit - 1], f"{len(items) - limit + 1:,} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def scenario_name(result: RunResult) -> str:
    """`lost-ack`, with the values of a combination `lost-ack [acks=1]`; where there was no file the title."""
    file, combination = result.scenario.file, result.scenario.combination
    values = ",".join(f"{key}={value}" for key, value in combination.items())
    name = Path(file).stem if file else result.scenario.title
    return f"{name} [{values}]" if file and values else name


def called(result: RunResult) -> str:
    """The scenario's name as it may stand in any report."""
    return shortened(clean(scenario_name(result)), 100)


def origin(result: RunResult) -> str:
    """`lost-ack · seed 7 · kafka-python 3.0.12`, and `shard 2 of 5` of a run that was divided."""
    scenario = result.scenario
    names = [Path(scenario.file).stem] if scenario.file else []
    clients = dict.fromkeys(f"{arm.producer.client} {arm.producer.version or ''}".strip() for arm in result.arms)
    known = [shortened(client, 40) for client in clients if client not in ("", UNKNOWN)]
    shard = [] if result.shard is None else [f"shard {result.shard.number} of {result.shard.of}"]
    seed = [f"seed {scenario.seed}"] if scenario.file or scenario.seed else []  # without either, nobody drew chances
    return " · ".join([*names, *seed, *known, *shard])


def broker(info: BrokerInfo | None) -> str:
    """`Redpanda 22.3.25 at 127.0.0.1:9092 (found)`"""
    return "no broker" if info is None else f"{broker_at(info)} ({info.source})"


def broker_at(info: BrokerInfo) -> str:
    """`Redpanda 22.3.25 at 127.0.0.1:9092`"""
    version = f" {info.version}" if info.version else ""
    return f"{KINDS[info.kind]}{version} at {info.bootstrap}"


def again(result: RunResult) -> str | None:
    """What runs it again, as a shell takes it; None where the result does not say."""
    return shlex.join(result.run.command) if result.run is not None and result.run.command else None
