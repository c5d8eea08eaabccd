"""The guide beside the scenarios: its examples are valid, and it names every word of the language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from ackdrop.result import ExpectedFigure
from ackdrop.scenario.actions import ACTIONS, PLACES, Action
from ackdrop.scenario.actions.drop import THEN
from ackdrop.scenario.files import shipped
from ackdrop.scenario.language import keys, model_at
from ackdrop.scenario.load import examine
from ackdrop.scenario.vocabulary import COMPRESSIONS, PRODUCERS

GUIDE = (shipped()[0].parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_valid(text: str, tmp_path: Path) -> None:
    for part in EXAMPLES:
        if part.startswith("# parts/"):
            file = tmp_path / part.split()[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(part, encoding="utf-8")
    if not text.startswith("# parts/"):
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        examined = examine(tmp_path / "mine.yaml")
        assert [found.shown for found in examined.diagnostics] == []
        assert all(scenario.title != "mine" for scenario in examined.scenarios)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize(
    "steps",
    [
        *((), ("workload",), ("workload", "config"), ("workload", "topic"), ("arms",)),
        *(("faults",), ("faults", "match"), ("faults", "when")),
    ],
)
def test_the_guide_names_every_key(steps: tuple[str, ...]) -> None:
    model = model_at(steps)
    assert model is not None
    for key in keys(model):
        assert f"`{key}`" in GUIDE or f"`{key}:" in GUIDE


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.word)
def test_the_table_of_faults_has_each_with_its_places_and_parameters(action: type[Action]) -> None:
    (row,) = re.findall(rf"^\| \[`{action.word}`\]\(faults\.md#{action.word}\) \|(.*)\|(.*)\|$", GUIDE, re.MULTILINE)
    assert re.findall(r"`([^`]*)`", row[0]) == [at.replace("*", "API") for at in action.at]
    assert re.findall(r"`([^`]*)`", row[1]) == list(keys(action))


def test_every_place_is_one_that_the_guide_gives_or_names_by_rule() -> None:
    usual = [place for place in PLACES if f"`{place}`" in GUIDE]
    assert set(PLACES[:7]) <= set(usual)
    assert "`API.request` or `API.response` with the API's Kafka name" in GUIDE
    assert all(re.fullmatch(r"[a-z_]+\.(request|response)", place) for place in PLACES[7:])


def test_there_are_ten_worked_examples() -> None:
    section = GUIDE.partition("\n## Ten worked examples\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\d+)\. ", section, re.MULTILINE) == [str(number) for number in range(1, 11)]
    assert section.count("```yaml\n") == 10


@pytest.mark.parametrize("word", [*PRODUCERS, *COMPRESSIONS, *PLACES[:7], *get_args(ExpectedFigure)])
def test_the_guide_names_every_word(word: str) -> None:
    assert f"`{word}`" in GUIDE


@pytest.mark.parametrize("word", THEN)
def test_the_guide_names_what_a_drop_can_end_in(word: str) -> None:
    assert f"`then: {word}`" in GUIDE


def test_links_inside_of_the_guide_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", GUIDE)) <= anchors
