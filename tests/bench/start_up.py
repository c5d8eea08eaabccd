"""How long a user waits: `ackdrop --help`, and `ackdrop proxy` until somebody can connect to it.

    python tests/bench/start_up.py                                     # an embedded broker, this interpreter's ackdrop
    python tests/bench/start_up.py --bootstrap 127.0.0.1:9092 --json start.json
    python tests/bench/start_up.py --ackdrop .venv/bin/ackdrop --ackdrop old/.venv/bin/ackdrop

Several `--ackdrop` take turns, so that they meet the same machine. Measured is from before the process is made: for
`--help` until it has ended, for `proxy` until a connection to the address in its line has got an answer to ApiVersions.
Warm is as it comes. Cold: before each start the page cache is asked to let go of the installation's
files (`posix_fadvise`), which the kernel may refuse; other files, and the disk's own cache, stay as they are. The bare
interpreter (`python -c pass`) stands beside them. For each it prints the median of `--times`, the fastest and the
slowest, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LIMITS = {"help": 150.0, "proxy": 400.0}
"""Milliseconds, which the warm medians have to stay under."""

_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 7, -1)

Figures = dict[str, float]


def main() -> int:
    arguments = _arguments()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the first start writes it, as a user's does
    commands = arguments.ackdrop or [str(Path(sys.executable).parent / "ackdrop")]
    with broker(arguments.bootstrap) as bootstrap, tempfile.TemporaryDirectory() as folder:
        works: dict[str, Callable[[str], float]] = {
            "help": lambda command: _help(command, folder),
            "proxy": lambda command: _proxy(command, bootstrap, folder),
        }
        found = {
            f"{what} {how}": _measured(commands, work, arguments.times, cold=how == "cold")
            for what, work in works.items()
            for how in ("warm", "cold")
        }
        bare = _measured([sys.executable], lambda command: _ended([command, "-c", "pass"], folder), arguments.times)
    found["bare interpreter"] = bare
    for what, by_command in found.items():
        for command, figures in by_command.items():
            told = ", ".join(f"{word} {value:.0f}" for word, value in figures.items())
            print(f"{what:<17} {told} ms   {command if len(by_command) > 1 else ''}".rstrip())
    if arguments.json:
        written = {"python": sys.version.split()[0], "times": arguments.times, "milliseconds": found}
        Path(arguments.json).write_text(json.dumps(written, indent=1) + "\n")
    slow = [what for what, limit in LIMITS.items() if found[f"{what} warm"][commands[0]]["median"] > limit]
    return 1 if slow and arguments.strict else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ackdrop", action="append", help="the command; none: the one beside this interpreter")
    parser.add_argument("--bootstrap", help="a broker of your own; none: an embedded one for as long as it takes")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--json", help="write the figures there, too")
    parser.add_argument("--strict", action="store_true", help="end with 1 where a limit is missed")
    return parser.parse_args()


def _measured(
    commands: list[str], work: Callable[[str], float], times: int, *, cold: bool = False
) -> dict[str, Figures]:
    taken: dict[str, list[float]] = {command: [] for command in commands}
    for number in range(times + 1):
        for command in commands:
            if cold:
                _forget(command)
            seconds = work(command)
            if number:  # the first one warms up, or writes the byte code
                taken[command].append(seconds * 1000)
    return {
        command: {"median": statistics.median(all), "fastest": min(all), "slowest": max(all)}
        for command, all in taken.items()
    }


def _ended(command: list[str], folder: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _help(command: str, folder: str) -> float:
    return _ended([command, "--help"], folder)


def _proxy(command: str, bootstrap: str, folder: str) -> float:
    began = time.perf_counter()
    process = subprocess.Popen(
        [command, "proxy", "--bootstrap", bootstrap, "--listen", "127.0.0.1:0", "--no-verify"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "listens on" in line:
                host, _, port = line.split("listens on ")[1].split(",")[0].rpartition(":")
                _talk(host, int(port))
                return time.perf_counter() - began
        raise SystemExit(f"{command} proxy ended without listening")
    finally:
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        process.wait()


def _talk(host: str, port: int) -> None:
    """Ask for the versions of the broker behind it, and wait for the answer."""
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(_API_VERSIONS)
        assert sock.recv(8)[4:] == _API_VERSIONS[8:12]


def _forget(command: str) -> None:
    """Ask the page cache to let go of all that this command's interpreter may read."""
    root = Path(command).absolute().parent.parent
    for place in (root, Path(os.path.realpath(root / "bin/python")).parent.parent / "lib"):
        for folder, _, files in os.walk(place):
            for name in files:
                if not name.endswith((".py", ".pyc", ".so", ".pth")):
                    continue
                try:
                    file = os.open(os.path.join(folder, name), os.O_RDONLY)
                except OSError:
                    continue
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)


@contextmanager
def broker(named: str | None) -> Iterator[str]:
    if named:
        yield named
        return
    ackdrop = [sys.executable, "-m", "ackdrop", "broker"]
    with tempfile.TemporaryDirectory() as state:
        surroundings = {**os.environ, "ACKDROP_STATE": state}
        up = subprocess.run([*ackdrop, "up"], env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
        try:
            yield up.stdout.strip().rpartition("=")[2]
        finally:
            subprocess.run([*ackdrop, "down"], env=surroundings, check=True)


if __name__ == "__main__":
    sys.exit(main())
