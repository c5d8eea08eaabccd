"""What a run is told from outside, by the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..control.address import ControlAddress
from ..core.wire import WireSettings
from ..identity import Naming
from ..observations import Isolation
from ..relay.limits import Limits
from ..security import ClientTls, Security

if TYPE_CHECKING:
    from ..capture.writing.writer import CaptureSettings
    from ..report.baseline import Baseline

Address = tuple[str, int]

AS_PROGRAMS_EXPECT = {"auto.create.topics.enable": "true"}
"""Properties of an embedded broker for programs that are not ours: Kafka's own default, and that of Redpanda in a
container for development; our own topics are made by ackdrop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every verb that makes a run is asked for. `command` is what was typed, without arguments: see `RunInfo`.

    `naming` is what makes two records copies of one, where they do not carry our own identity; None leaves it to the
    scenario, and where that is silent too, to key, value, headers and create time. So with `isolation`. `security` is
    how brokers are spoken to. `capture`: what passes is written there.
    """

    out: Path
    command: tuple[str, ...] = ()
    mapping: dict[Address, Address] = field(default_factory=dict)
    naming: Naming | None = None
    isolation: Isolation | None = None
    security: Security = field(default_factory=Security)
    capture: CaptureSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings(Settings):
    """What `ackdrop run` was asked for beside its scenarios. None leaves the scenario's own value.

    `max_time`: seconds for all of it. `fail_fast`: the first scenario that fails is the last. `shard` is (number, of
    how many). What the `baseline` failed in as well fails nothing.
    """

    seed: int | None = None
    producer: str | None = None
    producer_python: str | None = None
    repeat: int | None = None
    strict: bool = False
    keep: bool = False
    max_time: float | None = None
    fail_fast: bool = False
    shard: tuple[int, int] | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """Where clients find the proxy, and how they are met: see `ProxySettings`."""

    address: Address = ("127.0.0.1", 0)
    advertise: str | None = None
    ports: Sequence[int] = ()
    tls: ClientTls | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The control API: where it listens; its token, or the file that holds it (neither: one is made)."""

    address: ControlAddress
    token: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSettings(Settings):
    """What is asked for where the programs are not ours. Without `verify` the log is left alone. `seconds` None: for as
    long as it takes. `grace`: seconds for what is in flight at the end. `sets` are what `--set` gave to the scenario,
    and gives to it again when its file was changed."""

    listening: Listening
    seconds: float | None = None
    verify: bool = True
    grace: float = 5.0
    sets: tuple[str, ...] = ()
    wire: WireSettings = field(default_factory=WireSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings(FrontSettings):
    """What `ackdrop proxy` was asked for: `seconds` None is until a signal. `control` None: no control API; `metrics`
    is where these alone can be read, None: nowhere else."""

    bootstrap: str
    control: ControlSettings | None = None
    metrics: tuple[str, int] | None = None
    allow_remote: bool = False


@dataclass(frozen=True, slots=True)
class ProgramArm:
    """An arm of `ackdrop exec`: the program runs once with these variables beside the others."""

    name: str
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSettings(FrontSettings):
    """What `ackdrop exec` was asked for: the `program` and its arguments, the `variables` that hold the proxy's
    address, and its arms (none: one, that claims nothing)."""

    program: tuple[str, ...]
    variables: tuple[str, ...]
    arms: tuple[ProgramArm, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySettings(Settings):
    """What `ackdrop verify` was asked for: `topics` alone, or all that the run in the folder `run` wrote."""

    bootstrap: str
    topics: tuple[str, ...] = ()
    run: Path | None = None
    allow_remote: bool = False


Say = Callable[[str], None]
"""One line for the person who waits."""
