"""Plain values as the text of a YAML file, which reads back as the same values in YAML 1.1 and 1.2."""

from __future__ import annotations

import math
import re

from .scalars import resolve

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*\Z", re.ASCII)
_OLD_FLAGS = frozenset({"on", "off", "yes", "no", "y", "n"})
_OLD_NUMBER = re.compile(r"0b[01_]+|[0-9][0-9_.]*|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_LONGEST_KEY = 100
_LONGEST_NUMBER = 40


def text_of(data: object) -> str:
    """A document: a block of lines for each mapping and list."""
    return "\n".join(_block(data, 0)) + "\n"


def _block(data: object, depth: int) -> list[str]:
    pad = "  " * depth
    match data:
        case dict() if data:
            return [line for key, value in data.items() for line in _entry(pad, str(key), value, depth)]
        case list() if data:
            return [line for value in data for line in _item(pad, value, depth)]
    return [pad + scalar(data)]


def _entry(pad: str, key: str, value: object, depth: int) -> list[str]:
    head = f"{pad}{scalar(key)}:"
    if len(key) > _LONGEST_KEY:
        head = f"{pad}? {scalar(key)}\n{pad}:"
    if isinstance(value, dict | list) and value:
        return [head, *_block(value, depth + 1)]
    if isinstance(value, str) and (sign := _literal(value)):
        lines = value.removesuffix("\n").split("\n")
        return [f"{head} {sign}", *(f"{pad}  {line}" if line else "" for line in lines)]
    return [f"{head} {scalar(value)}"]


def _item(pad: str, value: object, depth: int) -> list[str]:
    if not (isinstance(value, dict | list) and value):
        return [f"{pad}- {scalar(value)}"]
    first, *rest = "\n".join(_block(value, depth + 1)).split("\n")
    return [f"{pad}- {first[len(pad) + 2 :]}", *rest]


def scalar(value: object) -> str:
    """One value on one line; an empty mapping or list too."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if len(str(value)) <= _LONGEST_NUMBER else hex(value)
        case float() if math.isnan(value):
            return ".nan"
        case float() if math.isinf(value):
            return ".inf" if value > 0 else "-.inf"
        case float():
            return repr(value)
        case str() if _is_plain(value):
            return value
        case str():
            return '"' + "".join(map(_escaped, value)) + '"'
    return "[]" if isinstance(value, list) else "{}"


def _is_plain(text: str) -> bool:
    if len(text) > _LONGEST_KEY or not _PLAIN.match(text) or text.lower() in _OLD_FLAGS:
        return False
    return resolve(text) == text and not _OLD_NUMBER.fullmatch(text)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character == "\n":
        return "\\n"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _literal(text: str) -> str | None:
    """The sign of a literal block that holds the text; None where it has to be quoted."""
    lines = text.removesuffix("\n").split("\n")
    fits = len(lines) > 1 and lines[0] and lines[-1] and not lines[0].startswith(" ")
    if not fits or not all(line.isprintable() and line == line.rstrip() for line in lines):
        return None
    return "|" if text.endswith("\n") else "|-"
