"""`include`: what wins, where a part may lie, and the places of its errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.scenario import include
from ackdrop.scenario.load import load

from ..effort import calls

DROP = "do: {drop: {}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "parts").mkdir(parents=True)
    return tmp_path / "in"


def write(folder: Path, **files: str) -> Path:
    """Files by their names, `__` for the folder's slash; `main` is what is loaded."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return folder / "main.yaml"


def refused(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return [problem.replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_mappings_merge_and_the_including_file_wins(folder: Path) -> None:
    path = write(
        folder,
        main="version: 1\ninclude: parts/a.yaml\nworkload: {records: 9, config: {acks: 1}}\n"
        "expect: {false: {lost: 1}}\n",
        parts__a="title: Of a part\nseed: 3\nworkload: {records: 5, sends: 2, config: {acks: all, retries: 4}}\n"
        "expect: {off: {lost: 2, duplicates: 3}}\n",
    )
    scenario = load(path)
    assert (scenario.title, scenario.seed, scenario.workload.records, scenario.workload.sends) == ("Of a part", 3, 9, 2)
    assert (scenario.workload.config.acks, scenario.workload.config.retries) == (1, 4)
    assert {line.text for line in scenario.expect["off"]} == {"lost 1", "duplicates 3"}


def test_faults_come_first_and_other_lists_are_replaced(folder: Path) -> None:
    arms = "arms: [{name: %s, idempotence: false}]\n"
    fault = "faults: [{name: %s, at: produce.response, do: {drop: {}}}]\n"
    path = write(
        folder,
        main="version: 1\ninclude: [parts/a.yaml, parts/b.yaml]\n" + arms % "mine" + fault % "own",
        parts__a=arms % "a" + fault % "of a" + "seed: 1\nrepeat: 2\n",
        parts__b=fault % "of b" + "seed: 2\n",
    )
    scenario = load(path)
    assert [rule.name for rule in scenario.rules] == ["of a", "of b", "own"]
    assert [arm.name for arm in scenario.arms] == ["mine"]
    assert (scenario.seed, scenario.repeat) == (2, 2)


def test_parts_of_parts_are_named_from_their_own_folder(folder: Path) -> None:
    path = write(
        folder,
        main="version: 1\ninclude: parts/a.yaml\n",
        parts__a="include: deep/b.yaml\nvariables: {n: 7}\n",
        parts__deep__b="workload: {records: '${n:-5}'}\n",
    )
    assert load(path).workload.records == 7


def test_the_content_is_a_file_that_means_the_same_alone(folder: Path, tmp_path: Path) -> None:
    path = write(folder, main="version: 1\ninclude: parts/a.yaml\n", parts__a="seed: 4\ndescription: |\n  a\n\n  b\n")
    alone = tmp_path / "alone.yaml"
    alone.write_bytes(load(path).content)
    assert (load(alone).seed, load(alone).description) == (4, "a\n\nb")
    assert "include:" not in alone.read_text()


def test_an_error_names_the_file_and_line_that_it_stands_in(folder: Path) -> None:
    path = write(
        folder,
        main="version: 1\ninclude: parts/a.yaml\nsed: 3\n",
        parts__a=f"# a part\nfaults:\n  - {{at: produce.respnse, {DROP}}}\nseed: 1\nseed: 2\n",
    )
    problems = refused(path)
    assert [problem.split(": ")[0] for problem in problems] == [
        "main.yaml:3:1",
        "parts/a.yaml:3:10",
        "parts/a.yaml:5:1",
    ]
    assert problems[1].split("\n")[1:3] == [f"      - {{at: produce.respnse, {DROP}}}", "             ^"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("/etc/hostname", "a part is named from the folder of this file down"),
        ("../out.yaml", "a part is named from the folder of this file down"),
        ("parts/../../out.yaml", "a part is named from the folder of this file down"),
        ("'parts\\a.yaml'", "a part is named from the folder of this file down"),
        ("nobody.yaml", "there is no file 'nobody.yaml' in the folder of this file"),
        ("parts", "there is no file 'parts' in the folder of this file"),
        ("link.yaml", "a link that leads out of the folder of this file"),
        ("linked/out.yaml", "a link that leads out of the folder of this file"),
        ("loop.yaml", "there is no file 'loop.yaml' in the folder of this file"),
        ("pipe", "there is no file 'pipe' in the folder of this file"),
        ("main.yaml", "a part that includes itself"),
        ("same.yaml", "a part that includes itself"),
        ("3", "expected the name of a file, or a list of them"),
        ("{a: b}", "expected the name of a file, or a list of them"),
        ("[[a]]", "expected the name of a file, or a list of them"),
        ('"a\\0b"', "expected the name of a file, or a list of them"),
        ("", "expected the name of a file, or a list of them"),
    ],
)
def test_what_a_part_may_not_be(folder: Path, named: str, said: str) -> None:
    (folder.parent / "out.yaml").write_text("seed: 3\n")
    (folder / "link.yaml").symlink_to(folder.parent / "out.yaml")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "same.yaml").symlink_to("main.yaml")
    os.mkfifo(folder / "pipe")
    problems = refused(write(folder, main=f"version: 1\ninclude: {named}\n"))
    assert [problem.split("\n")[0].split(": ", 1)[1] for problem in problems] == [f"include: {said}"]
    assert problems[0].startswith("main.yaml:2:")


def test_a_link_inside_of_the_folder_is_followed(folder: Path) -> None:
    path = write(folder, main="version: 1\ninclude: link.yaml\n", parts__a="seed: 3\n")
    (folder / "link.yaml").symlink_to("parts/a.yaml")
    assert load(path).seed == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a\n", "a scenario is a mapping of keys, not a list"),
        ("", "the file is empty"),
        ("a: [\n", "not YAML"),
        ("\xff", "not UTF-8"),
        ("x" * 200_000, "larger than 128 KiB"),
    ],
)
def test_parts_that_are_no_parts(folder: Path, content: str, said: str) -> None:
    path = write(folder, main="version: 1\ninclude: parts/a.yaml\n")
    (folder / "parts" / "a.yaml").write_bytes(content.encode("latin-1"))
    assert said in refused(path)[0]
    assert "parts/a.yaml" in refused(path)[0]


def test_a_circle(folder: Path) -> None:
    path = write(folder, main="version: 1\ninclude: a.yaml\n", a="include: b.yaml\n", b="include: a.yaml\n")
    assert [problem.split("\n")[0] for problem in refused(path)] == [
        "b.yaml:1:10: include: a part that includes itself"
    ]


def test_levels_are_bounded(folder: Path) -> None:
    files = {f"f{n}": f"include: f{n + 1}.yaml\n" for n in range(20)}
    path = write(folder, main="version: 1\ninclude: f0.yaml\n", f20="seed: 1\n", **files)
    assert f"nested deeper than {include.MAX_NESTING} levels" in refused(path)[0]


def test_laughs_are_bounded(folder: Path) -> None:
    files = {f"f{n}": f"include: [{', '.join([f'f{n + 1}.yaml'] * 9)}]\n" for n in range(7)}
    path = write(folder, main="version: 1\ninclude: f0.yaml\n", f7="seed: 1\n", **files)
    problems: list[str] = []
    assert calls(lambda: problems.extend(refused(path))) < 1_000_000
    assert f"more than {include.MAX_PARTS} parts" in problems[0]


def test_values_are_bounded_over_all_files(folder: Path) -> None:
    parts = {f"p{n}": f"workload: {{client_config: {{a{n}: [{'1, ' * 3000}]}}}}\n" for n in range(4)}
    path = write(folder, main="version: 1\ninclude: [p0.yaml, p1.yaml, p2.yaml, p3.yaml]\n", **parts)
    assert "more than 10000 values in all files together" in refused(path)[0]


def test_bytes_are_bounded_over_all_files(folder: Path) -> None:
    parts = {f"p{n}": f"seed: {n} # {'x' * 120_000}\n" for n in range(5)}
    path = write(folder, main=f"version: 1\ninclude: [{', '.join(f'p{n}.yaml' for n in range(5))}]\n", **parts)
    assert "more than 512 KiB in all files together" in refused(path)[0]


def test_a_text_includes_nothing() -> None:
    with pytest.raises(ScenarioError, match="a text that is no file includes nothing"):
        load("version: 1\ninclude: a.yaml\n")


def test_include_cannot_be_a_variable(folder: Path) -> None:
    path = write(folder, main="version: 1\ninclude: ${x:-parts/a.yaml}\n", parts__a="seed: 1\n")
    (problem,) = refused(path)
    assert "include: a variable has no place in the name of a part" in problem
