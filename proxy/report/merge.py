"""`ackdrop report merge`: the results of shards, or of any other jobs, as those of one run.

The results of a run that was divided stand in the order of the whole. What lacks is one result more, inconclusive: a
shard that nobody looked for must not pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..result import EXIT_CODES, Reason, RunResult, ScenarioInfo, ShardInfo
from .finished import Finished
from .words import called, counted, scenario_name

MISSING = "shard-missing"


@dataclass(frozen=True, slots=True)
class Found:
    """A result, and the file or folder that it was read from."""

    finished: Finished
    place: str

    @property
    def result(self) -> RunResult:
        return self.finished.result


def merge(found: Sequence[Found]) -> list[Finished]:
    """All of them, and one for each shard that is missing or not whole. UsageError: a run is there twice, or shards are
    of different divisions."""
    found = [each for each in found if all(reason.code != MISSING for reason in each.result.reasons)]
    _none_twice(found)
    shards = [(each.result.shard, each) for each in found if each.result.shard is not None]
    _one_division(shards)
    shards.sort(key=lambda one: one[0].position)
    others = [each.finished for each in found if each.result.shard is None]
    missing = _missing([info for info, _ in shards])
    return [*(each.finished for _, each in shards), *others, *(Finished(result, None) for result in missing)]


def _none_twice(found: Sequence[Found]) -> None:
    places: dict[tuple[object, ...], str] = {}
    for each in found:
        for what, key in _keys(each.result):
            if key in places:
                name = called(each.result)
                where = f"twice in {each.place}" if places[key] == each.place else f"in {places[key]} and {each.place}"
                raise UsageError(f"{what} of {name} is {where}", remedy="leave one of them out")
            places[key] = each.place


def _keys(result: RunResult) -> Iterator[tuple[str, tuple[object, ...]]]:
    """What no two results of different runs share, each with what it is called."""
    if result.run is not None and result.run.id is not None:
        yield f"the run {result.run.id}", ("id", result.run.id)
    elif result.run is not None:
        yield f"the run begun at {result.run.started}", (result.run.started, scenario_name(result))
    if result.shard is not None:
        yield f"the part in shard {result.shard.number}", (result.shard.plan, result.shard.position)


def _one_division(shards: Sequence[tuple[ShardInfo, Found]]) -> None:
    for info, each in shards[1:]:
        first, other = shards[0]
        if (info.plan, info.of, info.total) != (first.plan, first.of, first.total):
            raise UsageError(
                f"{each.place} is of another division than {other.place}: {_division(info)}, not {_division(first)}",
                remedy="merge shards of the same scenarios and options, each with another --shard K/N",
            )


def _division(info: ShardInfo) -> str:
    return f"{counted(info.total, 'scenario')} in {counted(info.of, 'shard')} (plan {info.plan})"


def _missing(shards: Sequence[ShardInfo]) -> Iterator[RunResult]:
    """A result for each shard that has none, or fewer than it was given."""
    have = Counter(info.number for info in shards)
    sizes = {info.number: info.size for info in shards}
    for number in range(1, shards[0].of + 1) if shards else ():
        name = f"shard {number} of {shards[0].of}"
        again = f"Run it again with --shard {number}/{shards[0].of}, and merge all of them."
        if not have[number]:
            text = f"Nothing of {name} is here: its job did not run, or its result was not named. {again}"
        elif have[number] < sizes[number]:
            text = (
                f"Of {name} there are {have[number]:,} of {counted(sizes[number], 'result')}. Name what --json wrote: "
                f"a scenario that was not begun has no folder. {again}"
            )
        else:
            continue
        scenario = ScenarioInfo(name.capitalize(), None, 0, None)
        yield RunResult(scenario, None, "inconclusive", [Reason(MISSING, None, text)], EXIT_CODES["inconclusive"], [])
