"""`--repeat`, and `ackdrop report`: what a run's folder holds, and every format made of it again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ackdrop.capture.comments import parse

from ..pcapng_files import read

pytestmark = pytest.mark.integration

DEADLINE = 90


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def ackdrop(folder: Path, *arguments: str) -> Ended:
    command = [sys.executable, "-m", "ackdrop", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Done:
    """A run that is over, and where it ran."""

    where: Path
    ended: Ended

    @property
    def folder(self) -> Path:
        (folder,) = (self.where / "ackdrop-runs").iterdir()
        return folder

    @property
    def report(self) -> Any:
        return json.loads((self.folder / "report.json").read_text())


@pytest.fixture(scope="module")
def run(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """`ackdrop run lost-ack-disconnect`, once."""
    where = tmp_path_factory.mktemp("run")
    return Done(where, ackdrop(where, "run", "lost-ack-disconnect", "--bootstrap", embedded_broker))


@pytest.fixture(scope="module")
def repeated(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The same, twice in one call."""
    where = tmp_path_factory.mktemp("repeated")
    line = ("run", "lost-ack-disconnect", "--bootstrap", embedded_broker, "--repeat", "2", "--junit", "run.xml")
    return Done(where, ackdrop(where, *line, "--capture", "run.pcapng"))


def test_a_run_leaves_its_evidence(run: Done) -> None:
    assert run.ended.code == 0, run.ended.err
    files = {path.name for path in run.folder.iterdir()}
    assert {"report.json", "report.html", "ledger.db", "events.jsonl", "scenario.yaml"} <= files
    info = run.report["run"]
    assert info["command"][:2] == ["ackdrop", "run"]
    assert info["command"][-1] == "lost-ack-disconnect"
    assert info["seconds"] > 0
    assert {"ackdrop", "python"} <= info["versions"].keys()


def test_a_chain_tells_each_attempt_and_its_fault(run: Done) -> None:
    off, on = run.report["arms"]
    (duplicate,) = [finding for finding in off["findings"] if finding["kind"] == "duplicate"]
    first, again = duplicate["attempts"]
    assert (first["ack"], first["fault"], first["retry_of"]) == ("dropped", duplicate["fault"], None)
    assert (again["ack"], again["fault"], again["retry_of"]) == ("delivered", None, first["number"])
    assert [attempt["base_offset"] for attempt in (first, again)] == [place["offset"] for place in duplicate["places"]]
    assert first["answered_at"] <= first["acked_at"] <= again["at"] <= again["answered_at"] <= again["acked_at"]
    (saved,) = [finding for finding in on["findings"] if finding["kind"] == "deduplicated"]
    assert len({attempt["base_offset"] for attempt in saved["attempts"]}) == 1


def test_runs_share_a_capture_and_are_told_apart_in_it(repeated: Done) -> None:
    told = [
        parse(line) for packet in read((repeated.where / "run.pcapng").read_bytes()).packets for line in packet.comments
    ]
    opened = [comment.values for comment in told if comment is not None and comment.what == "opened"]
    names = [(values["run"], values["arm"]) for values in opened]
    runs = [(f"lost-ack-disconnect {number}", arm) for number in (1, 2) for arm in ("off", "on")]
    assert list(dict.fromkeys(names)) == runs
    (note,) = [note for note in repeated.report["notes"] if "capture" in note]
    assert note == "The capture of this run is among those of others, in run.pcapng and what follows it."
    assert "see it with: ackdrop capture show run.pcapng, or: tshark -r run.pcapng -d tcp.port==" in repeated.ended.err


def test_a_report_is_made_again(run: Done) -> None:
    again = ackdrop(run.where, "report", str(run.folder), "--no-color")
    assert (again.code, again.err) == (0, "")
    assert again.out == run.ended.out
    assert ackdrop(run.where, "report").out == run.ended.out
    as_json = ackdrop(run.where, "report", str(run.folder), "--json", "-")
    assert json.loads(as_json.out) == run.report


@pytest.mark.parametrize(("word", "begins"), [("junit", "<?xml"), ("markdown", "#"), ("html", "<!doctype html>")])
def test_every_format_is_made_again(run: Done, word: str, begins: str) -> None:
    made = ackdrop(run.where, "report", str(run.folder), f"--{word}", "-")
    assert (made.code, made.err) == (0, "")
    assert made.out.lower().startswith(begins)
    assert "close in place of the third ack" in made.out


def test_the_schema_is_printed(run: Done) -> None:
    import jsonschema

    schema = json.loads(ackdrop(run.where, "report", "--schema").out)
    jsonschema.Draft202012Validator(schema).validate(run.report)


def test_a_folder_that_is_no_run_is_wrong_usage(tmp_path: Path) -> None:
    ended = ackdrop(tmp_path, "report", ".")
    assert ended.code == 2
    assert "report.json" in ended.err
    assert ackdrop(tmp_path, "report").code == 2


def test_repetition_has_a_folder_a_run_and_a_report_of_all(repeated: Done) -> None:
    assert repeated.ended.code == 0, repeated.ended.err
    repeat = repeated.report["repeat"]
    assert (repeat["asked"], repeat["runs"], repeat["verdicts"], repeat["folders"]) == (2, 2, {"passed": 2}, ["1", "2"])
    off, on = repeat["arms"]
    assert off["figures"]["duplicates"] == {"min": 1, "median": 1, "max": 1}
    assert on["figures"]["duplicates"] == {"min": 0, "median": 0, "max": 0}
    assert {(line["held"], line["of"]) for arm in repeat["arms"] for line in arm["expectations"]} == {(2, 2)}
    for name in repeat["folders"]:
        report = json.loads((repeated.folder / name / "report.json").read_text())
        assert (report["verdict"], report["repeat"]) == ("passed", None)
    suites = ElementTree.parse(repeated.where / "run.xml").getroot()
    assert [case.get("name") for case in suites.iter("testcase")]


def test_a_repetition_is_shown_again(repeated: Done) -> None:
    assert ackdrop(repeated.where, "report", "--no-color").out == repeated.ended.out
    one = ackdrop(repeated.where, "report", str(repeated.folder / "2"))
    assert one.code == 0


@pytest.fixture
def interruptible(embedded_broker: str, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ackdrop", *arguments, "--bootstrap", embedded_broker]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_an_interruption_ends_all_repetitions(interruptible: Any, tmp_path: Path) -> None:
    import signal

    process = interruptible("run", "lost-ack-disconnect", "--repeat", "50")
    for line in process.stderr:
        if line.strip() == "passed":
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    (folder,) = (tmp_path / "ackdrop-runs").iterdir()
    report = json.loads((folder / "report.json").read_text())
    assert report["verdict"] == "interrupted"
    assert report["repeat"]["asked"] == 50
    assert 1 < report["repeat"]["runs"] < 50
    assert report["repeat"]["verdicts"]["passed"] >= 1
