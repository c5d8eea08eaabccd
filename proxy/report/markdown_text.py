"""Text that came from outside, put into Markdown so that it is shown and never acts.

GitHub does more than CommonMark: it links addresses, `@names` and `#numbers`, turns `:words:` into pictures and `$`
into formulas, after the Markdown has been read, so that an escape does not stop it. A zero-width space beside the
character that begins such a thing does.
"""

from __future__ import annotations

import re

from .clean import clean

_ESCAPED = re.compile(r"([\\`*_\[\]#~])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;"})
_BEGINS = re.compile(r"(#|\bGH-|:(?=//)|:(?=[\w+-]+:)|(?:mailto|xmpp):|\bwww(?=\.))(?=.)", re.IGNORECASE)
_LIST = re.compile(r"^(\d*)([-+.)])")
_BROKEN = "\\1\u200b"
_AT = "\u200b@\u200b"
_TICKS = re.compile(r"`+")


def inline(text: str) -> str:
    """One line of text, for a paragraph, a list's entry, a heading or a table's cell."""
    text = _ESCAPED.sub(r"\\\1", _broken(text)).translate(_ENTITIES)
    return _LIST.sub(r"\1\\\2", text)


def in_html(text: str) -> str:
    """One line of text between two tags, where no Markdown is read."""
    return _broken(text).translate(_ENTITIES)


def block(lines: list[str]) -> str:
    """Lines as they are, in a block of code: nothing in it is read as Markdown. They have to be `clean` already."""
    longest = max((len(ticks) for line in lines for ticks in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def _broken(text: str) -> str:
    """Cleaned, and nothing in it that would be linked or replaced; an address is also one by what is before its `@`."""
    return _BEGINS.sub(_BROKEN, clean(text).strip()).replace("@", _AT)
