"""What may be said of a proxy that is started from Python, and the settings that it makes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypedDict

from ..broker.given import parse
from ..errors import UsageError
from ..experiment.settings import FrontSettings, Listening
from ..identity import Naming
from ..observations import Isolation
from ..scenario.added import added
from ..scenario.chosen import FaultSource, ScenarioSource, chosen, faults_text
from ..scenario.models import Scenario
from ..security import ANYBODY, Security


class FutileFault(UserWarning):
    """A fault that can never fire, or never do what it says."""


class Options(TypedDict, total=False):
    """All that `Proxy.start` and `open_proxy` take beside the broker. Nothing of it is needed.

    `scenario`      whose faults are injected: a file, a shipped name (`lost-ack`), YAML text, or a mapping; its
                    workload, arms and expectations are not used
    `sets`          what `--set` gives on the command line, as in `faults[0].when.nth=5`
    `faults`        faults that are armed from the start: see `Proxy.arm`
    `identity`      what makes two records copies of one: `header:NAME`, `key`, `value` or `json:PATH`; otherwise key,
                    value, headers and create time together
    `isolation`     `read_uncommitted` (the default) or `read_committed`
    `title`         what the report, and the run's folder, are called
    `out`           the folder in which the run gets its own, `ackdrop-runs` if not said
    `listen`        host and port for clients; port 0, the default, takes any free one
    `advertise`     the host that clients are told, where it is not the one of `listen`
    `ports`         ports that stand for the cluster's brokers; otherwise any free ones
    `mapping`       advertised `HOST:PORT` to the one that can be reached from here
    `allow_remote`  the broker may be on another machine
    `security`      how the broker is spoken to: TLS, SASL
    `capture`       a pcapng file to which all traffic is written
    `grace`         seconds that what is under way may take before the log is read
    """

    scenario: ScenarioSource
    sets: Sequence[str]
    faults: FaultSource
    identity: str
    isolation: Isolation
    title: str
    out: str | Path
    listen: tuple[str, int]
    advertise: str
    ports: Sequence[int]
    mapping: Mapping[str, str]
    allow_remote: bool
    security: Security
    capture: str | Path
    grace: float


NAMES = tuple(Options.__annotations__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Options, understood. `faults` is the text of those that are armed from the start."""

    settings: FrontSettings
    scenario: Scenario | None
    faults: bytes | None
    allow_remote: bool
    title: str | None


def understood(options: Options) -> Asked:
    """What is asked for. Raises UsageError, and ScenarioError with all problems of a scenario or of faults, before
    anything is begun. Warns of faults that are in vain."""
    check(options)
    scenario = None
    if "scenario" in options:
        scenario, found = chosen(options["scenario"], options.get("sets", ()))
        warn(warning.shown for warning in found)
    elif "sets" in options:
        raise UsageError("sets without a scenario", remedy="name one with scenario=")
    faults = None
    if "faults" in options:
        faults = faults_text(options["faults"])
        warn(warning.shown for warning in added(faults, [] if scenario is None else scenario.entries).warnings)
    return Asked(_settings(options), scenario, faults, options.get("allow_remote", False), options.get("title"))


def check(names: Iterable[str]) -> None:
    """Raises UsageError for an option that there is not."""
    for name in names:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(NAMES)}"
            raise UsageError(f"there is no option {name!r}", remedy=remedy)


def warn(texts: Iterable[str]) -> None:
    """Tell of faults that are in vain, at the line of the program that brought them."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in (
        "ackdrop",
        "contextlib",
    ):
        level, frame = level + 1, frame.f_back
    for text in texts:
        warnings.warn(text, FutileFault, stacklevel=level)


def _settings(options: Options) -> FrontSettings:
    address = options.get("listen", ("127.0.0.1", 0))
    capture = None
    if "capture" in options:
        from ..capture.writing.writer import CaptureSettings

        capture = CaptureSettings(Path(options["capture"]))
        capture.check()
    return FrontSettings(
        out=Path(options.get("out", "ackdrop-runs")),
        naming=_naming(options.get("identity")),
        isolation=options.get("isolation"),
        mapping={parse(told): parse(reached) for told, reached in options.get("mapping", {}).items()},
        security=options.get("security", ANYBODY),
        capture=capture,
        grace=options.get("grace", 5.0),
        listening=Listening(address, options.get("advertise"), options.get("ports", ())),
    )


def _naming(text: str | None) -> Naming | None:
    try:
        return None if text is None else Naming.parse(text)
    except ValueError as error:
        raise UsageError(f"identity: {error}") from error
