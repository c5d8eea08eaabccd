"""Colours by what they mean, for a light and for a dark background alike.

The first sixteen colours of a terminal are its user's: yellow and bright green vanish on many a white background, what
is bold becomes bright, and what is dimmed fades into either. So where a terminal has 256, these are some of the 240
that are the same everywhere, half-way between black and white. One that has sixteen is told by weight, and by red
alone. Colour only says again what the words say.

`tests/report/test_colours.py` holds them to a contrast of 3.5:1 on the backgrounds that terminals have.

Imports rich: import this module where it is used, not at the start of the command line.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Literal

from rich.console import Console
from rich.theme import Theme

COLOURS = {"good": "color(64)", "bad": "color(196)", "unsure": "color(166)", "changed": "color(31)"}
"""What a colour means, and which one it is where there are 256."""

FAINT = "color(244)"
"""What is said beside, where there are 256 colours."""

_FEW = {"good": "", "bad": "red", "unsure": "", "changed": ""}
_FORCED = "FORCE_COLOR", "CLICOLOR_FORCE"


def theme(*, few: bool) -> Theme:
    """The styles: each meaning, and the same in bold; `faint`; and what rich's bars take. `few`: of sixteen colours."""
    colours, faint = (_FEW, "none") if few else (COLOURS, FAINT)
    styles = {meaning: colour or "none" for meaning, colour in colours.items()}
    styles |= {f"{meaning}.bold": f"bold {colour}".rstrip() for meaning, colour in colours.items()}
    bars = {"bar.complete": "good", "bar.finished": "good", "bar.pulse": "good", "progress.spinner": "good"}
    styles |= {name: styles[meaning] for name, meaning in bars.items()}
    words = "bar.back", "progress.elapsed", "progress.download", "progress.data.speed"
    return Theme({**styles, "faint": faint, **dict.fromkeys(words, faint)})


def console(*, stderr: bool = False, no_color: bool = False) -> Console:
    """Standard output, or standard error, with these styles.

    Colours are for a terminal, and for whoever asks for them with FORCE_COLOR or CLICOLOR_FORCE; nobody gets them who
    says NO_COLOR. Moving about is for a terminal alone, whatever is asked for.
    """
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream is not None and stream.isatty()
    width, height = _size()
    made = Console(
        stderr=stderr,
        no_color=no_color or None,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=terminal,
        color_system="auto" if terminal else _asked_for(no_color),
        width=width,
        height=height,
    )
    made.push_theme(theme(few=made.color_system in ("standard", "windows")))
    return made


def _asked_for(no_color: bool) -> Literal["256"] | None:
    """A CI log has no terminal to ask: those that show colours show 256."""
    refused = no_color or os.environ.get("NO_COLOR")
    forced = any(os.environ.get(name, "0") not in ("", "0") for name in _FORCED)
    return "256" if forced and not refused else None


def _size() -> tuple[int, int] | tuple[None, None]:
    """A dumb terminal has a width as well; rich takes it for 80 columns. All others are asked each time."""
    if os.environ.get("TERM", "").lower() not in ("dumb", "unknown"):
        return None, None
    size = shutil.get_terminal_size()
    return size.columns, size.lines
