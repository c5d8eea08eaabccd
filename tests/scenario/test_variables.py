"""Variables: defaults, what wins, text and numbers, and what is said of one without a value."""

from __future__ import annotations

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.scenario.load import load

from ..effort import calls, seconds


def records(text: str, *sets: str) -> int:
    return load(f"version: 1\nworkload: {{records: '${{{text}}}'}}\n", sets).workload.records


def refused(text: str, *sets: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(text, sets)
    return [problem.removeprefix("scenario:") for problem in caught.value.problems]


def test_a_default_where_it_stands() -> None:
    assert records("n:-5") == 5
    assert records("n:-5", "n=7") == 7


def test_a_declared_default_wins_over_one_that_stands_at_its_use() -> None:
    text = "version: 1\nvariables: {n: 6}\nworkload: {records: '${n:-5}'}\n"
    assert load(text).workload.records == 6
    assert load(text, ["n=7"]).workload.records == 7
    assert load(text, ["variables.n=8"]).workload.records == 8


def test_without_quotes_in_a_block() -> None:
    assert load("version: 1\nworkload:\n  records: ${n:-5}\n").workload.records == 5


def test_inside_of_a_text_it_is_text() -> None:
    text = "version: 1\nvariables: {n: 010, t: 1.50}\ntitle: ${n} and ${t}, ${x:-on}, $${n}, $$${n}\n"
    assert load(text).title == "010 and 1.50, on, ${n}, $${n}"


@pytest.mark.parametrize(("value", "read"), [("5", 5), ("'5'", "5"), ("true", True), ("on", "on"), ("0x10", 16)])
def test_alone_it_is_what_yaml_makes_of_it(value: str, read: object) -> None:
    for text, sets in (
        (f"version: 1\nvariables: {{v: {value}}}\nworkload: {{value: '${{v}}'}}\n", []),
        ("version: 1\nworkload: {value: '${v}'}\n", [f"v={value}"]),
    ):
        found = load(text, sets).workload.value
        assert (found, type(found)) == (read, type(read))


def test_what_is_put_in_is_not_searched_again() -> None:
    scenario = load("version: 1\ntitle: a ${x}\n", ["x=${y}"])
    assert scenario.title == "a ${y}"
    assert load(scenario.content.decode()).title == "a ${y}"


def test_keys_stay_as_they_are() -> None:
    assert load("version: 1\nworkload: {value: {'${a}': 1}}\n").workload.value == {"${a}": 1}


def test_in_values_that_set_gives() -> None:
    assert load("version: 1\nvariables: {n: 3}\n", ["workload.records=${n}"]).workload.records == 3


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("version: 1\ntitle: ${t}", "2:8: the variable 't' has no value", "--set t=VALUE"),
        ("version: 1\nseed: ${a:-x}", "2:7: seed: expected a whole number", None),
        ("version: 1\nseed: ${a:-}", "2:1: the key 'seed' has no value", None),
        ("version: 1\ntitle: a ${1}", "2:8: ${ that begins no variable", "$${ stands for ${"),
        ("version: 1\ntitle: ${a", "2:8: ${ that begins no variable", "$${ stands for ${"),
        ("version: 1\ntitle: x${a:-${b}}", "2:8: the default of the variable 'a' holds another variable", None),
        ("version: 1\nworkload: {records: ${n}}", "2:2", 'a variable needs quotes: "${name}"'),
        ("version: 1\nvariables: [a]", "2:12: variables: expected a mapping of names to values", "for example"),
        ("version: 1\nvariables: {a-b: 1}", "2:13: variables: 'a-b' cannot name a variable", "letters, digits"),
        ("version: 1\nvariables: {a: [1]}", "2:16: variables.a: expected one word, number or text", None),
        ("version: 1\nvariables: {a: }", "2:13: variables.a: expected one word, number or text", "leave it out"),
        ("version: 1\nvariables: {a: 1, a: 2}", "2:19: duplicate key 'a'", None),
    ],
)
def test_what_is_refused(text: str, said: str, hint: str | None) -> None:
    problem = refused(text)[0]
    assert problem.startswith(said)
    assert hint is None or hint in problem


def test_an_unknown_name_gets_the_nearest() -> None:
    (problem,) = refused("version: 1\nvariables: {records: 3}\ntitle: x ${other:-1}\n", "recods=5")
    assert "--set recods: no variable 'recods'" in problem
    assert "did you mean 'records'? there are: other, records" in problem
    assert "the scenario has none" in refused("version: 1\n", "x=5")[0]


def test_a_variable_takes_one_value() -> None:
    assert "takes one word, number or text" in refused("version: 1\ntitle: ${t}\n", "t=[1]")[-1]


def test_little_that_becomes_much_is_refused_quickly() -> None:
    text = "version: 1\nvariables: {a: '" + "x" * 20_000 + "'}\ndescription: " + "${a}" * 20_000 + "\n"
    problems: list[str] = []
    assert calls(lambda: problems.extend(refused(text))) < 1_000_000
    assert "more than 262144 characters" in problems[0]


def test_a_variable_in_a_variables_value_is_an_error() -> None:
    text = "version: 1\ntitle: ${a}\nvariables: {a: 'x ${b}', b: 1}\n"
    (problem,) = refused(text)
    assert problem.startswith("3:16: variables.a: holds the variable 'b', which is not filled in here")
    (problem,) = refused("version: 1\ntitle: t${a}\nmatrix: {a: ['${a}', 2]}\n")
    assert problem.startswith("3:14: matrix.a: holds the variable 'a', which is not filled in here")


@pytest.mark.parametrize("piece", ["${", "${a:-", "${a:-$", "${" + "a" * 60, "${a:-${"])
def test_beginnings_without_an_end_are_read_in_one_go(piece: str) -> None:
    def read(characters: int) -> None:
        problems = refused("version: 1\ntitle: '" + piece * (characters // len(piece)) + "'\n")
        assert len(problems) == 1
        assert "${ that begins no variable" in problems[0]

    assert seconds(lambda: read(100_000)) < 40 * seconds(lambda: read(10_000)), "it grows with the square"


def test_a_key_in_place_of_a_path_gets_its_path() -> None:
    assert "did you mean the path workload.records? the scenario has none" in refused("version: 1\n", "records=5")[0]
    assert "did you mean the path workload.config.linger?" in refused("version: 1\n", "linger=5ms")[0]


def test_a_value_that_no_variable_takes_is_one_error() -> None:
    text = "version: 1\ntitle: t${x}\n"
    assert len(refused(text, "x=[1]")) == len(refused(text, "x=")) == 1
    (problem,) = refused("version: 1\ntitle: t${x:-1}\nmatrix: {x: [1, 2]}\n", "x=[3]")
    assert "--set x: the variable 'x' takes one word, number or text" in problem
