"""Options: what they become, and what is refused before anything is begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ackdrop.api.options import FutileFault, understood
from ackdrop.errors import ScenarioError, UsageError

LOSE = {"name": "lose it", "at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}}


def test_nothing_has_to_be_said() -> None:
    asked = understood({})
    assert (asked.scenario, asked.faults, asked.allow_remote) == (None, None, False)
    assert asked.settings.out == Path("ackdrop-runs")
    assert asked.settings.listening.address == ("127.0.0.1", 0)


def test_what_is_said() -> None:
    asked = understood(
        {
            "scenario": "lost-ack",
            "sets": ["faults[0].when.nth=5"],
            "faults": [LOSE],
            "identity": "header:order-id",
            "mapping": {"redpanda:9092": "localhost:9092"},
            "title": "mine",
            "out": "runs",
        }
    )
    assert asked.scenario is not None
    assert asked.scenario.rules[0].when.nth == (5,)
    assert str(asked.settings.naming) == "header:order-id"
    assert asked.settings.mapping == {("redpanda", 9092): ("localhost", 9092)}
    assert asked.title == "mine"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scenaro": "lost-ack"}, "there is no option 'scenaro'"),
        ({"identity": "id"}, "identity: 'id' names no part of a record"),
        ({"sets": ["a=1"]}, "sets without a scenario"),
        ({"mapping": {"redpanda": "localhost:9092"}}, "'redpanda' is not the address of a broker"),
        ({"scenario": "lsot-ack"}, "lsot-ack: no such file or folder"),
    ],
)
def test_what_is_wrong_is_refused(options: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        understood(options)
    assert caught.value.message.startswith(told)


def test_faults_are_read_before_anything_begins() -> None:
    with pytest.raises(ScenarioError, match="unknown key 'drp'"):
        understood({"faults": [{**LOSE, "do": {"drp": {}}}]})
    with pytest.raises(ScenarioError, match="lose the third ack"):
        understood({"scenario": "lost-ack", "faults": {**LOSE, "name": "lose the third ack"}})


def test_a_fault_in_vain_is_warned_of_at_the_callers_line() -> None:
    always = {"name": "always", "at": "produce.response", "do": {"drop": {}}}
    with pytest.warns(FutileFault, match="mine") as caught:
        understood({"faults": [always, {"name": "mine", "at": "produce.response", "do": {"delay": {"for": "1s"}}}]})
    assert caught[0].filename == __file__
