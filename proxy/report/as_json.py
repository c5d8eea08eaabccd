"""`report.json`: the contract `ackdrop/report/1`, written whole and read back. `schema.py` publishes it.

Only ASCII is written, so that nothing in a name can act on a terminal that shows the file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import SurroundingsError, UsageError
from ..result import SCHEMA, RunResult
from .finished import Finished

FILE = "report.json"


def text(runs: Sequence[Finished]) -> str:
    """One result as it is, several (or none) as an array of them."""
    texts = [one(run.result) for run in runs]
    return texts[0] if len(texts) == 1 else "[\n" + ",\n".join(text.rstrip() for text in texts) + "\n]\n"


def one(result: RunResult) -> str:
    """The result as JSON with a line break at the end. What JSON has no word for (a date in a config) becomes text."""
    return json.dumps(result.to_json(), indent=2, allow_nan=False, default=str) + "\n"


def write(result: RunResult, path: Path | str) -> None:
    """Write the result to a file, all or nothing; `-` is standard output. SurroundingsError: it cannot be written."""
    if str(path) == "-":
        sys.stdout.write(one(result))
        sys.stdout.flush()
        return
    try:
        _replace(Path(path), one(result))
    except OSError as error:
        raise SurroundingsError(
            f"{path} could not be written: {error.strerror or error}", remedy="Name another file."
        ) from error


def read(path: Path) -> RunResult:
    """The result of a finished run, from its `report.json` or its folder. UsageError: it is not there, or not one."""
    path = path / FILE if path.is_dir() else path
    return _one(_json(path), path)


def read_all(path: Path) -> list[RunResult]:
    """All results of a file that `--json` wrote: one, or an array of them; of a folder its `report.json`.

    UsageError: it is not there, or is something else.
    """
    path = path / FILE if path.is_dir() else path
    found = _json(path)
    return [_one(each, path) for each in (found if isinstance(found, list) else [found])]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}", remedy="Name the folder of a finished run."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error


def _one(found: Any, path: Path) -> RunResult:
    schema = found.pop("schema", None) if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{path} is not a report of the schema {SCHEMA}, but {schema!r}",
            remedy="Read it with the version of ackdrop that wrote it.",
        )
    return _result(found, path)


def _result(found: dict[str, Any], path: Path) -> RunResult:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(RunResult).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is not a whole report: {where}: {first['msg']}") from error


def _replace(path: Path, content: str) -> None:
    """Write beside the file and put it in its place, so that nobody ever reads half of it."""
    path = path.resolve()
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: nothing to put in its place
        path.write_text(content, encoding="ascii")
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(content, encoding="ascii")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
