"""The page on faults is what the models say, and its examples are valid."""

from __future__ import annotations

import re

import pytest

from ackdrop.scenario.actions import ACTIONS, Action
from ackdrop.scenario.files import shipped
from ackdrop.scenario.language import keys
from ackdrop.scenario.load import load
from ackdrop.scenario.pages import FILE, page

PAGE = (shipped()[0].parent / FILE).read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_the_page_is_the_one_that_is_made_from_the_models() -> None:
    assert page() == PAGE, "write it again: python -m ackdrop.scenario.pages"


def test_every_fault_has_a_section_in_order() -> None:
    assert list(SECTIONS) == [action.word for action in ACTIONS]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.word)
def test_a_section_says_all_of_its_fault(action: type[Action]) -> None:
    section = SECTIONS[action.word]
    (text,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    (rule,) = load(text).rules
    assert rule.fault.word == action.word
    for key, field in keys(action).items():
        assert f"| `{key}` |" in section
        assert (field.description or "").replace("|", "\\|") in section
    for part in ("What the producer sees", "A request of many partitions", "Several requests under way", "acks=0"):
        assert len(section.partition(f"**{part}.**")[2].split("\n\n")[0]) > 30
