"""Which part of the language a place in a file belongs to: found by walking the models' annotations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .complaint import Step
from .spec import ScenarioSpec


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a mapping, as authors write them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_at(steps: Iterable[Step]) -> type[BaseModel] | None:
    """The model of the mapping at the end of these steps; None where it is free or no mapping."""
    model: type[BaseModel] | None = ScenarioSpec
    for step in steps:
        if isinstance(step, int):
            continue
        field = keys(model).get(step) if model else None
        model = _inner(field.annotation) if field else None
    return model


def sample(*steps: Step) -> Any:
    """The example of the value at the end of these steps, as plain JSON values; empty where a place has none."""
    *before, last = steps
    listed = isinstance(last, int)
    *before, last = before if listed else steps
    model = model_at(before)
    field = keys(model).get(str(last)) if model else None
    if field is None or not field.examples:
        return {}
    return field.examples[0][0] if listed else field.examples[0]


def _inner(annotation: object) -> type[BaseModel] | None:
    """The one model inside of an annotation such as `Annotated[list[ArmSpec], ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)
