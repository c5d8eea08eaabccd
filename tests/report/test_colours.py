"""Colours can be read wherever they stand, and are there for whoever can see them or asks for them."""

from __future__ import annotations

import io
import sys

import pytest
from rich.color import Color, ColorType
from rich.console import Console
from rich.style import Style

from ackdrop.report import colours
from ackdrop.report.doctor import _STYLES as OF_CHECKS
from ackdrop.report.live.parts import _STYLES as OF_EVENTS
from ackdrop.report.terminal import STYLES, render

BACKGROUNDS = {
    "white": (0xFF, 0xFF, 0xFF),
    "black": (0x00, 0x00, 0x00),
    "Solarized light": (0xFD, 0xF6, 0xE3),
    "Solarized dark": (0x00, 0x2B, 0x36),
    "Visual Studio Code, dark": (0x1E, 0x1E, 0x1E),
    "GitHub, light": (0xF6, 0xF8, 0xFA),
    "GitHub, dark": (0x0D, 0x11, 0x17),
    "Windows Terminal": (0x0C, 0x0C, 0x0C),
}
LEAST = 3.0
"""WCAG 2.2 asks for this of large text and of signs (1.4.3, 1.4.11)."""
FAIR = 3.5
"""What there is where the colours are the same everywhere."""

REDS = {
    "xterm": ((0xCD, 0x00, 0x00), (0xFF, 0xFF, 0xFF)),
    "xterm, reversed": ((0xCD, 0x00, 0x00), (0x00, 0x00, 0x00)),
    "Solarized light": ((0xDC, 0x32, 0x2F), BACKGROUNDS["Solarized light"]),
    "Solarized dark": ((0xDC, 0x32, 0x2F), BACKGROUNDS["Solarized dark"]),
    "Visual Studio Code, light": ((0xCD, 0x31, 0x31), BACKGROUNDS["white"]),
    "Visual Studio Code, dark": ((0xCD, 0x31, 0x31), BACKGROUNDS["Visual Studio Code, dark"]),
    "Windows Terminal": ((0xC5, 0x0F, 0x1F), BACKGROUNDS["Windows Terminal"]),
}
"""What terminals make of red, the only one of their sixteen colours that is used, and the background below it."""


def luminance(colour: tuple[int, int, int]) -> float:
    parts = (part / 255 for part in colour)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ours(few: bool) -> dict[str, Style]:
    """The styles that differ from rich's own."""
    inherited = Console().get_style
    return {
        name: style
        for name, style in colours.theme(few=few).styles.items()
        if inherited(name, default=Style.null()) != style
    }


def test_contrast_is_measured_as_wcag_does() -> None:
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert contrast((0x77, 0x77, 0x77), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", sorted(ours(few=False)))
def test_every_colour_can_be_read_on_every_background(name: str, background: str) -> None:
    style = ours(few=False)[name]
    assert style.color is not None, "a style without a colour is the terminal's own"
    assert contrast(tuple(style.color.get_truecolor()), BACKGROUNDS[background]) >= FAIR


@pytest.mark.parametrize("few", [False, True])
def test_no_colour_is_one_that_themes_change(few: bool) -> None:
    """Of the sixteen there is red alone; nothing is dimmed, and nothing has a background."""
    for name, style in ours(few).items():
        assert not style.dim, name
        assert style.bgcolor is None, name
        if style.color is not None:
            assert style.color == Color.parse("red") if few else style.color.type is ColorType.EIGHT_BIT, name
            assert few or style.color.number > 15, name


@pytest.mark.parametrize("name", REDS)
def test_red_can_be_read(name: str) -> None:
    assert contrast(*REDS[name]) >= LEAST


def test_every_style_that_is_used_is_one_of_these(results) -> None:
    known = {*colours.theme(few=False).styles, "bold"}
    assert {*STYLES.values(), *OF_CHECKS.values(), *OF_EVENTS.values()} <= known
    console = Console(file=io.StringIO(), color_system="256", force_terminal=True, width=80)
    console.push_theme(colours.theme(few=False))
    for result in (results.lost_ack(), results.failed(), results.inconclusive(), results.repeated()):
        render(result, console, None)
    shown = console.file.getvalue()
    assert [code for code in ("[2m", "[33m", "[31m", "[32m", "[36m") if f"\x1b{code}" in shown] == []
    assert "\x1b[1;38;5;64mPASSED\x1b[0m" in shown
    assert "\x1b[1;38;5;196mFAILED\x1b[0m" in shown
    assert "\x1b[1;38;5;166mINCONCLUSIVE\x1b[0m" in shown


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def seen(monkeypatch):
    """What a verdict looks like on standard output, a terminal or none, with these variables alone."""

    def show(*, terminal: bool, no_color: bool = False, **variables: str) -> tuple[str, Console]:
        for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "LINES", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", Stream(terminal))
        console = colours.console(no_color=no_color)
        console.print("PASSED", style="good.bold")
        return sys.stdout.getvalue().rstrip(), console

    return show


COLOURED, BOLD, PLAIN = "\x1b[1;38;5;64mPASSED\x1b[0m", "\x1b[1mPASSED\x1b[0m", "PASSED"


@pytest.mark.parametrize(
    ("terminal", "variables", "expected"),
    [
        (True, {"TERM": "xterm-256color"}, COLOURED),
        (True, {"TERM": "xterm", "COLORTERM": "truecolor"}, COLOURED),
        (True, {"TERM": "xterm"}, BOLD),
        (True, {"TERM": "xterm-256color", "NO_COLOR": "1"}, BOLD),
        (True, {"TERM": "dumb"}, PLAIN),
        (False, {"TERM": "xterm-256color"}, PLAIN),
        (False, {"FORCE_COLOR": "1"}, COLOURED),
        (False, {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, COLOURED),
        (False, {"FORCE_COLOR": "0"}, PLAIN),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, PLAIN),
    ],
)
def test_colour_is_for_who_sees_it_or_asks_for_it(seen, terminal, variables, expected) -> None:
    assert seen(terminal=terminal, **variables)[0] == expected


def test_no_color_is_stronger_than_what_forces_it(seen) -> None:
    assert seen(terminal=False, no_color=True, FORCE_COLOR="1")[0] == PLAIN
    assert seen(terminal=True, no_color=True, TERM="xterm-256color")[0] == BOLD


def test_nobody_moves_about_where_there_is_no_terminal(seen) -> None:
    """FORCE_COLOR asks for colours, not for a bar that is drawn again and again into a log."""
    assert not seen(terminal=False, FORCE_COLOR="1")[1].is_terminal


def test_a_dumb_terminal_has_a_width(seen) -> None:
    assert seen(terminal=True, TERM="dumb", COLUMNS="61")[1].width == 61
