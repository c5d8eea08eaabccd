from __future__ import annotations

from ackdrop.scenario.problems import Problem, Source


def test_the_caret_stands_beneath_the_column() -> None:
    source = Source("mine.yaml", "version: 1\nseed: x\n")
    shown = source.show(Problem(source.text.index("x"), "seed: wrong", "a hint"))
    assert shown == "mine.yaml:2:7: seed: wrong\n    seed: x\n          ^\n    a hint"


def test_tabs_and_wide_characters_before_the_caret() -> None:
    source = Source("f", "\t名: x")
    line, caret = source.show(Problem(4, "wrong")).split("\n")[1:]
    assert line == "    \t名: x"
    assert caret == "    \t    ^"  # a tab, then two columns for 名, one for each of ": "


def test_line_ends_of_every_kind() -> None:
    source = Source("f", "a: 1\r\nb: 2\rc: x")
    assert source.place(source.text.index("x")) == (3, 4)


def test_a_long_line_is_cut_around_the_column() -> None:
    source = Source("f", "a: " + "x" * 500 + "HERE" + "y" * 500)
    line, caret = source.show(Problem(source.text.index("HERE"), "wrong")).split("\n")[1:]
    assert len(line) < 120
    assert line[caret.index("^") :].startswith("HERE")


def test_a_place_behind_the_end_is_the_end() -> None:
    assert Source("f", "a: 1\n").show(Problem(99, "wrong")).startswith("f:2:1: wrong")


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in Source("f", "a: \x1b[2J").show(Problem(3, "wrong"))
