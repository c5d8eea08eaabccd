"""A probe as JSON, `ackdrop/probe/1`: written whole, and read again. Only ASCII is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from ..errors import UsageError
from .model import SCHEMA, ProbeResult


def text(result: ProbeResult) -> str:
    """The probe as JSON, with a line break at the end."""
    return json.dumps({"schema": SCHEMA, **dataclasses.asdict(result)}, indent=2, allow_nan=False) + "\n"


def read(path: Path) -> ProbeResult:
    """The probe in a file. Raises UsageError where it cannot be read, or is none."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", remedy=_REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", remedy=_REMEDY) from error
    schema = found.pop("schema", None) if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise UsageError(f"{path} is no probe of the schema {SCHEMA}, but of {schema!r}", remedy=_REMEDY)
    return _result(found, path)


_REMEDY = "Name a file that `ackdrop probe --json FILE` has written."


def _result(found: object, path: Path) -> ProbeResult:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(ProbeResult).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path} is no whole probe: {where}: {first['msg']}", remedy=_REMEDY) from error
