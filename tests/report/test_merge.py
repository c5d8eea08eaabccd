"""`report merge`: all results in their order, no run twice, and no shard that nobody misses."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from ackdrop.errors import UsageError
from ackdrop.report import as_json, html, junit, markdown, schema
from ackdrop.report.finished import Finished
from ackdrop.report.merge import Found, merge
from ackdrop.result import Reason, RunInfo, ShardInfo

PLAN = ShardInfo(1, 1, 1, 1, 1, "0123456789abcdef")
LEFT_OUT = Reason("not-run", None, "Another one failed.")


@pytest.fixture
def part(results):
    """`part(number, position)`: the result of a shard of three with two scenarios each, from `NUMBER.json`."""

    def make(number, position, place=None, run="first", **changes):
        changes = {"of": 3, "size": 2, "total": 6, **changes}
        info = RunInfo(f"{run}-{number}-{position}", "2026-11-23T06:12:09.123Z", 9.0, ["ackdrop", "run"], {})
        shard = results.change(PLAN, number=number, position=position, **changes)
        scenario = results.change(results.lost_ack().scenario, file=f"s/{position}.yaml")
        result = results.change(results.lost_ack(), scenario=scenario, shard=shard, run=info if run else None)
        return Found(Finished(result, None), place or f"{number}.json")

    return make


@pytest.fixture
def whole(part):
    return [part(number, position) for number, position in ((1, 6), (1, 1), (2, 5), (2, 2), (3, 3), (3, 4))]


def alone(result, place="a.json", folder=None):
    return Found(Finished(result, folder), place)


def positions(runs):
    return [run.result.shard.position if run.result.shard else None for run in runs]


def reasons(runs):
    return [reason.text for run in runs for reason in run.result.reasons]


def test_all_shards_are_the_whole_in_its_order(whole):
    assert positions(merge(whole)) == [1, 2, 3, 4, 5, 6]
    assert positions(merge(list(reversed(whole)))) == [1, 2, 3, 4, 5, 6]


def test_a_missing_shard_is_said_and_inconclusive(whole):
    merged = merge([each for each in whole if each.place != "2.json"])
    assert positions(merged) == [1, 3, 4, 6, None]
    missing = merged[-1].result
    assert (missing.verdict, missing.exit_code, missing.scenario.title) == ("inconclusive", 3, "Shard 2 of 3")
    ((code, text),) = [(reason.code, reason.text) for reason in missing.reasons]
    assert code == "shard-missing"
    assert text.startswith("Nothing of shard 2 of 3 is here")
    assert "--shard 2/3" in text


def test_a_shard_that_is_not_whole_is_said_and_inconclusive(whole):
    merged = merge(whole[:-1])
    assert positions(merged) == [1, 2, 3, 5, 6, None]
    assert reasons(merged)[0].startswith("Of shard 3 of 3 there are 1 of 2 results.")


def test_every_shard_that_lacks_is_told(part):
    merged = merge([part(1, 1)])
    assert [run.result.scenario.title for run in merged[1:]] == ["Shard 1 of 3", "Shard 2 of 3", "Shard 3 of 3"]


def test_what_was_merged_can_be_merged_with_what_was_missing(whole):
    first = merge([each for each in whole if each.place != "2.json"])
    late = [each for each in whole if each.place == "2.json"]
    merged = merge([*(alone(run.result, "merged.json") for run in first), *late])
    assert (positions(merged), reasons(merged)) == ([1, 2, 3, 4, 5, 6], [])


def test_a_scenario_that_was_left_out_is_no_missing_one(whole, results):
    left = whole[-1].result
    left = results.change(left, run=None, verdict="inconclusive", exit_code=3, reasons=[LEFT_OUT])
    assert reasons(merge([*whole[:-1], alone(left)])) == [LEFT_OUT.text]


def test_results_of_other_jobs_are_joined_as_they_are(results, whole):
    one, other = results.lost_ack(), results.failed()
    assert [run.result for run in merge([alone(one), alone(other)])] == [one, other]
    assert [run.result for run in merge([alone(other), *whole])][-1] == other


def test_folders_are_kept(results, tmp_path):
    assert merge([alone(results.lost_ack(), folder=tmp_path)])[0].folder == tmp_path


def test_the_same_run_twice_names_both_places(results):
    run = results.change(results.lost_ack(), run=results.run_info)
    with pytest.raises(UsageError, match=r"(?m)the run 5f0c of lost-ack is in a\.json and runs/1$") as caught:
        merge([alone(run), alone(results.failed()), alone(run, "runs/1")])
    assert caught.value.remedy == "leave one of them out"
    with pytest.raises(UsageError, match=r"(?m)the run 5f0c of lost-ack is twice in a\.json$"):
        merge([alone(run), alone(run)])


def test_the_same_repetition_twice(results):
    """It has no number of its own, as it is several runs."""
    run = results.change(results.repeated(), run=results.change(results.run_info, id=None))
    with pytest.raises(UsageError, match=r"the run begun at 2026-11-23T06:12:09\.123Z of lost-ack is in a\.json and b"):
        merge([alone(run), alone(run, "b.json")])


def test_a_shard_that_was_run_twice(part, whole):
    """By another job: each scenario counts once."""
    with pytest.raises(UsageError, match=r"the part in shard 2 of 5 is in 2\.json and again\.json"):
        merge([*whole, part(2, 5, "again.json", run="another")])


def test_a_part_that_was_left_out_twice(part):
    with pytest.raises(UsageError, match=r"the part in shard 2 of 5 is in 2\.json and again\.json"):
        merge([part(2, 5, run=None), part(2, 5, "again.json", run=None)])


@pytest.mark.parametrize("change", [{"plan": "fedcba9876543210"}, {"of": 4}, {"total": 7}])
def test_shards_of_different_divisions(part, change):
    with pytest.raises(UsageError, match=r"b\.json is of another division than 1\.json: .*, not 6 scenarios in 3 sha"):
        merge([part(1, 1), part(2, 2, "b.json", **change)])


def test_in_every_format(whole):
    merged = merge([each for each in whole if each.place != "2.json"])
    Draft202012Validator(json.loads(schema.text())).validate(json.loads(as_json.text(merged)))
    assert 'errors="1" failures="0"' in junit.text(merged).partition('name="Shard 2 of 3"')[2]
    assert markdown.text(merged).startswith("**5 results: 4 passed, 1 inconclusive**")
    for text in (junit.text(merged), markdown.text(merged), html.text(merged)):
        assert "Nothing of shard 2 of 3 is here" in text
