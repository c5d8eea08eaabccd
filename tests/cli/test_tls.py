"""`ackdrop tls init`: what it writes and what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ackdrop.cli import ackdrop
from ackdrop.errors import UsageError


def init(*arguments: str) -> Result:
    return CliRunner().invoke(ackdrop, ["tls", "init", *arguments], prog_name="ackdrop")


def test_what_it_says_names_files_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = init("--name", "kafka.example")
    assert result.exit_code == 0
    assert "for localhost, 127.0.0.1, ::1, kafka.example; good until 20" in result.output
    named = set(re.findall(r"[\w/.-]*ackdrop-tls/[\w.-]+\.pem", result.output))
    assert all(Path(name).is_file() for name in named)
    assert {Path(name).name for name in named} == {path.name for path in Path("ackdrop-tls").iterdir()}
    assert "--tls-cert ackdrop-tls/server.pem --tls-key ackdrop-tls/server-key.pem" in result.output
    assert f"ssl.ca.location={tmp_path}/ackdrop-tls/ca.pem" in result.output


def test_the_options_that_it_names_exist(tmp_path: Path) -> None:
    said = init(str(tmp_path)).output
    known = CliRunner().invoke(ackdrop, ["proxy", "--help"]).output
    options = set(re.findall(r"(?<=\s)--[a-z-]+", said))
    assert options == {"--bootstrap", "--tls-cert", "--tls-key", "--tls-client-ca"}
    assert [option for option in options if option not in known] == []


def test_a_second_one_is_refused_but_by_force(tmp_path: Path) -> None:
    init(str(tmp_path))
    before = (tmp_path / "ca.pem").read_bytes()
    assert isinstance(init(str(tmp_path)).exception, UsageError)
    assert (tmp_path / "ca.pem").read_bytes() == before
    assert init(str(tmp_path), "--force").exit_code == 0
    assert (tmp_path / "ca.pem").read_bytes() != before


def test_help_has_an_example() -> None:
    assert "ackdrop tls init certificates --name kafka.example" in init("--help").output
