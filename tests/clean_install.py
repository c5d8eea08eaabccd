"""What installing ackdrop beside a project's pytest changes: nothing, and how long nothing takes.

    python -m tests.clean_install [--pairs 20] [--python python3.12]

Builds the wheel, installs it with kafka-python and pytest into a fresh environment, and the same without ackdrop into
another. Looks at what a test run imports that does not use the plugin, times pytest's start in pairs, and runs the
sample project there with an embedded broker. Ends with 1 where something is not as it shall be. Not run by pytest: it
fetches packages and takes minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLE = Path(__file__).parent / "samples" / "orders"
BUDGET = 0.050
"""Seconds that the plugin may add to the start of pytest."""

TEST = """
import sys
from kafka import KafkaProducer


def test_what_is_imported():
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "ackdrop")
    assert KafkaProducer
    print("imported:", *ours)
    print("trio" in sys.modules, "click" in sys.modules, "pydantic" in sys.modules)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--python", default=sys.executable)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ackdrop-clean-"))
    try:
        return measure(folder, asked.python, asked.pairs)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, python: str, pairs: int) -> int:
    run([sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT], folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    common = ["pytest", "kafka-python>=3,<4"]
    without = environment(folder / "without", python, *common)
    beside = environment(
        folder / "beside", python, *common, f"{wheel}[embedded]", "pytest-trio", "pytest-asyncio", "anyio"
    )
    alone = environment(folder / "alone", python, *common, wheel)
    home = folder / "home"
    home.mkdir()
    (home / "test_it.py").write_text(TEST)
    wrong = []

    told = run([*pytest(alone), "-s", "test_it.py"], home)
    imported = re.findall(r"imported: (.*)$", told, re.MULTILINE)[0].split()
    print(f"imported of ackdrop by a test run that does not use it: {', '.join(imported)}")
    if imported != ["ackdrop", "ackdrop.pytest_plugin"] or "False False False" not in told:
        wrong.append("a test run imports more than the plugin")
    plugins = re.findall(r"^plugins: (.*)$", run([*pytest(alone), "test_it.py"], home), re.M)
    print(f"plugins there: {', '.join(plugins)}")

    cost = import_cost(alone, home)
    print(f"import of the plugin, pytest's own aside: {cost * 1000:.1f} ms")
    added = [start(alone, home) - start(without, home) for _ in range(pairs)]
    median, (low, high) = statistics.median(added), quartiles(added)
    spread = f"{low * 1000:+.0f} to {high * 1000:+.0f}"
    print(f"start of pytest, {pairs} pairs: {median * 1000:+.0f} ms of CPU at the median, quartiles {spread}")
    if median > BUDGET or cost > BUDGET:
        wrong.append(f"the plugin costs more than {BUDGET * 1000:.0f} ms")

    shutil.copytree(SAMPLE, folder / "orders")
    begun = time.monotonic()
    done = subprocess.run(
        [*pytest(beside), "-q"], cwd=folder / "orders", capture_output=True, text=True, timeout=600, env=clean()
    )
    print(f"the sample project, {time.monotonic() - begun:.0f} s: {done.stdout.splitlines()[-1]}")
    if "3 failed, 6 passed, 1 skipped" not in done.stdout:
        print(done.stdout, done.stderr)
        wrong.append("the sample project does not end as it shall")
    for each in wrong:
        print(f"WRONG: {each}")
    return 1 if wrong else 0


def environment(folder: Path, python: str, *packages: str | Path) -> Path:
    """A fresh environment with these packages: its Python."""
    run([python, "-m", "venv", folder], folder.parent)
    run([folder / "bin" / "pip", "install", "--quiet", *packages], folder.parent)
    return folder / "bin" / "python"


def pytest(python: Path) -> list[str | Path]:
    return [python, "-m", "pytest", "-p", "no:cacheprovider"]


def start(python: Path, home: Path) -> float:
    """Seconds of processor time for a run of one test: what else this machine does is not in it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run([*pytest(python), "-q", "test_it.py"], home)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_cost(python: Path, home: Path) -> float:
    """Seconds for what the plugin imports that pytest has not imported itself."""
    command = [python, "-X", "importtime", "-c", "import pytest; import ackdrop.pytest_plugin"]
    found = []
    for _ in range(5):
        told = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True, env=clean()).stderr
        times = {line.rpartition("|")[2].strip(): int(line.split("|")[1]) for line in told.splitlines()[1:]}
        found.append(times["ackdrop.pytest_plugin"] / 1_000_000)
    return statistics.median(found)


def quartiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=4)
    return cuts[0], cuts[2]


def clean() -> dict[str, str]:
    """The environment without what is said to Python, pytest and ackdrop in it."""
    return {word: value for word, value in os.environ.items() if not word.startswith(("PYTHON", "PYTEST", "ACKDROP"))}


def run(command: list[str | Path], folder: Path) -> str:
    """What a command prints; it has to end well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, env=clean())
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
