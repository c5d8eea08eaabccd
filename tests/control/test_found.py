"""How `ackdrop ctl` finds the proxies of its user."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from ackdrop.control import found
from ackdrop.errors import SurroundingsError


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    path = tmp_path / "runtime"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


def one(pid: int) -> found.Found:
    return found.Found(pid, "127.0.0.1:9191", None, "127.0.0.1:19092", "localhost:9092")


def test_it_is_told_while_it_runs_and_to_its_user_alone(runtime):
    assert found.running() == []
    with found.told(one(os.getpid())):
        assert found.running() == [one(os.getpid())]
        (path,) = (runtime / "ackdrop").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert found.running() == []
    assert list((runtime / "ackdrop").iterdir()) == []


def test_what_a_process_that_is_gone_has_left_means_nothing(runtime):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with found.told(one(gone.pid)):
        assert found.running() == []
    assert list((runtime / "ackdrop").iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\udcff"])
def test_what_is_no_such_file_is_passed_over(runtime, text):
    (found.folder() / "7.control.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert found.running() == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_folder_that_others_may_write_to_is_not_trusted(runtime, mode):
    found.folder().chmod(mode)
    with pytest.raises(SurroundingsError, match="is not a folder of yours alone"):
        found.running()


def test_a_link_is_no_folder(runtime, tmp_path):
    (tmp_path / "other").mkdir()
    (runtime / "ackdrop").symlink_to(tmp_path / "other")
    with pytest.raises(SurroundingsError, match="is not a folder of yours alone"):
        found.folder()


def test_a_user_without_a_runtime_folder_is_told_nothing_of_it(monkeypatch, tmp_path):
    """Warnings are errors here; on a machine without a login session there is none."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert found.folder().is_dir()
