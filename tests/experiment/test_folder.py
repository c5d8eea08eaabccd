"""The folder of a run."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from ackdrop.errors import SurroundingsError
from ackdrop.experiment import folder


def test_it_is_named_by_time_and_scenario(tmp_path: Path) -> None:
    made = folder.make(tmp_path / "a" / "b", "lost-ack")
    assert made.is_dir()
    assert made.parent == tmp_path / "a" / "b"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-lost-ack", made.name)


def test_runs_that_start_in_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    made = [folder.make(tmp_path, "x") for _ in range(30)]
    assert len(set(made)) == 30
    assert {re.sub(r"^.*-x", "x", path.name) for path in made} >= {"x", "x-2"}


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SurroundingsError, match="file") as caught:
            folder.make(out, "x")
        assert "--out" in (caught.value.remedy or "")


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with pytest.raises(SurroundingsError, match="cannot make /proc/nobody/"):
        folder.make(Path("/proc/nobody"), "x")


def test_nobody_else_is_shut_out_or_let_in(tmp_path: Path) -> None:
    made = folder.make(tmp_path, "x")
    (tmp_path / "like").mkdir()
    assert stat.S_IMODE(made.stat().st_mode) == stat.S_IMODE((tmp_path / "like").stat().st_mode)
