"""A whole `ackdrop run` with very many produce requests: how long it takes, and how much memory, phase by phase.

    python tests/bench/million.py                                      # 10,000, 100,000 and a million, embedded broker
    python tests/bench/million.py --requests 10000 --requests 100000 --json million.json
    python tests/bench/million.py --bootstrap 127.0.0.1:9092 --no-fault

One record a batch and one batch a request (confluent-kafka), idempotent, one arm. The fault loses one early ack, so
rules are armed all the way; with `--no-fault` there is none. Proxy, verifier and report are one process: what it holds
is looked up ten times a second, and its phases are those that it tells on standard error. For each size it prints the
seconds, the peak of memory (RSS) as a whole and by phase, the CPU time of the process, what the run's folder takes
on the disk, and from one size to the next how many times more. `--python` names an interpreter with another ackdrop.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

SCENARIO = """
version: 1
title: Very many produce requests
workload:
  producer: confluent-kafka
  records: 200
  config: {{acks: all, retries: 5, linger: 0ms, max_in_flight: 5}}
  client_config: {{batch.num.messages: 1}}
  value: {{key: value, count: 1}}
  deadline: 60m
arms: [{{name: "on", idempotence: true}}]
control: none
{faults}
"""
FAULT = """
faults:
  - name: lose one ack
    at: produce.response
    when: {nth: 100}
    do: {drop: {then: disconnect}}
"""
TICK = 0.1
"""Seconds between two looks at the memory."""
PHASE = "["
"""How a line of progress begins: `[  12.3 s] arm on: producing`."""


def main() -> int:
    arguments = _arguments()
    sizes = arguments.requests or [10_000, 100_000, 1_000_000]
    found: list[dict[str, Any]] = []
    with _broker(arguments.bootstrap) as bootstrap:
        for requests in sizes:
            found.append(_run(requests, bootstrap, arguments))
            _show(found)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"fault": arguments.fault, "runs": found}, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, action="append", help="how many; several times for several runs")
    parser.add_argument("--bootstrap", help="a broker of your own; none: an embedded one for as long as it takes")
    parser.add_argument("--no-fault", dest="fault", action="store_false", help="no rule is armed")
    parser.add_argument("--python", default=sys.executable, help="the interpreter whose ackdrop runs")
    parser.add_argument("--json", help="write the figures there, too")
    return parser.parse_args()


def _run(requests: int, bootstrap: str, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        scenario, result = Path(folder, "million.yaml"), Path(folder, "result.json")
        scenario.write_text(SCENARIO.format(faults=FAULT if arguments.fault else ""))
        command = [arguments.python, "-m", "ackdrop", "run", str(scenario), "--set", f"workload.records={requests}"]
        command += ["--bootstrap", bootstrap, "--out", f"{folder}/runs", "--json", str(result)]
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        watch = _Watch(process)
        code = watch.until_it_ends()
        seconds = time.monotonic() - began
        arms = (json.loads(result.read_text())["arms"] if result.is_file() else None) or [{}]
        disk = sum(path.stat().st_size for path in Path(folder, "runs").rglob("*") if path.is_file())
        return {
            "requests": requests,
            "exit_code": code,
            "seconds": round(seconds, 2),
            "cpu_seconds": round(watch.cpu, 2),
            "peak_mb": round(max(watch.peaks.values()) / 1e6, 1),
            "disk_mb": round(disk / 1e6, 1),
            "phases": {
                phase: {"seconds": round(watch.seconds[phase], 2), "peak_mb": round(peak / 1e6, 1)}
                for phase, peak in watch.peaks.items()
            },
            "counted": {"wire": arms[0].get("wire"), "log": arms[0].get("log")},
        }


class _Watch:
    """A process of ours: the peak of its memory and its seconds, by the phase that it is in."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.peaks: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.cpu = 0.0
        self._process = process
        self._phase = "start"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith(PHASE):
                told = line.split("] ", 1)[1].strip()
                self._phase = told.rstrip("0123456789/,% ").strip() or self._phase
            else:
                sys.stderr.write(line)

    def until_it_ends(self) -> int:
        seen = psutil.Process(self._process.pid)
        last = time.monotonic()
        while self._process.poll() is None:
            time.sleep(TICK)  # how often its memory is looked at
            now, phase = time.monotonic(), self._phase
            try:
                held, times = seen.memory_info().rss, seen.cpu_times()
            except psutil.Error:  # it has just ended
                continue
            self.cpu = times.user + times.system
            self.peaks[phase] = max(self.peaks.get(phase, 0), held)
            self.seconds[phase] = self.seconds.get(phase, 0.0) + now - last
            last = now
        return self._process.wait()


def _show(found: list[dict[str, Any]]) -> None:
    run = found[-1]
    print(
        f"{run['requests']:>9,} requests: {run['seconds']:.1f} s wall, {run['cpu_seconds']:.1f} s CPU, peak "
        f"{run['peak_mb']:.0f} MB, {run['disk_mb']:.0f} MB on the disk, exit code {run['exit_code']}"
    )
    for phase, figures in run["phases"].items():
        print(f"    {phase:<34} {figures['seconds']:>7.1f} s  {figures['peak_mb']:>6.0f} MB")
    if len(found) > 1:
        before = found[-2]
        ratios = {word: run[word] / before[word] for word in ("requests", "seconds", "cpu_seconds", "peak_mb")}
        print("    beside the size before: " + ", ".join(f"{word} x {ratio:.2f}" for word, ratio in ratios.items()))
    sys.stdout.flush()


@contextmanager
def _broker(named: str | None) -> Iterator[str]:
    from start_up import broker

    with broker(named) as bootstrap:
        yield bootstrap


if __name__ == "__main__":
    sys.exit(main())
