"""The load and the sink: built where they are run, once for each state of their source."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .processes import pinned

SOURCE = Path(__file__).parent.parent / "wire"
PATIENCE = 120.0


class NotThere(Exception):
    """A tool that the benchmark needs is missing; the text says which one, and how to get it."""


def compiler() -> str:
    """Raises NotThere."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        raise NotThere("no C compiler: the load is written in C (try: apt-get install gcc libc6-dev)")
    return found


def built(folder: Path | None = None) -> tuple[Path, Path]:
    """The programs `load` and `sink`. Raises NotThere."""
    texts = b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()))
    folder = folder or Path(tempfile.gettempdir()) / f"ackdrop-bench-{hashlib.sha256(texts).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    programs = folder / "load", folder / "sink"
    for program in programs:
        if not program.exists():
            made = program.with_suffix(".new")
            subprocess.run([compiler(), "-O2", "-o", made, SOURCE / f"{program.name}.c"], check=True)
            made.replace(program)
    return programs


@contextmanager
def sink(program: Path, cores: Sequence[int], partitions: int = 64) -> Iterator[int]:
    """A sink that listens; its port."""
    command = [str(program), "--partitions", str(partitions)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(cores)) as process:
        try:
            yield int(_line(process.stdout)["port"])
        finally:
            process.kill()


class Load:
    """A load that is connected and has sent what warms up; `warm` are the requests that this took."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.warm = int(_line(process.stdout)["warm"])

    def measured(self) -> dict[str, Any]:
        """Send what is measured, and give its figures; the connections stay open."""
        self._go_on()
        return _line(self._process.stdout)

    def end(self) -> None:
        """Close the connections."""
        self._go_on()
        if self._process.wait(PATIENCE):
            raise RuntimeError("the load found something wrong")

    def _go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextmanager
def load(program: Path, cores: Sequence[int], port: int, **options: float | bool) -> Iterator[Load]:
    """A load towards this port; what its options mean is said in load.c. Raises RuntimeError for a wrong answer."""
    command = [str(program), "--port", str(port), "--hold"]
    for name, value in options.items():
        command += [f"--{name}"] if value is True else [] if value is False else [f"--{name}", f"{value:.12g}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(cores)
    ) as process:
        try:
            yield Load(process)
        finally:
            process.kill()


def _line(stream: IO[str] | None) -> dict[str, Any]:
    assert stream is not None
    line = stream.readline()
    if not line:
        raise RuntimeError("the load, or the sink, has ended early: see above")
    told: dict[str, Any] = json.loads(line)
    return told
