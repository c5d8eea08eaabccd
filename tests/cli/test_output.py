"""Where a run's words, its table and its JSON go."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ackdrop.cli.options import FORMATS, Wanted
from ackdrop.cli.output import Output
from ackdrop.errors import BrokerError, SurroundingsError, UsageError
from ackdrop.report.finished import Finished
from ackdrop.result import Reason, RunResult, ScenarioInfo

from ..terminals import Job

RESULT = RunResult(
    scenario=ScenarioInfo("Größe", None, 7, None),
    broker=None,
    verdict="error",
    reasons=[Reason("no-broker", None, "nobody")],
    exit_code=4,
    arms=[],
)


def output(json_file: str | None = None, *, quiet: bool = False, verbose: bool = False) -> Output:
    files = {} if json_file is None else {"json": json_file}
    return Output(Wanted(files=files, quiet=quiet, verbose=verbose))


def test_words_go_to_standard_error_and_the_table_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = output(verbose=True).told()
    told.say("[b]one[/b]")
    told.verbose("two")
    told.complain(BrokerError("three", remedy="four"))
    told.show(Finished(dataclasses.replace(RESULT, notes=["A note."]), tmp_path))
    captured = capsys.readouterr()
    assert captured.err == "[b]one[/b]\ntwo\nackdrop: three\n  try: four\n"
    assert captured.out.startswith("Größe ")
    assert "A note." in captured.out


def test_tables_are_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = output().told()
    told.show(Finished(RESULT, tmp_path))
    first = capsys.readouterr().out
    told.show(Finished(RESULT, tmp_path))
    assert capsys.readouterr().out == "\n" + first


def test_quiet_says_errors_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = output(quiet=True, verbose=True).told()
    told.say("one")
    told.verbose("two")
    told.show(Finished(RESULT, tmp_path))
    with told.progress:
        told.progress.phase("three")
    told.complain(BrokerError("four"))
    assert capsys.readouterr() == ("", "ackdrop: four\n")


def test_what_was_passed_over_is_said_to_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    output().told().verbose("passed over")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("count", [1, 2])
def test_json_is_the_result_or_an_array_of_several(tmp_path: Path, count: int) -> None:
    file = tmp_path / "below" / "result.json"
    one = output(str(file))
    assert not file.exists()
    told = one.told()
    told.results.extend([Finished(RESULT, None)] * count)
    one.write(told.results)
    results: Any = json.loads(file.read_text(encoding="ascii"))
    assert results == (RESULT.to_json() if count == 1 else [RESULT.to_json()] * count)


def test_json_on_standard_output_is_alone_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = output("-")
    told = one.told()
    told.results.append(Finished(RESULT, None))
    told.show(Finished(RESULT, tmp_path))
    one.write(told.results)
    assert json.loads(capsys.readouterr().out) == RESULT.to_json()


def test_without_results_no_file_is_made(tmp_path: Path) -> None:
    one = output(str(tmp_path / "result.json"))
    one.write(one.told().results)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for wrong in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="cannot write") as caught:
            output(str(wrong))
        assert caught.value.remedy == "name another file"
    output(str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "kept"


def test_a_file_that_cannot_be_written_any_more_is_told(tmp_path: Path) -> None:
    one = output(str(tmp_path / "below" / "result.json"))
    (tmp_path / "below").rmdir()
    told = one.told()
    told.results.append(Finished(RESULT, None))
    with pytest.raises(SurroundingsError, match="cannot write") as caught:
        one.write(told.results)
    assert "ackdrop report" in (caught.value.remedy or "")


PROGRAM = """
import sys
from pathlib import Path
from ackdrop.cli.options import Wanted
from ackdrop.cli.output import Output
from ackdrop.report.finished import Finished
from tests_result import RESULT
one = Output(Wanted(files={"json": "-"} if sys.argv[1] == "json" else {}))
told = one.told()
told.results.append(Finished(RESULT, None))
sys.stdin.read()
told.show(Finished(RESULT, Path(".")))
one.write(told.results)
sys.exit(3)
"""


@pytest.mark.parametrize("what", ["json", "table"])
def test_a_reader_who_is_gone_does_not_change_the_exit_code(tmp_path: Path, what: str) -> None:
    (tmp_path / "tests_result.py").write_text(f"from ackdrop.result import *\nRESULT = {RESULT!r}\n", encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, "program.py", what],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")


def test_every_format_goes_to_its_file(tmp_path: Path) -> None:
    files = {word: str(tmp_path / f"run.{word}") for word in FORMATS}
    one = Output(Wanted(files=files, quiet=True))
    one.write([Finished(RESULT, None)])
    begins = {word: Path(file).read_text(encoding="utf-8").lstrip()[:5].lower() for word, file in files.items()}
    assert begins["json"].startswith("{")
    assert begins["junit"] == "<?xml"
    assert begins["html"] == "<!doc"
    assert "Größe" in Path(files["markdown"]).read_text(encoding="utf-8")


def test_one_format_alone_can_have_standard_output() -> None:
    with pytest.raises(UsageError, match="--json and --html both ask for standard output"):
        Output(Wanted(files={"json": "-", "html": "-"}))


TALK = """\

from ackdrop.cli.options import Wanted
from ackdrop.cli.output import Output
from ackdrop.report.finished import Finished
from ackdrop.result import RunResult, ScenarioInfo
result = RunResult(ScenarioInfo("T", None, 7, None), None, "error", [], 4, [])
output = Output(Wanted())
told = output.told()
told.say("one")
told.show(Finished(result, None))
told.say("two")
told.show(Finished(result, None))
output.close([Finished(result, None)] * 2)
"""


def test_on_a_terminal_reports_stand_apart_from_what_is_said() -> None:
    job = Job("-c", TALK)
    try:
        job.ends()
        lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", job.seen).split("\r\n")]
    finally:
        job.close()
    kinds = [line.split(" ")[0] for line in lines]
    report = ["T", "no", "", "ERROR"]
    assert kinds == ["one", "", *report, "", "two", "", *report, "", "", "", "2", ""]


def test_what_is_said_is_broken_between_words_on_a_terminal() -> None:
    line = "a line of many words " * 8 + "/and/a/path"
    imports = "from ackdrop.cli.options import Wanted; from ackdrop.cli.output import Output"
    code = f"{imports}; Output(Wanted()).told().say({line!r})"
    job = Job("-c", code)
    try:
        job.ends()
        lines = job.seen.split("\r\n")
    finally:
        job.close()
    assert max(map(len, lines)) <= 100
    assert " ".join(lines).split() == line.split()
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert plain.stderr == f"{line}\n"


def test_elsewhere_they_do_not_change_each_other() -> None:
    done = subprocess.run([sys.executable, "-c", TALK], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "one\ntwo\n"
    assert done.stdout.startswith("T ")
    assert "\n\nT " in done.stdout
