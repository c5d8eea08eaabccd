"""A matrix: its combinations, their names, what `--set` narrows, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.scenario.files import load_all
from ackdrop.scenario.load import examine, load
from ackdrop.scenario.models import Scenario

from ..effort import calls

TEXT = """\
version: 1
title: Of ${n}
variables: {n: 3}
workload: {records: "${n}", config: {acks: all}}
matrix:
  producer: [kafka-python, aiokafka]
  acks: [all, 1]
  n: [4, 5]
faults:
  - {name: one, at: produce.response, when: {nth: 1}, do: {drop: {then: "${then:-hold}"}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    return path


def told(scenarios: list[Scenario]) -> list[tuple[str, object, int]]:
    return [(one.workload.producer, one.workload.config.acks, one.workload.records) for one in scenarios]


def refused(text: str, *sets: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(text, sets)
    return [problem.removeprefix("scenario:") for problem in caught.value.problems]


def test_every_combination_the_last_key_fastest(file: Path) -> None:
    assert told(load_all([file])) == [
        (producer, acks, n) for producer in ("kafka-python", "aiokafka") for acks in ("all", 1) for n in (4, 5)
    ]


def test_each_says_its_values(file: Path) -> None:
    second = load_all([file])[1]
    assert second.name == "mine-kafka-python-acks-all-n-5"
    assert second.title == "Of 5 (producer: kafka-python, acks: all, n: 5)"
    assert second.combination == (("producer", "kafka-python"), ("acks", "all"), ("n", "5"))


def test_the_content_of_each_means_it_alone(file: Path) -> None:
    for scenario in load_all([file]):
        alone = load(scenario.content.decode())
        assert (alone.title, alone.workload, alone.rules) == (scenario.title, scenario.workload, scenario.rules)
    assert len({scenario.sha256 for scenario in load_all([file])}) == 8


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["acks=1", "n=4"], [("kafka-python", 1, 4), ("aiokafka", 1, 4)]),
        (["workload.producer=confluent-kafka", "acks=0", "n=9"], [("confluent-kafka", 0, 9)]),
        (["matrix.producer=[aiokafka]", "matrix.n=[7]", "matrix.acks=[1]"], [("aiokafka", 1, 7)]),
        (["matrix={n: [1]}"], [("kafka-python", "all", 1)]),
    ],
)
def test_set_narrows_it(file: Path, sets: list[str], expected: list[object]) -> None:
    assert told(load_all([file], sets)) == expected


def test_what_runs_one_again_runs_that_one_alone(file: Path) -> None:
    for scenario in load_all([file], ["then=reset"]):
        sets = ["then=reset", *(f"{key}={text}" for key, text in scenario.combination)]
        assert load_all([file], sets) == [scenario]


def test_paths_top_keys_and_whole_mappings_as_values(file: Path) -> None:
    text = """\
version: 1
matrix:
  seed: [1, 2]
  faults[one].do: [{drop: {}}, {error: {code: NOT_LEADER_OR_FOLLOWER}}]
faults:
  - {name: one, at: produce.response, do: {delay: {for: 3s}}}
"""
    file.write_text(text)
    scenarios = load_all([file])
    assert [(one.seed, one.rules[0].fault.word) for one in scenarios] == [
        (1, "drop"),
        (1, "error"),
        (2, "drop"),
        (2, "error"),
    ]
    assert len({one.name for one in scenarios}) == 4


def test_names_fit_a_topic_and_differ(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 70 + ".yaml")
    values = ", ".join(f"'{word}/{'y' * 30}'" for word in ("A b", "a B", "é"))
    path.write_text(f"version: 1\nmatrix: {{workload.value: [{values}], seed: [1, 2]}}\n")
    names = [scenario.name for scenario in load_all([path])]
    assert len({name.casefold() for name in names}) == 6
    assert all(name.isascii() and len(name) <= 120 and "/" not in name and " " not in name for name in names)


@pytest.mark.parametrize(
    ("matrix", "said", "hint"),
    [
        ("[]", "2:9: matrix: expected a mapping of keys to lists", "for example"),
        ("{acks: all}", "2:16: matrix.acks: expected a list of values", "for example"),
        ("{acks: []}", "2:16: matrix.acks: expected a list of values", None),
        ("{ackz: [1]}", "2:10: matrix: unknown key 'ackz'", "did you mean 'acks'?"),
        ("{nobody: [1]}", "2:10: matrix: unknown key 'nobody'", "expected a variable, a path"),
        ("{version: [1]}", "2:10: matrix: 'version' cannot be varied", "it belongs to the file"),
        ("{include: [a]}", "2:10: matrix: 'include' cannot be varied", None),
        ("{variables.n: [1]}", "2:10: matrix: 'variables.n' cannot be varied", None),
        ("", "2:1: matrix: expected a mapping of keys to lists", "for example"),
        (
            "{workload.config: [{}], acks: [1]}",
            "2:33: matrix: 'acks' and 'workload.config': one is a part of the other",
            None,
        ),
        ("{'a[': [1]}", "2:10: matrix: unknown key 'a['", None),
        ("{acks: [1, 1]}", "2:20: matrix.acks: 1 stands here twice", None),
        ("{acks: [1, ]}", None, None),
        ("{acks: [1, ~]}", "2:20: matrix.acks: this item of the list has no value", None),
        (
            "{acks: [1], workload.config.acks: [all]}",
            "2:21: matrix: 'workload.config.acks' means what 'acks' does",
            None,
        ),
        ("{acks: [1, 7]}", "2:20: workload.config.acks: expected all, 0 or 1, not the number 7", None),
        ("{workload.recods: [1]}", "2:10: workload: unknown key 'recods'", "did you mean 'records'?"),
        ("{title.x: [1]}", "2:10: title is a single value", None),
        ("{seed: [1, x], repeat: [0, 2]}", "2:20: seed: expected a whole number", None),
        (f"{{seed: {list(range(65))}}}", "2:1: matrix: 65 combinations, of 64 at most", None),
    ],
)
def test_what_is_refused(matrix: str, said: str | None, hint: str | None) -> None:
    text = f"version: 1\nmatrix: {matrix}\ntitle: x\n"
    if said is None:
        assert load(text).workload.config.acks == 1
        return
    problem = refused(text)[0]
    assert problem.startswith(said)
    assert hint is None or hint in problem


def test_the_errors_of_every_value_come_at_once() -> None:
    text = "version: 1\nmatrix: {seed: [1, x, y], repeat: [1, 0], acks: [1, 2]}\n"
    assert [problem.split(":")[1] for problem in refused(text)] == ["20", "23", "39", "53"]


def test_much_times_much_is_refused_quickly() -> None:
    value = "[" + "1, " * 2_000 + "]"
    text = f"version: 1\nworkload: {{value: {value}}}\nmatrix: {{seed: {list(range(64))}}}\n"
    problems: list[str] = []
    assert calls(lambda: problems.extend(refused(text))) < 1_000_000
    assert "combinations" in problems[0]


def test_a_warning_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "version: 1\nmatrix: {workload.records: [4, 5]}\nfaults:\n"
        "- {at: produce.response, match: {topic: orders}, do: {drop: {}}}\n"
    )
    examined = examine(path)
    assert len(examined.scenarios) == 2
    assert len(examined.warnings()) == 1
