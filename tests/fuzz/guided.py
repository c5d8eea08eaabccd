"""Fuzzing that is led by what code it reaches: `python -m tests.fuzz.guided [FOLDER] -runs=1000000`.

It needs atheris (`pip install -e '.[fuzz]'`), and takes libFuzzer's options. The first byte of an input says whether
the rest is a request or an answer, the next two the API and the version that were asked for. Without a FOLDER it
begins with the captures.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("this needs atheris: pip install -e '.[fuzz]'; python -m tests.fuzz.run does without")

with atheris.instrument_imports(include=["ackdrop.kafka"]):
    from . import corpus, targets


def one_input(data: bytes) -> None:
    """Read one input, and give it to every parser."""
    if len(data) > 3:
        kind = "request" if data[0] % 2 else "response"
        targets.parsers(corpus.Frame(kind, data[1], data[2], data[3:]))


def _begin(folder: Path) -> None:
    for number, frame in enumerate(corpus.captured()):
        head = bytes([frame.kind == "request", frame.api_key, frame.api_version])
        (folder / f"captured-{number}").write_bytes(head + frame.data)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        arguments = sys.argv
        if all(argument.startswith("-") for argument in arguments[1:]):
            _begin(Path(folder))
            arguments = [*arguments, folder]
        atheris.Setup(arguments, one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
