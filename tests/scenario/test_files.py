from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.errors import ScenarioError, UsageError
from ackdrop.scenario.files import find, load_all, shipped

SHIPPED = [
    "application-resend",
    "broken-off-answer",
    "corrupt-batch",
    "delayed-ack",
    "forgotten-producer",
    "given-up",
    "injected-copy",
    "late-after-window",
    "late-request",
    "lost-ack",
    "lost-ack-disconnect",
    "lost-ack-pipelined",
    "lost-ack-reset",
    "partition",
    "reordered-requests",
    "request-lost",
    "restarted-broker",
    "restarted-producer",
    "slow-line",
    "timed-out-append",
]


def test_what_is_shipped() -> None:
    assert [path.stem for path in shipped()] == SHIPPED


def test_a_shipped_name_wins_over_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lost-ack").mkdir()
    (tmp_path / "lost-ack" / "mine.yaml").write_text("version: 1")
    assert find("lost-ack")[0].name == "lost-ack.yaml"
    assert find("./lost-ack") == [Path("lost-ack/mine.yaml")]


def test_a_folder_means_its_own_scenarios_by_name(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.txt", "sub/d.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("version: 1")
    assert [path.name for path in find(tmp_path)] == ["a.yaml", "b.yml"]


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("version: 1")
    assert find(tmp_path / "x.txt") == [tmp_path / "x.txt"]


def test_a_folder_without_scenarios(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scenario in this folder") as caught:
        find(tmp_path)
    assert ".yaml" in (caught.value.remedy or "")


@pytest.mark.parametrize(("name", "near"), [("lost-akc", "lost-ack"), ("delayed_ack.yaml", "delayed-ack")])
def test_an_unknown_name_gets_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UsageError, match="no such file or folder") as caught:
        find(name)
    assert f"Did you mean {near}?" in (caught.value.remedy or "")


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "nothing at all like it"])
def test_arguments_that_mean_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        find(name)


def test_the_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("version: 2\nseed: x\n")
    with pytest.raises(ScenarioError) as caught:
        load_all([tmp_path, "lost-ack"])
    assert len(caught.value.problems) == 4


def test_a_file_that_is_named_twice_is_loaded_once() -> None:
    assert [scenario.name for scenario in load_all(["lost-ack", "lost-ack"])] == ["lost-ack"]


def test_hidden_files_of_a_folder_are_left_out_and_names_alike_are_in_order(tmp_path: Path) -> None:
    for name in (".hidden.yaml", "b.yml", "b.yaml", "a.yml"):
        (tmp_path / name).write_text("version: 1")
    (tmp_path / ".#a.yaml").symlink_to("nobody@nowhere")  # what an editor leaves while a file is open
    assert [path.name for path in find(tmp_path)] == ["a.yml", "b.yaml", "b.yml"]


def test_links_that_lead_nowhere_say_so(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    with pytest.raises(ScenarioError) as caught:
        load_all([tmp_path / "loop.yaml", tmp_path / "gone.yaml"])
    assert [problem.split(": ", 1)[1].split("\n")[0] for problem in caught.value.problems] == [
        "cannot be read: Too many levels of symbolic links",
        "cannot be read: No such file or directory",
    ]
