"""The page of documentation on every fault, `scenarios/faults.md`, from the models that validate scenarios.

    python -m ackdrop.scenario.pages

writes it again.
"""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .actions import ACTIONS, Action
from .files import shipped
from .language import keys

FILE = "faults.md"

_INTRODUCTION = """\
# Faults

What `do` can name in a rule: one section a fault. How a rule is written is in [the guide](README.md).

This page is made from the models that validate scenarios: `python -m ackdrop.scenario.pages` writes it again.
"""

_PLACES = {
    "*.request": "requests of any API: `produce.request`, `metadata.request`, …, `*.request`",
    "*.response": "answers of any API: `produce.response`, `metadata.response`, …, `*.response`",
    "connection": "`connection`",
    "broker": "`broker`",
    "workload": "`workload`",
    "produce.request": "`produce.request`",
}


def page() -> str:
    """The whole page, as Markdown."""
    rows = [f"| [`{action.word}`](#{action.word}) | {_where(action)} | {_summary(action)} |" for action in ACTIONS]
    table = "\n".join(["| do | at | what happens |", "|---|---|---|", *rows])
    return "\n".join([_INTRODUCTION, table, "", "\n".join(map(_section, ACTIONS))])


def example(action: type[Action]) -> str:
    """A scenario with this fault, as YAML: what documentation shows, and what starts one's own."""
    place = example_place(action)
    parameters = json.dumps(action.example).replace('"', "") if action.example else "{}"
    lines = [
        "version: 1",
        f"title: {action.word} at {place}",
        "workload:",
        "  records: 20",
        "  config: {request_timeout: 2s, delivery_timeout: 20s}",
        "faults:",
        f"  - at: {place}",
        f"    when: {example_when(place)}",
        f"    do: {{{action.word}: {parameters}}}",
        "control: none",
    ]
    return "\n".join(lines)


def example_place(action: type[Action]) -> str:
    """Where the fault is usually meant."""
    places = [at.replace("*", "produce") for at in action.at]
    return "produce.response" if "produce.response" in places and action.word != "corrupt" else places[0]


def example_when(place: str) -> str:
    """A trigger that makes sense at this place."""
    return "{after: 100ms, times: 1}" if place in ("connection", "broker", "workload") else "{nth: 3}"


def _where(action: type[Action]) -> str:
    return ", ".join(f"`{at.replace('*', 'API')}`" for at in action.at)


def _summary(action: type[Action]) -> str:
    return " ".join((action.__doc__ or "").split())


def _section(action: type[Action]) -> str:
    notes = action.notes
    parts = [
        f"## {action.word}",
        _paragraph(_summary(action)),
        _paragraph(f"At: {'; '.join(_PLACES[at] for at in action.at)}."),
        _parameters(action),
        f"```yaml\n{example(action)}\n```",
        _paragraph(f"**What the producer sees.** {notes.producer}"),
        _paragraph(f"**A request of many partitions.** {notes.partitions}"),
        _paragraph(f"**Several requests under way.** {notes.pipelined}"),
        _paragraph(f"**acks=0.** {notes.unasked}"),
        *([_paragraph(f"**Requests of other APIs.** {notes.others}")] if notes.others else []),
    ]
    return "\n\n".join(parts) + "\n"


def _paragraph(text: str) -> str:
    return fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _parameters(action: type[Action]) -> str:
    found = keys(action)
    if not found:
        return "It has no parameters."
    rows = [f"| `{key}` | {_type(field)} | {_default(field)} | {_description(field)} |" for key, field in found.items()]
    return "\n".join(["| parameter | such as | default | means |", "|---|---|---|---|", *rows])


def _type(field: FieldInfo) -> str:
    return ", ".join(f"`{_yaml(each)}`" for each in field.examples or ())


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    match field.default:
        case None | ():
            return "none"
        case float() | int() as number:
            return f"`{_number(field, number)}`"
        case str() as word:
            return f"`{word}`"
    return "`retried`"


def _number(field: FieldInfo, number: float) -> str:
    """A default with the unit in which authors would write it."""
    first = str((field.examples or [""])[0])
    unit = "s" if first.endswith(("ms", "s")) else "B" if first.endswith("B") else ""
    return f"{number:g}{unit}"


def _description(field: FieldInfo) -> str:
    return (field.description or "").replace("|", "\\|")


def _yaml(value: object) -> str:
    """A value in YAML's short form."""
    return value if isinstance(value, str) else json.dumps(value).replace('"', "")


if __name__ == "__main__":
    (Path(shipped()[0]).parent / FILE).write_text(page(), encoding="utf-8")
