"""`ackdrop report`: a run's result again, from its folder; also that of a run that was killed.

A run that came to its end has all of it in `report.json`. Of one that did not, `report.json` holds the arms that were
done, and the ledger what was seen of the arm that was on its way: its wire is counted, its log was never read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UsageError
from ..ledger import Ledger
from ..ledger.store import FILE
from ..report import as_json
from ..report.finished import Finished
from ..report.merge import Found
from ..result import ArmResult, ProducerInfo, RunResult
from ..verify.evidence import ArmEvidence
from ..verify.verdict import judge_arm
from .record import UNFINISHED
from .view import clients


def finished(folder: Path) -> Finished:
    """The run in this folder. UsageError: there is none, or one that another version wrote."""
    result = as_json.read(folder)
    if any(reason.code == UNFINISHED for reason in result.reasons) and (folder / FILE).is_file():
        result = _with_what_was_seen(result, Ledger.open(folder))
    return Finished(result, folder)


def found(paths: Sequence[Path]) -> list[Found]:
    """All results that are there: in files that `--json` wrote, in runs' folders, and in folders of these. UsageError:
    a path has none, or is named twice."""
    results: list[Found] = []
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise UsageError(f"{path} is named twice", remedy="name each result once")
        seen.add(path.resolve())
        here = list(_in(path))
        if not here:
            raise UsageError(f"no result is in {path}", remedy="name a file that --json wrote, or a run's folder")
        results.extend(here)
    return results


def _in(path: Path) -> Iterator[Found]:
    if not path.is_dir():
        yield from (Found(Finished(result, None), str(path)) for result in as_json.read_all(path))
    elif (path / as_json.FILE).is_file():
        yield Found(finished(path), str(path))
    else:
        for folder in sorted(each for each in path.iterdir() if (each / as_json.FILE).is_file()):
            yield Found(finished(folder), str(folder))


def _with_what_was_seen(result: RunResult, ledger: Ledger) -> RunResult:
    done = {arm.name for arm in result.arms}
    seen = [_arm(ledger, name) for name in ledger.arms() if name not in done]
    return dataclasses.replace(result, arms=[*result.arms, *seen])


def _arm(ledger: Ledger, name: str) -> ArmResult:
    """What the ledger has of an arm that did not come to its end."""
    wire = ledger.wire(name)
    evidence = ArmEvidence(
        name=name,
        idempotence=ledger.idempotence_of(name),
        wire=wire,
        sends=None,
        log=None,
        producer=ProducerInfo(clients(wire), None, {}),
        rules=tuple(tally.name for tally in wire.faults),
        producer_finished=False,
    )
    return dataclasses.replace(judge_arm(evidence).result, verdict="interrupted")
