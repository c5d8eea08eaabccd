"""What is taken from a run's ledger, and what is said where there is none."""

from __future__ import annotations

import dataclasses

import pytest

from ackdrop.report.finished import Finished
from ackdrop.report.html.wires import answer, eventful, folders, seen, wires


def test_the_wire_of_each_arm(results, kept):
    found = wires(kept(results.lost_ack()))
    assert found.absent is None
    assert {name: len(wire.attempts) for name, wire in found.arms.items()} == {"off": 12, "on": 12}


def test_no_folder(results):
    assert wires(Finished(results.lost_ack(), None)).absent == "The run left no folder, so only its result is known."


def test_no_ledger_in_the_folder(results, tmp_path):
    assert "no ledger.db" in wires(Finished(results.lost_ack(), tmp_path)).absent


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_ledger_that_cannot_be_read(results, tmp_path, content):
    (tmp_path / "ledger.db").write_bytes(content)
    assert "ledger.db could not be read" in wires(Finished(results.lost_ack(), tmp_path)).absent


def test_a_log_verified_alone(results, tmp_path):
    assert wires(Finished(results.alone(), tmp_path)).absent == "Nobody watched the wire: the log was verified alone."


def test_an_arm_that_the_ledger_does_not_know(results, kept):
    run = kept(results.run(results.off_arm()))
    both = Finished(results.lost_ack(), run.folder)
    assert set(wires(both).arms) == {"off"}


def test_several_runs_have_the_wire_of_the_one_that_is_shown(results, kept, tmp_path):
    run = kept(results.lost_ack())
    assert run.folder is not None
    run.folder.rename(tmp_path / "2")
    repeated = Finished(results.repeated(), tmp_path)
    assert repeated.result.repeat.shown == 2
    assert set(wires(repeated).arms) == {"off", "on"}


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "..", ".", "", "a/b"])
def test_a_folder_of_another_place_is_not_looked_into(results, tmp_path, name):
    result = results.repeated()
    repeat = dataclasses.replace(result.repeat, folders=["1", name, "3", "4"])
    assert list(folders(Finished(dataclasses.replace(result, repeat=repeat), tmp_path))) == [tmp_path]


def test_what_became_of_an_attempt_in_words(facts, wire_of):
    wire = wire_of([*facts(1), *facts(2, ack="dropped"), *facts(3, ack=None), *facts(4, ack=None, acks=0)])
    assert [answer(story) for story in wire.attempts] == ["offset 0", "offset 1", "none", "not asked"]
    assert [seen(story) for story in wire.attempts] == ["success", "nothing", "nothing", "nothing"]
    assert [eventful(story) for story in wire.attempts] == [False, True, True, False]
