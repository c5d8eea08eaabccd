"""Faults that are added while others are at work: the language and the messages are those of a scenario's file."""

from __future__ import annotations

import json

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.faults import Delay, Drop, Error
from ackdrop.scenario.added import MOST, added
from ackdrop.scenario.files import load_all, shipped
from ackdrop.scenario.load import load
from ackdrop.scenario.models import entries_of
from ackdrop.scenario.reading import LIMIT

LOSE = {"name": "lose it", "at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}}


def test_one_fault_as_it_stands_in_a_file():
    found = added(b"name: slow\nat: produce.response\ndo: {delay: {for: 2s}}\n", [LOSE])
    (rule,) = found.rules
    assert (rule.name, rule.api, rule.side, rule.fault) == ("slow", "produce", "response", Delay(2.0))
    assert found.entries == ({"name": "slow", "at": "produce.response", "do": {"delay": {"for": "2s"}}},)


def test_json_is_yaml():
    (rule,) = added(b'{"at": "produce.response", "do": {"error": {"code": "NOT_LEADER_OR_FOLLOWER"}}}', []).rules
    assert rule.fault == Error(6)


def test_several_faults_and_those_of_a_whole_scenario():
    one, two = "{at: produce.response, do: {drop: {}}}", "{at: produce.request, do: {drop: {}}}"
    listed = added(f"[{one}, {two}]".encode(), []).rules
    whole = added(f"version: 1\nworkload: {{records: 5}}\nfaults: [{one}, {two}]\n".encode(), []).rules
    assert [rule.side for rule in listed] == [rule.side for rule in whole] == ["response", "request"]


def test_a_scenario_may_have_variables():
    text = b"version: 1\nvariables: {n: 4}\nfaults: [{at: produce.response, when: {nth: '${n}'}, do: {drop: {}}}]\n"
    assert added(text, []).rules[0].when.nth == (4,)


def test_a_name_of_its_own_is_one_that_no_other_has():
    text = b"{at: produce.response, do: {drop: {}}}"
    first = added(text, [])
    assert [rule.name for rule in first.rules] == ["drop at produce.response"]
    assert [rule.name for rule in added(text, first.entries).rules] == ["drop at produce.response (2)"]


def test_it_may_follow_one_that_is_there():
    (rule,) = added(b"{at: produce.response, when: {following: lose it}, do: {drop: {}}}", [LOSE]).rules
    assert rule.when.following == "lose it"


def test_any_partition_may_be_there():
    added(b"{at: produce.response, match: {partition: 17}, do: {drop: {}}}", [])


def test_what_is_there_means_itself():
    odd = {**LOSE, "name": "costs ${money}", "match": {"topic": "${x}"}}
    found = added(b"{at: produce.response, do: {drop: {}}}", [odd])
    assert [rule.fault for rule in found.rules] == [Drop()]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{name: lose it, at: produce.response, do: {drop: {}}}", "a second fault 'lose it'"),
        (b"{at: produce.respons, do: {drop: {}}}", "fault:1:6: faults[0].at: unknown place 'produce.respons'"),
        (b"- {at: produce.response, do: {drop: {}}}\n- {at: x, do: {drop: {}}}", "fault:2:8: faults[1].at: unknown"),
        (b"{at: produce.response, do: {dorp: {}}}", "did you mean"),
        (b"{at: produce.response, when: {following: none}, do: {drop: {}}}", "no fault 'none'"),
        (b"{at: produce.response}", "the key 'do' is missing"),
        (b"{at: connection, do: {drop: {}}}", "'drop' is not possible at connection"),
        (b"{at: produce.response, do: {delay: {for: 2}}}", "2"),
        (b"", "the file is empty"),
        (b"- - 1", "expected a mapping"),
        (b"nothing", "expected a mapping"),
        (b"[", "fault:1:"),
        (b"\xff", "not UTF-8"),
        (b"#" * (LIMIT + 1), "larger than"),
        (b"version: 1\ninclude: x.yaml\nfaults: []\n", "a text that is no file includes nothing"),
        (b"version: 1\nfaults: 3\n", "expected"),
        (b"{at: produce.response, when: {nth: '${n}'}, do: {drop: {}}}", "n"),
    ],
)
def test_what_is_wrong_is_said_as_of_a_file(text, says):
    with pytest.raises(ScenarioError) as refusal:
        added(text, [LOSE])
    assert any(says in problem for problem in refusal.value.problems), refusal.value.problems


def test_nothing_to_add_is_nothing():
    assert added(b"[]", [LOSE]).rules == ()


def test_no_more_than_a_scenario_may_have():
    standing = [{**LOSE, "name": f"f{n}"} for n in range(MOST)]
    with pytest.raises(ScenarioError, match="more than 200 faults"):
        added(b"{at: produce.response, do: {drop: {}}}", standing)


def test_one_that_can_never_be_asked_is_warned_of():
    always = {"name": "always", "at": "produce.response", "do": {"drop": {}}}
    found = added(b"{name: mine, at: produce.response, do: {delay: {for: 1s}}}", [always])
    assert [warning.code for warning in found.warnings] == ["always-overruled"]


def test_what_stands_for_each_rule_means_it_alone():
    for scenario in load_all(shipped()):
        entries = entries_of(scenario)
        assert list(entries) == [rule.name for rule in scenario.rules]
        found = added(json.dumps(list(entries.values())).encode(), [])
        assert (found.rules, found.entries) == (scenario.rules, scenario.entries)


def test_the_entries_of_a_file_have_the_values_that_it_was_given():
    text = "version: 1\nvariables: {n: 4}\nfaults: [{at: produce.response, when: {nth: '${n}'}, do: {drop: {}}}]\n"
    (entry,) = load(text).entries
    assert entry == {
        "name": "drop at produce.response",
        "at": "produce.response",
        "when": {"nth": 4},
        "do": {"drop": {}},
    }
