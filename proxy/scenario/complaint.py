"""An error in a value, before its place in the file is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache

Step = str | int

_SHOWN = 24


class Complaint(ValueError):
    """What is wrong with a value. Raised inside a pydantic validator, which adds where.

    `text` follows the value's place and a colon. `hint` is a line of help, `within` leads from the validated value to
    the part of it that is wrong, `on_key` says that the key and not its value is. `incomplete` marks an error that may
    be there only because another one removed a part. `code` is one word for programs that read messages.
    """

    def __init__(
        self,
        text: str,
        *,
        hint: str | None = None,
        within: tuple[Step, ...] = (),
        on_key: bool = False,
        incomplete: bool = False,
        code: str = "value",
    ) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.within = within
        self.on_key = on_key
        self.incomplete = incomplete
        self.code = code


def expected(what: str, value: object, hint: str | None = None) -> Complaint:
    """`expected WHAT, not the text 'x'`."""
    return Complaint(f"expected {what}, not {described(value)}", hint=hint)


def described(value: object) -> str:
    """A value in words, short enough for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {shortened(str(value))}"
        case str():
            return f"the text {shortened(value)!r}" if value else "an empty text"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def shortened(text: str, limit: int = 40) -> str:
    """The text, cut with an ellipsis where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def guess(word: object, valid: Iterable[str]) -> str | None:
    """The hint `did you mean 'x'?`, for a text that looks like one of these words."""
    near = nearest(word, valid) if isinstance(word, str) else None
    return f"did you mean {near!r}?{_foreign(str(word))}" if near else None


def _foreign(word: str) -> str:
    """What letter of a word is none of ours, though it may look like one: no word of the language has any."""
    odd = next((letter for letter in word if not letter.isascii()), None)
    return "" if odd is None else f" ({odd!r} is {unicodedata.name(odd, f'U+{ord(odd):04X}')})"


def unknown_word(
    kind: str, word: str, valid: Iterable[str], later: Collection[str] = (), *, on_key: bool = False
) -> Complaint:
    """The complaint about a word that is none of `valid`; `later` are words that a later version brings."""
    known = list(valid)
    if word in later:
        return Complaint(
            f"the {kind} {word!r} is not in this version of ackdrop",
            hint=f"this version has: {_listed(known)}",
            on_key=on_key,
            code="not-in-this-version",
        )
    near, meant = nearest(word, known), guess(word, known)
    hint = f"{meant} " if meant else ""
    return Complaint(
        f"unknown {kind} {shortened(word)!r}",
        hint=f"{hint}expected one of: {_listed(known, near)}",
        on_key=on_key,
        code=f"unknown-{'key' if kind == 'key' else 'word'}",
    )


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that looks most like `word`, whatever its case, hyphens and underscores; None without one."""
    return _nearest(word[:100], tuple(valid))


@lru_cache(maxsize=256)
def _nearest(word: str, valid: tuple[str, ...]) -> str | None:
    folded = {_folded(candidate): candidate for candidate in valid}
    close = get_close_matches(_folded(word), folded, n=1, cutoff=0.55)
    return folded[close[0]] if close else None


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _listed(words: list[str], near: str | None = None) -> str:
    if len(words) <= _SHOWN:
        return ", ".join(words)
    close = get_close_matches(near or "", words, n=6, cutoff=0.4) or words[:6]
    return ", ".join(close) + f", … ({len(words)} in all)"
