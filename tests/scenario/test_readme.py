"""The guide beside the scenarios: its examples are valid, and it names every word of the language."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from ackdrop.result import ExpectedFigure
from ackdrop.scenario import shipped
from ackdrop.scenario.actions import ACTIONS, PLACES, THEN
from ackdrop.scenario.language import keys, model_at
from ackdrop.scenario.load import load
from ackdrop.scenario.vocabulary import COMPRESSIONS, PRODUCERS

GUIDE = (shipped()[0].parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_valid(text: str) -> None:
    assert load(text).title != "scenario"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize(
    "steps",
    [(), ("workload",), ("workload", "config"), ("workload", "topic"), ("arms",)]
    + [("faults",), ("faults", "match"), ("faults", "when"), ("faults", "do")]
    + [("faults", "do", action.word) for action in ACTIONS],
)
def test_the_guide_names_every_key(steps: tuple[str, ...]) -> None:
    model = model_at(steps)
    assert model is not None
    for key in keys(model):
        assert f"`{key}`" in GUIDE or f"`{key}:" in GUIDE


@pytest.mark.parametrize("word", [*PRODUCERS, *COMPRESSIONS, *PLACES, *get_args(ExpectedFigure)])
def test_the_guide_names_every_word(word: str) -> None:
    assert f"`{word}`" in GUIDE


@pytest.mark.parametrize("word", THEN)
def test_the_guide_names_what_a_drop_can_end_in(word: str) -> None:
    assert f"`then: {word}`" in GUIDE


def test_links_inside_of_the_guide_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", GUIDE)) <= anchors
