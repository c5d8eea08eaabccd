"""The list of faults: the language has all that the engine has, under one word each."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from ackdrop import faults
from ackdrop.scenario.actions import ACTIONS, Action

WORDS = {action.word for action in ACTIONS}


def test_every_fault_of_the_engine_is_in_the_language() -> None:
    """A fault that is in no list could be written, and never be named by a scenario."""
    modules = [
        importlib.import_module(f"ackdrop.faults.{found.name}") for found in pkgutil.iter_modules(faults.__path__)
    ]
    classes = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    assert {found.word for found in classes if isinstance(getattr(found, "word", None), str)} == WORDS


def test_no_word_stands_for_two() -> None:
    assert len(WORDS) == len(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.word)
def test_the_engine_calls_it_as_the_language_does(action: type[Action]) -> None:
    assert action.model_validate(action.example).fault().word == action.word
