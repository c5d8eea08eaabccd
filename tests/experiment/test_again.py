"""A run's result again, from its folder: that of one that ended, and that of one that was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.errors import UsageError
from ackdrop.experiment.again import finished, found
from ackdrop.experiment.folder import latest
from ackdrop.experiment.record import Record
from ackdrop.ledger import Ledger
from ackdrop.observations import Attempt, ConnectionOpened, Forwarded
from ackdrop.report import as_json
from ackdrop.result import RunResult, ScenarioInfo

RESULT = RunResult(ScenarioInfo("Mine", None, 7, None), None, "passed", [], 0, [])

ATTEMPT = Attempt(
    number=1,
    at=5.0,
    connection=1,
    correlation_id=3,
    client_id="app",
    software="kafka-python 3.0.12",
    api_version=7,
    acks=-1,
    transactional_id=None,
    topic="orders",
    partition=0,
    producer_id=-1,
    producer_epoch=-1,
    base_sequence=-1,
    records=2,
    crc=1,
    size=100,
    retry_of=None,
    tries=1,
    ambiguous=False,
)


def test_a_run_that_ended_is_what_it_was(tmp_path: Path) -> None:
    told = Record(tmp_path, ("ackdrop", "run")).finished(RESULT)
    assert finished(tmp_path) == told


def test_results_are_found_in_files_in_folders_and_in_folders_of_these(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name in ("1-first", "2-second"):
        (runs / name).mkdir(parents=True)
        Record(runs / name, (), name).finished(RESULT)
    (runs / "notes").mkdir()
    file = tmp_path / "both.json"
    file.write_text(as_json.text([finished(runs / "1-first"), finished(runs / "2-second")]))
    for path, folders, places in (
        (runs, [runs / "1-first", runs / "2-second"], [str(runs / "1-first"), str(runs / "2-second")]),
        (runs / "1-first", [runs / "1-first"], [str(runs / "1-first")]),
        (file, [None, None], [str(file)] * 2),
    ):
        told = found([path])
        assert [one.finished.folder for one in told] == folders
        assert [one.place for one in told] == places
    assert [one.result.run and one.result.run.id for one in found([file])] == ["1-first", "2-second"]


@pytest.mark.parametrize(("content", "said"), [(None, "no result is in"), ("[]", "no result is in"), ("{", "not JSON")])
def test_where_no_result_is(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "runs"
    path.mkdir() if content is None else path.write_text(content)
    with pytest.raises(UsageError, match=said):
        found([path])


def test_a_place_that_is_named_twice(tmp_path: Path) -> None:
    Record(tmp_path, ()).finished(RESULT)
    with pytest.raises(UsageError, match="is named twice"):
        found([tmp_path, tmp_path / "." / ".." / tmp_path.name])


def test_a_run_that_was_killed_has_what_its_ledger_saw(tmp_path: Path) -> None:
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("off", False, ["lose it"]).put([ConnectionOpened(4.0, 1, -1, "x"), ATTEMPT, Forwarded(5.1, 1)])
        Record(tmp_path, ("ackdrop", "run")).going_on(RESULT)
    result = finished(tmp_path).result
    assert (result.verdict, result.exit_code, [reason.code for reason in result.reasons]) == (
        *("interrupted", 130),
        ["unfinished"],
    )
    (arm,) = result.arms
    assert (arm.name, arm.idempotence, arm.verdict, arm.producer.client) == (
        *("off", False, "interrupted"),
        "kafka-python 3.0.12",
    )
    assert (arm.wire.connections, arm.wire.produce_requests, arm.wire.retries) == (1, 1, 0)
    assert [(fault.name, fault.fired) for fault in arm.wire.faults] == [("lose it", 0)]
    assert (arm.records.sent, arm.log.records) == (None, None)


def test_no_run_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        finished(tmp_path)
    for out in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="no run lies in"):
            latest(out)


def test_the_last_run_is_the_last_by_name(tmp_path: Path) -> None:
    for name in ("2026-01-02T00-00-00-b", "2026-01-01T00-00-00-a"):
        (tmp_path / name).mkdir()
        Record(tmp_path / name, ("ackdrop", "run")).finished(RESULT)
    (tmp_path / "2026-01-03T00-00-00-no-run").mkdir()
    assert latest(tmp_path).name == "2026-01-02T00-00-00-b"
