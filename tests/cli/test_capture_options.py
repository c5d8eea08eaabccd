"""`--capture` and what goes with it: what it becomes, and what is refused before anything is run."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ackdrop.capture.writing.writer import CaptureSettings
from ackdrop.cli import main
from ackdrop.cli.options import capture_options
from ackdrop.errors import UsageError


@click.command()
@capture_options
def shown(capture: CaptureSettings | None) -> None:
    click.echo(repr(capture))


def test_without_it_there_is_none() -> None:
    assert CliRunner().invoke(shown, []).output == "None\n"


@pytest.mark.parametrize("environment", [False, True])
def test_it_becomes_settings(environment: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.pcapng"
    values = {"capture": str(file), "capture-size": "2MiB", "capture-files": "3"}
    if environment:
        given = {f"ACKDROP_{word.upper().replace('-', '_')}": value for word, value in values.items()}
        result = CliRunner().invoke(shown, [], env=given)
    else:
        result = CliRunner().invoke(shown, [word for name, value in values.items() for word in (f"--{name}", value)])
    assert result.output == f"{CaptureSettings(file, 2 << 20, 3)!r}\n"


def test_its_defaults_do_not_fill_a_disk(tmp_path: Path) -> None:
    result = CliRunner().invoke(shown, ["--capture", str(tmp_path / "a.pcapng")])
    assert "size=104857600, files=10" in result.output


@pytest.mark.parametrize("verb", [["run"], ["proxy", "--bootstrap", "localhost:1"], ["exec"]])
def test_a_file_that_is_no_capture_is_refused_by_every_verb(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "precious.yaml"
    file.write_text("version: 1")
    tail = ["--", "true"] if verb == ["exec"] else []
    monkeypatch.setattr(sys, "argv", ["ackdrop", *verb, "--capture", str(file), *tail])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"{file} is there, and is no capture" in told
    assert "try: name another file with --capture" in told
    assert file.read_text() == "version: 1"


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = CliRunner().invoke(shown, ["--capture", str(tmp_path / "file" / "a.pcapng")])
    assert isinstance(result.exception, UsageError)
    assert "cannot write" in result.exception.message
    assert not CliRunner().invoke(shown, ["--capture", str(tmp_path / "new" / "a.pcapng")]).exception
    assert list((tmp_path / "new").iterdir()) == []
