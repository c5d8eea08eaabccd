"""The step of the GitHub Action (`action.yml`): installs ackdrop, runs it, and tells GitHub what became of it.

What is asked for comes by the environment (`INPUT_…`), and goes on as arguments of a process: no shell reads any of it,
but for `command`, which is a shell's. Needs nothing but Python, since it runs before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

OLDEST = (3, 11)
USAGE, SURROUNDINGS = 2, 4
WORST_FIRST = ("interrupted", "error", "failed", "inconclusive", "passed")
FILES = {"--json": "report.json", "--junit": "junit.xml", "--html": "report.html", "--markdown": "summary.md"}

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*([a-z]+[0-9]+|\.(dev|post)[0-9]+)*")
_EXTRAS = re.compile(r"([A-Za-z0-9._-]+(\s*,\s*[A-Za-z0-9._-]+)*)?")
_ESCAPED = {"%": "%25", "\r": "%0D", "\n": "%0A"}


class Refused(Exception):
    """The step cannot be done: why, and the exit code."""

    def __init__(self, text: str, code: int = USAGE) -> None:
        super().__init__(text)
        self.code = code


def main() -> int:
    """Do the step; its exit code is ackdrop's."""
    outputs: dict[str, object] = {"verdict": "error"}
    try:
        if sys.version_info < OLDEST:
            raise Refused(f"ackdrop needs Python 3.11, and this is {sys.version.split()[0]}: see the input `python`")
        arguments = asked()
        folder = Path(tempfile.mkdtemp(prefix="ackdrop-", dir=os.environ.get("RUNNER_TEMP")))
        outputs.update({"report": folder, "artifact": f"ackdrop-{secrets.token_hex(4)}"})
        code = run([installed(), *arguments[0], *where(folder), *arguments[1]], folder / "annotations.txt")
        outputs.update(counted(folder / FILES["--json"]))
        if code == 0 and outputs["verdict"] != "passed":
            raise Refused("ackdrop ended with 0 and left no report of it", SURROUNDINGS)
        if code and outputs["verdict"] == "passed":
            annotate("error", f"nothing wrong was seen, and `command` itself ended with {code}")
    except Refused as error:
        code = error.code
        annotate("error", str(error))
        summarize(f"## ✗ ackdrop could not run (exit code {code})\n\n```text\n{error}\n```\n")
    outputs["exit-code"] = code
    tell("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items()))
    return code


def asked() -> tuple[list[str], list[str]]:
    """The arguments for ackdrop before and behind those that say where reports go. Raises Refused."""
    scenarios, arms, extra = words("scenarios"), words("arms"), words("arguments")
    bootstrap, command = given("bootstrap"), given("command")
    options = [*([f"--bootstrap={bootstrap}"] if bootstrap else []), *extra]
    if not command:
        if arms:
            raise Refused("`arms` say how `command` switches idempotence, and there is no command")
        return ["run", *options], ["--", *(scenarios or ["lost-ack"])]
    if len(scenarios) > 1:
        raise Refused(f"`command` runs with one scenario, and `scenarios` are {len(scenarios)}")
    options += [f"--scenario={name}" for name in scenarios] + [f"--arm={arm}" for arm in arms]
    return ["exec", *options], ["--", "bash", "-eo", "pipefail", "-c", command]


def where(folder: Path) -> list[str]:
    """The options that say where reports go."""
    files = [word for option, name in FILES.items() for word in (option, str(folder / name))]
    return [*files, "--out", str(folder / "runs"), "--format", f"github={folder / 'annotations.txt'}"]


def installed() -> str:
    """The command `ackdrop`, in an environment of its own, so that the project's own packages stay as they are; or
    where the input `version` says so, the one that is there. Raises Refused."""
    version, extras = given("version"), given("extras")
    if version == "installed":
        found = shutil.which("ackdrop")
        if found is None:
            raise Refused("`version: installed`, and there is no ackdrop on the PATH", SURROUNDINGS)
        return found
    wanted = requirement(version, extras)
    folder = (
        Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir())
        / f"ackdrop-venv-{sha256(wanted.encode()).hexdigest()[:12]}"
    )
    print(f"::group::Install {wanted}", flush=True)
    done = True
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", wanted],
    ):
        done = done and subprocess.run(command, check=False).returncode == 0
    print("::endgroup::", flush=True)
    if not done:
        raise Refused(f"{wanted} could not be installed: see the log", SURROUNDINGS)
    return str(folder / "bin" / "ackdrop")


def requirement(version: str, extras: str) -> str:
    """What pip is asked for. Raises Refused for what is no version, or no list of extras."""
    if not _EXTRAS.fullmatch(extras):
        raise Refused(f"`extras: {extras}` is no list of names, such as embedded,confluent-kafka")
    brackets = f"[{extras}]" if extras else ""
    if not version:
        return f"{Path(__file__).resolve().parent.parent}{brackets}"
    if not _VERSION.fullmatch(version):
        raise Refused(f"`version: {version}` is no version, such as 0.1.0, and not `installed`")
    return f"ackdrop{brackets}=={version}"


def run(command: list[str], annotations: Path) -> int:
    """Run ackdrop; a signal that ends the step ends it, too, and lets it report. Its annotations come last.

    What it prints holds names out of scenarios and topics, so GitHub reads no commands in it; in the output of a
    program of the user's it does.
    """
    token = None if command[1] == "exec" else secrets.token_hex(16)
    print(f"[command]{shlex.join(command)}", flush=True)
    if token is not None:
        print(f"::stop-commands::{token}", flush=True)
    process = subprocess.Popen(command)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: process.send_signal(received))
    code = process.wait()
    if token is not None:
        print(f"::{token}::", flush=True)
    if annotations.exists():
        print(annotations.read_text(encoding="utf-8"), end="", flush=True)
        annotations.unlink()
    elif code:
        text = f"ackdrop ended with exit code {code} and reported nothing: see the log"
        annotate("error", text)
        summarize(f"## ✗ {text}\n")
    return 128 - code if code < 0 else code


def counted(file: Path) -> dict[str, object]:
    """The verdict, which is the worst of all results, and what was counted in them. A figure that is not known for all
    of them is `unknown`."""
    if not file.exists():
        return {"verdict": "error"}
    read = json.loads(file.read_text(encoding="utf-8"))
    results = read if isinstance(read, list) else [read]
    verdicts = [result["verdict"] for result in results]
    arms = [arm for result in results for arm in result["arms"]]
    protected = [arm for arm in arms if arm["idempotence"] is not False]
    return {
        "verdict": min(verdicts, key=WORST_FIRST.index) if verdicts else "error",
        "runs": len(results),
        **{verdict: verdicts.count(verdict) for verdict in reversed(WORST_FIRST)},
        "faults-fired": sum(fault["fired"] for arm in arms for fault in arm["wire"]["faults"]),
        "acks-dropped": total(arm["wire"]["acks_dropped"] for arm in arms),
        "retries": total(arm["wire"]["retries"] for arm in arms),
        "duplicates": total(arm["log"]["duplicates"] for arm in protected),
        "lost": total(arm["log"]["lost"] for arm in protected),
    }


def total(figures: Iterable[int | None]) -> object:
    """The sum; `unknown` where one of them is."""
    found = list(figures)
    return "unknown" if None in found else sum(figure for figure in found if figure is not None)


def given(name: str) -> str:
    """An input of the action."""
    return os.environ.get(f"INPUT_{name.upper()}", "").strip()


def words(name: str) -> list[str]:
    """An input that is a list: words with spaces or line breaks between, quoted as for a shell. Raises Refused."""
    try:
        return shlex.split(given(name))
    except ValueError as error:
        raise Refused(f"`{name}`: {error}") from error


def annotate(level: str, text: str) -> None:
    """An annotation that belongs to no line."""
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    print(f"::{level} title=ackdrop::{escaped}", flush=True)


def summarize(text: str) -> None:
    """Add to the step's summary."""
    tell("GITHUB_STEP_SUMMARY", text)


def tell(variable: str, text: str) -> None:
    """Append to the file that this variable names."""
    if os.environ.get(variable):
        with open(os.environ[variable], "a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
