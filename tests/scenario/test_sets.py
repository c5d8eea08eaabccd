"""`--set`: what a path reaches, what a value is, and what is said where it leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.faults import Delay, Drop
from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import load
from ackdrop.scenario.models import Scenario
from ackdrop.scenario.sets import steps_of

TEXT = """\
version: 1
title: A title
workload:
  records: 20
  config: &c {acks: all}
  client_config: {same: 1}
faults:
  - {name: one, at: produce.response, when: &w {nth: 3}, do: {drop: {then: hold}}}
  - {name: "two.three", at: produce.response, when: *w, do: {drop: {}}}
expect:
  false: {duplicates: 1}
"""


def changed(*sets: str, text: str = TEXT) -> Scenario:
    return load(text, sets)


def refused(*sets: str, text: str = TEXT) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(text, sets)
    return caught.value.problems


def test_values_that_are_there() -> None:
    scenario = changed("workload.records=50", "faults[0].when.nth=5", "workload.config.acks=1", "seed=7")
    assert (scenario.workload.records, scenario.workload.config.acks, scenario.seed) == (50, 1, 7)
    assert [rule.when.nth for rule in scenario.rules] == [(5,), (3,)]


def test_an_alias_is_changed_alone() -> None:
    assert [rule.when.nth for rule in changed("faults[1].when.nth=9").rules] == [(3,), (9,)]


def test_items_by_their_name() -> None:
    scenario = changed("faults[one].do.drop.then=reset", "faults[two.three].when.nth=[4, 5]")
    assert scenario.rules[0].fault == Drop("reset")
    assert scenario.rules[1].when.nth == (4, 5)
    named = changed(
        "arms[off].idempotence=true", "control=none", text=TEXT + "arms: [{name: off, idempotence: false}]\n"
    )
    assert named.arms[0].idempotence


def test_keys_that_are_missing_are_made() -> None:
    scenario = changed("workload.topic.partitions=3", "workload.client_config[a.b.c]=x", "faults[0].match.partition=2")
    assert scenario.workload.partitions == 3
    assert scenario.workload.client_config == {"same": 1, "a.b.c": "x"}
    assert scenario.rules[0].match.partition == (2,)


def test_an_item_more() -> None:
    scenario = changed("faults[2]={at: produce.response, do: {delay: {for: 3s}}}", "faults[2].name=late")
    assert (scenario.rules[2].name, scenario.rules[2].fault) == ("late", Delay(3.0))


def test_the_last_one_wins() -> None:
    assert changed("seed=1", "seed=2").seed == 2


@pytest.mark.parametrize("arm", ["off", "false", "'off'"])
def test_the_arms_of_expect_in_every_spelling(arm: str) -> None:
    scenario = changed(f"expect.{arm.strip(chr(39))}.duplicates=>= 2")
    assert [line.text for line in scenario.expect["off"]] == ["duplicates >= 2"]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("3", 3),
        ("'3'", "3"),
        ('"a: b"', "a: b"),
        ("on", "on"),
        ("010", 10),
        ("1:30", "1:30"),
        ("*", "*"),
        (">= 1", ">= 1"),
        ("!x", "!x"),
        ("&a", "&a"),
        ("@x", "@x"),
        (" x ", "x"),
        ("a=b", "a=b"),
        ("a: b", "a: b"),
        ("# no comment", "# no comment"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("null", None),
        ("$${a}", "${a}"),
    ],
)
def test_what_a_value_is(value: str, read: Any) -> None:
    assert changed(f"workload.value={value}").workload.value == read


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("faults[0].whem.nth=5", "--set faults[0].whem.nth: faults[0]: unknown key 'whem'"),
        ("faults[0].when.nth=x", "--set faults[0].when.nth: faults[0].when.nth: expected a whole number"),
        ("faults[7].when.nth=5", "--set faults[7].when.nth: faults: no item 7: the list has 2, counted from 0"),
        ("faults[ome].when.nth=5", "--set faults[ome].when.nth: faults: nothing in this list is called 'ome'"),
        ("title.x=5", "--set title.x: title is a single value, which has nothing in it"),
        ("workload.recods=5", "--set workload.recods: workload: unknown key 'recods'"),
        ("workload.records=", "--set workload.records: the key 'records' has no value"),
        ("records=5", "--set records: no variable 'records'"),
        ("workload.records", "--set workload.records: expected PATH=VALUE or NAME=VALUE"),
        ("=5", "--set =5: expected PATH=VALUE or NAME=VALUE"),
        ("", "--set : expected PATH=VALUE or NAME=VALUE"),
        ("faults[0=5", "--set faults: expected PATH=VALUE or NAME=VALUE"),
        ("[0]=5", "--set [0]=5: expected PATH=VALUE or NAME=VALUE"),
        ("a..b=5", "--set a: expected PATH=VALUE or NAME=VALUE"),
        ("seed=[1", "--set seed: not YAML"),
        ("seed={a: 1, a: 2}", "--set seed: duplicate key 'a'"),
        ("include=x.yaml", "--set include: include cannot be set"),
        ("variables.1a=3", "--set variables.1a: variables: '1a' cannot name a variable"),
        ("version=2", "--set version: version: expected 1, not the number 2"),
    ],
)
def test_what_is_refused(option: str, said: str) -> None:
    (problem,) = refused(option)
    heading, line, caret, *_ = problem.split("\n")
    assert heading.startswith(said)
    assert (line, caret.strip()) == (f"    {option}", "^")


def test_the_caret_stands_beneath_the_step_or_the_value() -> None:
    assert refused("faults[0].whem.nth=5")[0].split("\n")[1:3] == ["    faults[0].whem.nth=5", "              ^"]
    assert refused("workload.records=no")[0].split("\n")[1:3] == ["    workload.records=no", "                     ^"]


def test_every_error_comes_at_once_with_those_of_the_file() -> None:
    problems = refused("seed=x", "repeat=0", "a.b=3", text=TEXT + "titel: x\n")
    places = [problem.split(": ")[0] for problem in problems]
    assert places == ["scenario:12:1", "--set seed", "--set repeat", "--set a.b"]


def test_the_content_is_a_file_that_means_the_same_alone() -> None:
    for path in shipped():
        whole = load(path, ["workload.records=50", "title=$${x}: 'quoted'", 'workload.value={a: ["on", 1.5, null]}'])
        alone = load(whole.content.decode())
        assert alone.title == "${x}: 'quoted'"
        for part in ("description", "seed", "workload", "arms", "rules", "expect", "control", "control_arm"):
            assert getattr(alone, part) == getattr(whole, part)
        assert whole.sha256 != load(path).sha256
        assert load(path).content == path.read_bytes()


def test_steps() -> None:
    assert steps_of("faults[0].when[a b].c") == ("faults", 0, "when", "a b", "c")
    assert steps_of("faults[0") is None
    assert steps_of("") is None


def test_what_cannot_be_printed_is_not_shown() -> None:
    assert refused("=\n\x1b")[0].split("\n")[0] == "--set =\ufffd\ufffd: expected PATH=VALUE or NAME=VALUE"
    assert refused("a\nb=3")[0].startswith("--set a\ufffdb: no variable 'a\\nb'")


def test_bytes_that_are_no_text_are_refused_and_not_raised() -> None:
    assert changed("title=\udcff").title == "\\udcff"


def test_a_path_is_no_deeper_than_a_file() -> None:
    for path in ("workload." + "x." * 3000 + "y", "workload.value" + ".x" * 23):
        assert "a path of more than 24 steps" in refused(f"{path}=1")[0]
    assert "nested deeper than 24 levels" in refused("workload.value.a.b=" + "[" * 22 + "]" * 22)[0]
    deep = changed("workload.value.a.b=" + "[" * 20 + "1" + "]" * 20)
    assert load(deep.content.decode()).workload.value == deep.workload.value


def test_items_by_number_and_by_name_where_there_are_none() -> None:
    assert "nothing in this list is called 'on'" in refused("arms[on].name=x", text="version: 1\n")[0]
    assert "items are counted from 0, and their number stands in brackets: faults[0]" in refused("faults.0.at=x")[0]
    assert "faults[0]" in refused("faults[-1].at=x")[0]
    (problem,) = refused("faults[2].at=connection")
    assert "faults[2]: the key 'do' is missing" in problem
