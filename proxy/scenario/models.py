"""What a scenario is, once it is valid. Nothing later sees YAML; durations are seconds, sizes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..faults.placing import elsewhere
from ..faults.rule import Rule
from ..identity import Naming
from ..observations import Isolation
from ..result import Expectation, ScenarioInfo

Acks = Literal["all", 0, 1]
Entry = Mapping[str, Any]
"""A fault as it stands in a file, as plain values."""


@dataclass(frozen=True, slots=True)
class ProducerConfig:
    """The neutral words of `workload.config`. None: the client's own default. Durations in seconds."""

    acks: Acks = "all"
    retries: int | None = None
    request_timeout: float | None = None
    delivery_timeout: float | None = None
    retry_backoff: float | None = None
    linger: float | None = None
    batch_size: int | None = None
    max_in_flight: int | None = None
    compression: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """The traffic of each arm.

    `sends` is how often the application sends each record, `resend_failed` how often it sends one again that the client
    reported as failed, `rate` is in sends a second (None: as fast as the client goes). With `pipelined` False a send
    waits for the last one's answer. `value` is the payload as plain JSON values.
    `client_config` goes verbatim to the client's library. `deadline` is how many seconds an arm's producer may take.
    """

    producer: str
    records: int
    sends: int
    resend_failed: int
    rate: float | None
    pipelined: bool
    value: object
    partitions: int
    replication: int
    config: ProducerConfig
    client_config: Mapping[str, Any]
    deadline: float

    @property
    def most_sends(self) -> int:
        """How often `send()` is called at most, by one process."""
        return self.records * self.sends * (1 + self.resend_failed)


@dataclass(frozen=True, slots=True)
class Arm:
    """One run of the workload. `name` is safe in file and topic names."""

    name: str
    idempotence: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """A valid scenario.

    `expect` has an entry for every arm, empty where nothing is expected of it. `control` is False for `control:
    none`; else `control_arm` names the arm that must show a duplicate. `identity` says what names a record that is
    not of our own workload, None: the default. The whole is run `repeat` times. `file` is the file as it was named,
    None for text; `name` is the file's name without folder and suffix, and with the values of a combination.
    `combination` are these values, by the keys of the file's matrix. `entries` is what stands for each of the rules, as
    plain values that mean it alone. `content` are the bytes of a file that means this
    scenario alone: the very file where nothing was included, set or varied. `sha256` is that of `content`.
    """

    title: str
    description: str
    seed: int
    workload: Workload
    arms: tuple[Arm, ...]
    rules: tuple[Rule, ...]
    expect: Mapping[str, tuple[Expectation, ...]]
    control: bool
    control_arm: str | None
    identity: Naming | None
    isolation: Isolation
    repeat: int
    file: str | None
    sha256: str
    name: str
    content: bytes = b""
    combination: tuple[tuple[str, str], ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def info(self) -> ScenarioInfo:
        """The scenario as a result tells of it."""
        return ScenarioInfo(self.title, self.file, self.seed, self.sha256, dict(self.combination))

    def elsewhere(self, idempotence: bool | None) -> frozenset[str]:
        """The names of the rules that can apply to nothing in an arm like this, and to something in another one; None
        is an arm that claims nothing."""
        if idempotence is None:
            return frozenset()
        return elsewhere(self.rules, idempotence, [arm.idempotence for arm in self.arms])


def entries_of(scenario: Scenario) -> dict[str, Entry]:
    """What stands in the file for each rule of a scenario, by the rule's name."""
    return {rule.name: entry for rule, entry in zip(scenario.rules, scenario.entries, strict=True)}
