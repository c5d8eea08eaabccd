"""The token: made, or read from a file that nobody else can read; never shown."""

from __future__ import annotations

import os

import pytest

from ackdrop.control import token
from ackdrop.errors import SurroundingsError, UsageError

GOOD = "0123456789abcdef-._~+/="


def test_one_that_is_made_is_new_and_its_users_alone(tmp_path):
    before = os.umask(0)
    try:
        first, second = token.made(tmp_path / "a"), token.made(tmp_path / "a")
    finally:
        os.umask(before)
    assert first != second
    assert len(second) >= 32
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert token.read(tmp_path / "a") == second


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "other").write_text("precious")
    (tmp_path / "a").symlink_to(tmp_path / "other")
    token.made(tmp_path / "a")
    assert (tmp_path / "other").read_text() == "precious"


def test_one_that_cannot_be_written(tmp_path):
    with pytest.raises(SurroundingsError, match="could not be written"):
        token.made(tmp_path / "no" / "a")


def test_one_that_is_given(tmp_path):
    path = tmp_path / "token"
    path.write_text(f" {GOOD}\n")
    path.chmod(0o600)
    assert token.read(path) == GOOD


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_a_file_that_others_may_read(tmp_path, mode):
    path = tmp_path / "token"
    path.write_text(GOOD)
    path.chmod(mode)
    with pytest.raises(UsageError, match="others than you may read") as error:
        token.read(path)
    assert error.value.remedy == f"chmod 600 {path}"


@pytest.mark.parametrize("text", ["", "short", "0123456789abcdef ghi", "0123456789abcdef\nghi", "ä" * 20, "\0" * 20])
def test_what_is_none_is_not_shown(text):
    with pytest.raises(UsageError, match="holds no token") as error:
        token.checked(text, "ACKDROP_CONTROL_TOKEN")
    assert not text or text not in error.value.message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        token.read(tmp_path / "no")
