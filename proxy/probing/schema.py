"""The JSON Schema (draft 2020-12) of `ackdrop/probe/1`, as it follows from `model.py`.

Keys may be added to this contract: a reader has to pass over those that it does not know.
"""

from __future__ import annotations

import json
from typing import Any

from .model import SCHEMA, ProbeResult

ID = "urn:ackdrop:probe:1"


def text() -> str:
    """The schema, with a line break at the end."""
    from pydantic import TypeAdapter

    built = TypeAdapter(ProbeResult).json_schema()
    for model in (built, *built["$defs"].values()):
        _described(model)
    built["properties"] = {"schema": {"const": SCHEMA}, **built["properties"]}
    built["required"] = ["schema", *built["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID}
    return json.dumps({**head, **built, "title": "ackdrop probe"}, indent=2) + "\n"


def _described(model: dict[str, Any]) -> None:
    """Docstrings as one line, in the words of JSON; no titles, which only say the names again."""
    if "description" in model:
        model["description"] = " ".join(model["description"].split()).replace("None", "null")
    model.pop("title", None)
    for value in model.get("properties", {}).values():
        value.pop("title", None)
