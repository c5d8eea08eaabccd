"""The command as a whole: its help, its start, and what becomes of errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ackdrop import __version__, cli
from ackdrop.cli import SUMMARIES, VERBS, ackdrop, main
from ackdrop.errors import BrokerError, ScenarioError, UsageError

HEAVY = (
    "trio", "rich", "pydantic", "kafka", "ruamel", "psutil", "sqlite3", "jgo", "asyncio", "scapy", "jinja2", "fastapi",
    "ssl", "cryptography", "email", "ackdrop.relay", "ackdrop.scenario", "ackdrop.faults", "ackdrop.core",
)  # fmt: skip
"""What a user who wants help should not wait for."""

SHOW_MODULES = """
import json, sys
from ackdrop.cli import main
sys.argv = ["ackdrop", *{arguments!r}]
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_python_m_ackdrop_is_the_command(tmp_path: Path) -> None:
    done = python("-m", "ackdrop", "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ackdrop {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    done = python("-c", SHOW_MODULES.format(arguments=arguments), cwd=tmp_path)
    imported = json.loads(done.stderr.splitlines()[-1])
    assert "click" in imported
    assert [name for name in HEAVY if name in imported] == []


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in VERBS)])
def test_help_is_80_columns_wide_and_has_an_example(arguments: list[str]) -> None:
    result = CliRunner().invoke(ackdrop, [*arguments, "--help"], prog_name="ackdrop", terminal_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert f"ackdrop {' '.join(arguments)}".strip() in result.output.split("Options:")[1]


@pytest.mark.parametrize("arguments", [["ctl"], ["ctl", "faults"], ["scenario"], ["broker"], ["capture"], ["tls"]])
def test_a_group_says_all_of_what_its_verbs_do(arguments: list[str]) -> None:
    result = CliRunner().invoke(ackdrop, [*arguments, "--help"], prog_name="ackdrop", terminal_width=80)
    commands = result.output.split("Commands:")[1].split("Example")[0]
    assert "..." not in commands
    assert commands.rstrip().endswith(".")


def test_a_default_is_shown_as_it_is_typed() -> None:
    output = CliRunner().invoke(ackdrop, ["proxy", "--help"], prog_name="ackdrop", terminal_width=100).output
    shown = " ".join(output.split())
    assert "[default: 5s]" in shown
    assert "[default: 100MiB]" in shown


def test_every_verb_has_its_line_and_says_what_it_does() -> None:
    assert list(VERBS) == list(SUMMARIES)
    result = CliRunner().invoke(ackdrop, ["-h"])
    assert all(verb in result.output and summary in result.output for verb, summary in SUMMARIES.items())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "Did you mean run?"),
        (["zzz"], "There are: run, proxy, exec, ctl, verify, probe, report, capture, scenario, broker, tls, doctor"),
        (["run", "--sed", "1"], "--seed"),
        (["run", "--broker", "kafka"], "'--broker'"),
        (["run", "--seed", "x"], "'--seed'"),
        (["run", "--seed", str(2**63)], "'--seed'"),
        (["run", "--map", "a"], "'--map'"),
        (["run", "--out", __file__], "'--out'"),
        (["--bogus"], "--bogus"),
    ],
)
def test_wrong_usage_is_2_and_says_where(call: Callable[..., tuple[int, str]], arguments: list[str], said: str) -> None:
    code, err = call(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """`call(*arguments)`: the exit code of `main()`, and what it said on standard error."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ackdrop", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        captured = capsys.readouterr()
        assert captured.out == ""
        return ended.value.code, captured.err

    return run


@pytest.fixture
def fail(
    monkeypatch: pytest.MonkeyPatch, call: Callable[..., tuple[int, str]], tmp_path: Path
) -> Callable[[BaseException], tuple[int, str]]:
    """`fail(error)`: how `main()` ends when its command raises this."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run(error: BaseException) -> tuple[int, str]:
        @click.command()
        def failing() -> None:
            raise error

        monkeypatch.setattr(cli, "ackdrop", failing)
        return call()

    return run


Fail = Callable[[BaseException], tuple[int, str]]


def test_an_error_of_ours_has_its_exit_code_and_its_remedy(fail: Fail) -> None:
    assert fail(BrokerError("no broker", remedy="start one")) == (4, "ackdrop: no broker\n  try: start one\n")
    assert fail(UsageError("no such thing")) == (2, "ackdrop: no such thing\n")
    assert fail(ScenarioError(["a:1:1: x", "a:2:1: y"])) == (2, "ackdrop: a:1:1: x\na:2:1: y\n")


def test_what_came_from_outside_is_made_harmless(fail: Fail) -> None:
    assert fail(BrokerError("its words:\n  \x1b]0;hidden\x07 ...")) == (
        4,
        "ackdrop: its words:\n  \\x1b]0;hidden\\x07 ...\n",
    )


def test_an_error_of_ours_in_groups_is_shown_as_itself(fail: Fail) -> None:
    error = ExceptionGroup("a", [ExceptionGroup("b", [BrokerError("no broker", remedy="start one")])])
    assert fail(error) == (4, "ackdrop: no broker\n  try: start one\n")


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        click.Abort(),
        BaseExceptionGroup("a", [KeyboardInterrupt()]),
        BaseExceptionGroup("a", [BaseExceptionGroup("b", [ZeroDivisionError(), KeyboardInterrupt()])]),
    ],
)
def test_an_interruption_is_130(fail: Fail, error: BaseException) -> None:
    code, err = fail(error)
    assert (code, err.strip()) == (130, "interrupted")


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("a defect"),
        ExceptionGroup("a", [ExceptionGroup("b", [ZeroDivisionError("a defect")])]),
        ExceptionGroup("a", [ZeroDivisionError("a defect"), BrokerError("no broker")]),
    ],
)
def test_a_defect_is_4_and_its_traceback_is_kept(fail: Fail, tmp_path: Path, error: BaseException) -> None:
    code, err = fail(error)
    assert code == 4
    first, report, where = err.splitlines()
    assert first == "ackdrop: an internal error, ZeroDivisionError: a defect"
    assert "report" in report
    file = Path(where.strip())
    assert file.is_relative_to(tmp_path / "state")
    text = file.read_text()
    assert text.startswith(f"ackdrop {__version__}, Python 3.")
    assert "Traceback (most recent call last)" in text
    assert "ZeroDivisionError: a defect" in text


def test_a_defect_whose_traceback_cannot_be_kept_shows_it(
    fail: Fail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in-the-way").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "in-the-way"))
    code, err = fail(ZeroDivisionError("a defect"))
    assert code == 4
    assert "Traceback (most recent call last)" in err


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (3, 3), (130, 130)])
def test_what_a_verb_gives_is_the_exit_code(
    call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, given: int | None, code: int
) -> None:
    @click.command()
    def verb() -> int | None:
        return given

    monkeypatch.setattr(cli, "ackdrop", verb)
    assert call() == (code, "")


def test_a_verb_may_end_by_its_context(call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.pass_context
    def verb(context: click.Context) -> None:
        context.exit(2)

    monkeypatch.setattr(cli, "ackdrop", verb)
    assert call() == (2, "")


@pytest.mark.parametrize(
    ("arguments", "said", "remedy"),
    [
        (["--listen", "0.0.0.0:0"], "--listen 0.0.0.0:0 would have clients told to connect to 0.0.0.0", "--advertise"),
        (["--listen", "[::]:0"], "--listen [::]:0 would have clients told to connect to ::", "--advertise"),
        (["--tls-key", "k.pem"], "--tls-key without --tls-cert", "--tls-cert FILE"),
        (["--tls-client-ca", "ca.pem"], "--tls-client-ca without --tls-cert", "--tls-cert FILE"),
        (["--tls-cert", "no.pem"], "--tls-cert no.pem: No such file", "name a PEM file"),
        (["--ports", "5-3"], "'5-3' is not FIRST-LAST", ""),
        (["--ports", "0-3"], "'0-3' is not FIRST-LAST", ""),
        (["--ports", "a"], "'a' is not FIRST-LAST", ""),
    ],
)
def test_a_proxy_that_cannot_be_is_refused_before_anything_happens(
    call: Callable[..., tuple[int, str]], arguments: list[str], said: str, remedy: str
) -> None:
    code, err = call("proxy", "--bootstrap", "localhost:1", *arguments)
    assert code == 2
    assert said in err
    assert remedy in err
