"""`report.schema.json`: the JSON Schema (draft 2020-12) of `report.json`, made from the dataclasses in `result.py`.

The file is part of the package; `python -m ackdrop.report.schema` writes it again after a change there. Only what the
first version of the contract had is required, so that its documents go on being valid; keys and codes that a reader
does not know are no error.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..result import SCHEMA, RunResult
from .codes import CODES
from .meanings import MEANINGS

ID = "urn:ackdrop:report:1"
FILE = Path(__file__).with_name("report.schema.json")

_LINE = re.compile(r"(?<!\n)\n(?!\n) *")


def text() -> str:
    """The published schema, as its file has it."""
    return FILE.read_text(encoding="ascii")


def built() -> dict[str, Any]:
    """The schema as it follows from `result.py`."""
    from pydantic import TypeAdapter

    models = TypeAdapter(list[RunResult]).json_schema()["$defs"]
    definitions = {name: _model(name, models[name]) for name in sorted(models)}
    result = definitions["RunResult"]
    result["properties"] = {"schema": {"const": SCHEMA, "description": "This contract."}, **result["properties"]}
    result["required"] = ["schema", *result["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "ackdrop report",
        "description": (
            "One run of ackdrop, or an array of several. A figure that cannot be known is null, never 0. Keys and "
            "codes of reasons may be added to this contract: a reader has to pass over those that it does not know."
        ),
        "anyOf": [{"$ref": "#/$defs/RunResult"}, {"type": "array", "items": {"$ref": "#/$defs/RunResult"}}],
        "$defs": definitions,
    }


def rendered() -> str:
    """What the file has to hold."""
    return json.dumps(built(), indent=2) + "\n"


def _model(name: str, model: dict[str, Any]) -> dict[str, Any]:
    model["properties"] = {field: _field(name, field, value) for field, value in model["properties"].items()}
    if "description" in model:
        model["description"] = _LINE.sub(" ", model["description"]).replace("None", "null")
    return model


def _field(model: str, field: str, value: dict[str, Any]) -> dict[str, Any]:
    value = {key: part for key, part in value.items() if key != "title"}
    meaning = MEANINGS.get((model, field))
    if (model, field) == ("Reason", "code"):
        known = [{"const": code, "description": means} for code, means in CODES.items()]
        value = {"type": "string", "anyOf": [*known, {"description": "A code of a later version."}]}
    return {"description": meaning, **value} if meaning else value


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="ascii")
