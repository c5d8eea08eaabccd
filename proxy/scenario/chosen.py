"""What a program names a scenario or faults by: a file, a shipped name, YAML text, or plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .files import examine_all, find
from .futile import OF_RULES
from .load import Examined, examine_text
from .models import Scenario
from .problems import Diagnostic, Refusal
from .reading import content_of

Values = Mapping[str, Any]
ScenarioSource = str | Path | Values
"""A `Path` is a file; a `str` is YAML text where it holds a line break, or a colon with a space behind it, or begins
with a bracket, and else a file's name or a shipped name; a mapping is what the YAML would mean."""
FaultSource = ScenarioSource | Sequence[Values]
"""The same for faults: one as it stands in `faults`, a list of them, or a scenario of which the faults are taken."""


def chosen(source: ScenarioSource, sets: Sequence[str] = ()) -> tuple[Scenario, list[Diagnostic]]:
    """The one scenario that is meant, and what is in vain about its faults, its traffic not being its workload's.

    Raises UsageError for a name that means nothing and for several scenarios, and ScenarioError with all problems.
    """
    found = _examined(source, sets)
    if errors := found.errors():
        raise Refusal(errors)
    warnings = [warning for warning in found.warnings() if warning.code in OF_RULES]
    return only(found.scenarios, source if isinstance(source, (str, Path)) else "it"), warnings


def only(scenarios: Sequence[Scenario], name: str | Path) -> Scenario:
    """The one that there is. Raises UsageError where `name` holds several."""
    if len(scenarios) > 1:
        raise UsageError(f"{name} holds {len(scenarios)} scenarios", remedy="name one of them")
    return scenarios[0]


def faults_text(source: FaultSource) -> bytes:
    """The text that these faults are read from. Raises UsageError for a name that means nothing, and ScenarioError for
    a file that cannot be read."""
    if isinstance(source, (str, Path)):
        if isinstance(source, str) and _is_text(source):
            return source.encode("utf-8", "surrogatepass")
        path = _file(source)
        return content_of(path, str(path))
    return _json(source)


def _examined(source: ScenarioSource, sets: Sequence[str]) -> Examined:
    if isinstance(source, Mapping):
        return examine_text(_json(source), sets)
    if isinstance(source, str) and _is_text(source):
        return examine_text(source.encode("utf-8", "surrogatepass"), sets)
    return examine_all([source], sets)


def _is_text(source: str) -> bool:
    return "\n" in source or ": " in source or source.lstrip()[:1] in ("{", "[")


def _file(source: str | Path) -> Path:
    files = find(source)
    if len(files) > 1:
        raise UsageError(f"{source} holds {len(files)} files", remedy="name one of them")
    return files[0]


def _json(values: object) -> bytes:
    """JSON is YAML, and a place in it is one in what the program gave."""
    try:
        return json.dumps(values, ensure_ascii=False, default=dict).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError) as error:
        raise UsageError(f"these values cannot stand in a scenario: {error}") from error
