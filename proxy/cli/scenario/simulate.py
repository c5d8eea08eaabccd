"""`ackdrop scenario simulate`: a recorded run's frames through the rules of a scenario, with no broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...report.folding import say
from ..completion import scenario_names
from ..options import set_option

if TYPE_CHECKING:
    from ...experiment.simulate import Simulated, SimulatedArm

SHOWN = 5
"""Firings of a fault that are listed; --json has all."""
INCONCLUSIVE = 3
_NAME = 32

EPILOG = """\b
Example:
  ackdrop scenario simulate my-scenario.yaml ackdrop-runs/2026-11-23T06-12-09-lost-ack

\b
Exit codes:
  0 the recording has all that the scenario asks about
  3 it lacks something; what was found is shown all the same
"""


@click.command(epilog=EPILOG)
@click.argument("path", metavar="FILE|NAME", shell_complete=scenario_names)
@click.argument("folder", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@set_option
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="What chance is drawn from, as in ackdrop run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def simulate(
    context: click.Context, path: str, folder: Path, sets: tuple[str, ...], seed: int | None, as_json: bool
) -> None:
    """Show which faults of a scenario a recorded run would have met: authoring without waiting.

    The frames in the run's events.jsonl are asked about in their order, arm by arm. What a fault would have changed
    did not happen there: retries that it would have forced are missing.
    """
    from ...errors import UsageError
    from ...experiment.simulate import simulate as simulated
    from ...scenario.files import load_all

    scenarios = load_all([path], sets)
    if len(scenarios) != 1:
        raise UsageError(f"{path} means {len(scenarios)} scenarios", remedy="name one file; --set picks from a matrix")
    arms = simulated(scenarios[0], folder, seed)
    if as_json:
        click.echo(json.dumps(_plain(arms), indent=2))
    else:
        say(_lines(arms))
    if any(arm.lacking for arm in arms):
        context.exit(INCONCLUSIVE)


def _lines(arms: list[SimulatedArm]) -> list[str]:
    from ...report.clean import clean, shortened

    names = {each.rule.name: shortened(clean(each.rule.name), _NAME) for arm in arms for each in arm.rules}
    width = max(map(len, ["fault", *names.values()]))
    lines: list[str] = []
    for arm in arms:
        lines += [f"arm {arm.arm}", f"  {'fault':{width}}  matched  fired  at"]
        for each in arm.rules:
            where = [clean(text) for text in _firings(each)] or ["-"]
            lines.append(f"  {names[each.rule.name]:{width}}  {each.matched:7}  {len(each.fired):5}  {where[0]}")
            lines += [" " * (width + 20) + text for text in where[1:]]
        lines += [f"  The recording lacks something: {clean(text)}." for text in arm.lacking]
        lines.append("")
    return lines[:-1]


def _firings(each: Simulated) -> list[str]:
    """Where it would have fired: time, connection, request, partitions."""
    told = []
    for elapsed, decided in each.fired[:SHOWN]:
        first = decided[0]
        hit = [f"{one.topic}/{one.partition}" for one in decided if one.hit and one.topic]
        frame = f", request {first.correlation_id}" if first.correlation_id else ""
        link = f"connection {first.connection}{frame}" if first.connection else "at its moment"
        told.append(f"{elapsed:.3f} s, {link}{': ' if hit else ''}{', '.join(hit)}")
    more = len(each.fired) - SHOWN
    return [*told, f"and {more} more"] if more > 0 else told


def _plain(arms: list[SimulatedArm]) -> dict[str, Any]:
    return {
        "arms": [
            {
                "arm": arm.arm,
                "lacking": list(arm.lacking),
                "faults": [
                    {
                        "name": each.rule.name,
                        "do": each.rule.fault.word,
                        "matched": each.matched,
                        "fired": len(each.fired),
                        "at": [_firing(elapsed, one) for elapsed, decided in each.fired for one in decided if one.hit],
                    }
                    for each in arm.rules
                ],
            }
            for arm in arms
        ]
    }


def _firing(elapsed: float, one: Any) -> dict[str, Any]:
    return {
        "elapsed": elapsed,
        "connection": one.connection,
        "correlation_id": one.correlation_id,
        "client_id": one.client_id,
        "topic": one.topic,
        "partition": one.partition,
        "n": one.n,
    }
