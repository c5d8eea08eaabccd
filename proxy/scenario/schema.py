"""The JSON Schema (2020-12) of a scenario file, for editors: made from the models that validate it.

A value may be a variable wherever one value stands. What is said here is said of one key at a time; what needs the
whole file is left to `validate`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .actions import ACTIONS
from .spec import ScenarioSpec

ID = "urn:ackdrop:scenario:1"
VARIABLE = "^(.*[^$])?\\$\\{[A-Za-z_][A-Za-z0-9_]{0,63}(:-[^}]*)?\\}"
"""A text with a variable in it."""

_REFERENCE = re.compile(r'"\$ref": "#/\$defs/([^"]+)"')
_LINE = re.compile(r"\s*\n\s*")
_OF_FILE = ("variables", "matrix", "include")


def rendered() -> str:
    """The schema as a file has it."""
    return json.dumps(built(), indent=2, ensure_ascii=False) + "\n"


def built() -> dict[str, Any]:
    """The schema as it follows from the models."""
    made = ScenarioSpec.model_json_schema(by_alias=True)
    definitions = {name: _mapping(model) for name, model in made.pop("$defs").items()}
    definitions["Do"] = _exactly_one(definitions["Do"])
    definitions["variable"] = {
        "type": "string",
        "pattern": VARIABLE,
        "description": "A variable: ${name}, or ${name:-default}.",
    }
    root = _mapping(made)
    root.pop("title", None)
    root.pop("required", None)
    root["anyOf"] = [{"required": ["version"]}, {"required": ["include"]}]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "ackdrop scenario",
        "description": "A scenario of ackdrop: what a producer sends, what goes wrong, and what must hold in the log.",
    }
    return {**root, **head, "$defs": definitions}


def of_fault(prefix: str) -> dict[str, Any]:
    """The schemas of one entry of `faults`, by name, of which `FaultSpec` is the whole; one refers to another as
    `prefix` and its name. Without variables: an entry that stands alone has none."""
    definitions = built()["$defs"]
    wanted, found = ["FaultSpec"], {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _without_variables(definitions[name])
            wanted += _REFERENCE.findall(json.dumps(found[name]))
    text = _REFERENCE.sub(lambda match: f'"$ref": "{prefix}{match[1]}"', json.dumps(found))
    made: dict[str, Any] = json.loads(text)
    return made


def _without_variables(schema: Any) -> Any:
    """The schema where a variable may stand nowhere."""
    if isinstance(schema, list):
        return [_without_variables(each) for each in schema if each != _VARIABLE]
    if not isinstance(schema, dict):
        return schema
    left = {key: _without_variables(value) for key, value in schema.items()}
    options = left.get("anyOf")
    if isinstance(options, list) and len(options) == 1:
        del left["anyOf"]
        left.update(options[0])
    return left


def _mapping(model: dict[str, Any]) -> dict[str, Any]:
    """A mapping of the language: its keys, and no others."""
    properties = {key: _field(key, value) for key, value in model.get("properties", {}).items()}
    result = {**model, "properties": properties, "additionalProperties": False}
    if "description" in model:
        result["description"] = _LINE.sub(" ", model["description"])
    return result


def _exactly_one(model: dict[str, Any]) -> dict[str, Any]:
    """`do`: one of the faults, and no second."""
    properties = model["properties"]
    for action in ACTIONS:
        properties[action.word]["description"] = _LINE.sub(" ", action.__doc__ or "")
    return {**model, "minProperties": 1, "maxProperties": 1}


def _field(key: str, value: dict[str, Any]) -> dict[str, Any]:
    """A key: its value, or a variable where it is one value; never null, which a scenario has nowhere."""
    about: dict[str, Any] = {name: value[name] for name in ("description", "examples") if name in value}
    default = {} if value.get("default") is None else {"default": value["default"]}
    inner = {name: part for name, part in value.items() if name not in ("title", "default", *about)}
    inner = _without_null(inner)
    if inner.get("type") == "string" and not isinstance(default.get("default"), str):
        default = {}  # the models have it in another form than authors write it
    if key not in _OF_FILE:
        inner = _or_variable(inner)
    return {**about, **_plain_default(default), **inner}


def _plain_default(default: dict[str, Any]) -> dict[str, Any]:
    """A default as an author writes it; those of other types are told in words."""
    return default if isinstance(default.get("default"), str | int | bool) else {}


def _without_null(value: dict[str, Any]) -> dict[str, Any]:
    options = value.get("anyOf")
    if not options:
        return value
    left = [option for option in options if option != {"type": "null"}]
    rest = {name: part for name, part in value.items() if name != "anyOf"}
    return {**rest, **left[0]} if len(left) == 1 else {**rest, "anyOf": left}


def _or_variable(value: dict[str, Any]) -> dict[str, Any]:
    """The same with variables where one value stands, in lists and mappings of values too."""
    if "anyOf" in value:
        rest = {name: part for name, part in value.items() if name != "anyOf"}
        return {**rest, "anyOf": [_listed(option) for option in value["anyOf"]] + [_VARIABLE]}
    value = _listed(value)
    if not value or "$ref" in value or value.get("type") in ("array", "object"):
        return value
    return {"anyOf": [value, _VARIABLE]}


def _listed(value: dict[str, Any]) -> dict[str, Any]:
    if isinstance(value.get("items"), dict):
        return {**value, "items": _or_variable(value["items"])}
    if isinstance(value.get("additionalProperties"), dict):
        return {**value, "additionalProperties": _or_variable(value["additionalProperties"])}
    return value


_VARIABLE = {"$ref": "#/$defs/variable"}
