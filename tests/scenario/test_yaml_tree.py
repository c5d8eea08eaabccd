from __future__ import annotations

import pytest

from ackdrop.scenario.problems import Problem
from ackdrop.scenario.yaml_tree import MAX_NODES, read

from ..effort import calls

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


def test_values_and_places() -> None:
    root, problems = read("a: [1, 'x']\noff: {b: true}\n")
    assert root is not None
    assert (root.data(), problems) == ({"a": [1, "x"], "off": {"b": True}}, [])
    assert [(slot.key, slot.at, slot.node.at) for slot in root.slots] == [("a", 0, 3), ("off", 12, 17)]


def test_an_alias_stands_for_its_anchor() -> None:
    root, _ = read("a: &x {b: 1}\nc: *x\n")
    assert root is not None
    assert root.data() == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 0, "the file is empty"),
        ("# nothing\n", 0, "the file is empty"),
        ("a: 1\n---\nb: 2\n", 5, "a second document"),
        ("a: *x\n", 3, "no anchor &x"),
        ("a: &x [*x]\n", 7, "stands inside of what it names"),
        ("a: 1\na: 2\n", 5, "duplicate key 'a'"),
        ("? [a]\n: 1\n", 2, "a key must be a word"),
        ("a: !!python/object:os.system x\n", 3, "no YAML tags"),
        ("a: != 0\n", 3, "no YAML tags"),
        ("a: !!set {b}\n", 3, "no YAML tags"),
        ("a: >= 1\n", 4, "not YAML"),
        ("a: {b: >= 1}\n", 7, "not YAML"),
        ("a:\n\tb: 1\n", 3, "not YAML"),
        ("a: 'x\n", 3, "not YAML: this quote is never closed"),
        ("a: \x01\n", 3, "the character U+0001 is not allowed in YAML"),
        ('a: "\\ud800"\n', 3, "half a character"),
        ('a: "\\U00110000"\n', 4, "an escape that stands for no character"),
        ("%YAML 9.9\n---\na: 1\n", 0, "not YAML"),
        ("[" * 60_000, 25, "nested deeper than 24 levels"),
        ("- " * 60_000, 50, "nested deeper than 24 levels"),
        (LAUGHS, None, "aliases written out"),
        ("[" + "1, " * (MAX_NODES + 9) + "]", None, f"more than {MAX_NODES} values"),
    ],
)
def test_what_is_refused_and_where(text: str, at: int | None, said: str) -> None:
    problems: list[Problem] = []
    assert calls(lambda: problems.extend(read(text)[1])) < 400 * MAX_NODES
    assert said in problems[0].text
    assert at is None or problems[0].at == at


def test_an_unquoted_comparison_is_explained() -> None:
    _, problems = read("expect: {on: {duplicates: >= 1}}\n")
    assert problems[0].hint == 'a comparison needs quotes: ">= 1"'
