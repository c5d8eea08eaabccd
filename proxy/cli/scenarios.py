"""The scenarios that a command line names, with what `--set` gives them; their warnings are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..report.folding import say

if TYPE_CHECKING:
    from ..scenario.models import Scenario


def chosen_ones(
    names: Iterable[str], sets: Sequence[str], *, ours: bool = True, strict: bool = False, quiet: bool = False
) -> list[Scenario]:
    """The scenarios; warnings go to standard error, unless `quiet`. `ours`: the traffic is that of the workload.

    Raises UsageError, and ScenarioError with all problems; with `strict` for a warning too.
    """
    from ..report.clean import clean
    from ..scenario.files import examine_all
    from ..scenario.futile import OF_RULES
    from ..scenario.problems import Refusal

    found = examine_all(names, sets)
    warnings = [warning for warning in found.diagnostics if ours or warning.code in OF_RULES]
    if warnings and strict:
        raise Refusal(warnings, remedy="without --strict these are warnings, and it runs all the same")
    for warning in () if quiet else warnings:
        say(map(clean, warning.shown.splitlines()), error=True)
    return list(found.scenarios)


def chosen_one(name: str | None, sets: Sequence[str], *, quiet: bool) -> Scenario | None:
    """The one scenario whose faults are injected into what is not its workload's traffic; None where none is named.

    Raises UsageError where that is several, and ScenarioError with all problems.
    """
    from ..errors import UsageError

    if name is None:
        if sets:
            raise UsageError("--set without a scenario", remedy="name one with --scenario")
        return None
    from ..scenario.chosen import only

    found = chosen_ones((name,), sets, ours=False, quiet=quiet)
    return only(found, name)


def not_varied(scenarios: Iterable[Scenario], **given: object) -> None:
    """Refuse an option that says one value for what a matrix varies. Raises UsageError."""
    from ..errors import UsageError

    asked = {word for word, value in given.items() if value is not None}
    for scenario in scenarios:
        for key, _ in scenario.combination:
            if key in asked or key.removeprefix("workload.") in asked:
                raise UsageError(
                    f"--{key.removeprefix('workload.')}, and the matrix of {scenario.file} varies it",
                    remedy=f"--set {key}=VALUE runs the combinations with that value alone",
                )
