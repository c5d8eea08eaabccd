"""A YAML text as a stream of small events. The only module that imports ruamel.yaml.

Only its parser is used: nothing in a file can make an object, and every event knows its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from .complaint import shortened
from .problems import Problem

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.events import Event as Parsed

EventKind = Literal["document", "scalar", "mapping", "list", "alias", "end", "end of document"]

_OPENING = {'"': '"', "'": "'", "{": "}", "[": "]"}
_HUGE_ESCAPE = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}")


class Event(NamedTuple):
    """`at` is its place in the text. `plain`: a scalar without quotes or tag, whose text may be a number."""

    kind: EventKind
    at: int
    text: str = ""
    plain: bool = False
    tag: str | None = None
    anchor: str | None = None


class Fatal(Exception):
    """The text cannot be read any further; `problem` says why and where."""

    def __init__(self, at: int, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.problem = Problem(at, text, hint, "yaml")


def events(text: str, base: int = 0) -> Iterator[Event]:
    """The events of a text, from its first document's start on, places counted from `base`.

    Raises Fatal where the text is not YAML.
    """
    try:
        yield from _events(text, base)
    except Fatal as fatal:
        problem = fatal.problem
        raise Fatal(problem.at + base, problem.text, problem.hint) from fatal


def _events(text: str, base: int) -> Iterator[Event]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        for parsed in YAML(typ="safe", pure=True).parse(text):
            if (event := _translated(parsed, base)) is not None:
                yield event
    except ReaderError as error:
        raise Fatal(error.position, f"the character U+{error.character:04X} is not allowed in YAML") from error
    except MarkedYAMLError as error:
        raise _syntax(text, error) from error
    except YAMLError as error:
        raise Fatal(0, f"not YAML: {shortened(str(error), 200)}") from error
    except (ValueError, OverflowError) as error:  # an escape such as \U00110000 reaches chr() unchecked
        found = _HUGE_ESCAPE.search(text)
        raise Fatal(found.start() if found else 0, "not YAML: an escape that stands for no character") from error


def _translated(parsed: Parsed, base: int) -> Event | None:
    from ruamel.yaml import events as yaml

    at = parsed.start_mark.index + base
    match parsed:
        case yaml.ScalarEvent():
            plain = parsed.implicit[0] and parsed.tag is None
            return Event("scalar", at, parsed.value, plain, parsed.tag, parsed.anchor)
        case yaml.MappingStartEvent():
            return Event("mapping", at, tag=parsed.tag, anchor=parsed.anchor)
        case yaml.SequenceStartEvent():
            return Event("list", at, tag=parsed.tag, anchor=parsed.anchor)
        case yaml.AliasEvent():
            return Event("alias", at, anchor=parsed.anchor)
        case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
            return Event("end", at)
        case yaml.DocumentStartEvent():
            return Event("document", at)
        case yaml.DocumentEndEvent():
            return Event("end of document", at)
    return None


def _syntax(text: str, error: MarkedYAMLError) -> Fatal:
    mark = error.problem_mark or error.context_mark
    at = mark.index if mark is not None else 0
    said = "; ".join(part for part in (error.context, error.problem) if part)
    if error.context_mark is not None and "stream" in said:
        begun = error.context_mark.index
        opening = text[begun : begun + 1]
        if opening and opening in _OPENING:
            what = "quote" if opening in "\"'" else "bracket"
            return Fatal(begun, f"not YAML: this {what} is never closed", f"its end is missing: {_OPENING[opening]}")
    return Fatal(at, f"not YAML: {shortened(said, 200)}", _advice(text, at, said))


def _advice(text: str, at: int, said: str) -> str | None:
    """What it may have been meant for: the usual slips of those who write a scenario."""
    line = text[text.rfind("\n", 0, at) + 1 :].split("\n", 1)[0]
    if "\t" in line:
        return "YAML is indented with spaces, not with tabs"
    if text[max(0, at - 1) : at + 1] == "${":
        return 'inside of [...] and {...} a variable needs quotes: "${name}"'
    if "scanning an alias" in said:
        return 'a text that begins with * needs quotes: "*"'
    if "scanning an anchor" in said or text[at : at + 1] in ("@", "`", "%"):
        return "a text that begins with @, `, % or & needs quotes"
    if any(sign in line for sign in (">", "<", "=")):
        return 'a comparison needs quotes: ">= 1"'
    if "mapping values are not allowed" in said:
        return 'keys of one mapping begin in one column, each with its colon; a text with ": " in it needs quotes'
    return None
