"""The JSON Schema and the loader are of one mind. The loader refuses what the schema refuses, and more for a reason.

Every key of the language gets every kind of value, alone and together with others.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ackdrop.errors import ScenarioError
from ackdrop.scenario.actions import ACTIONS, PLACES
from ackdrop.scenario.language import keys, model_at
from ackdrop.scenario.load import load
from ackdrop.scenario.pages import example_place
from ackdrop.scenario.schema import built

from ..effort import TIMES

VALIDATOR = Draft202012Validator(built())

ONLY_LOADING_TELLS = {
    "what a variable's value is, and where it has none": r"\$\{",
    "a whole number is written without a point": r"expected (a whole number|any, first).*, not the number [-0-9.e+]+$",
    "how large a text with a unit is": r"above zero|too long|too large|not a whole number of bytes|of at least 1B"
    r"|expected (a rate|retried, ).*, not the text '[0-9.]+ ?([KMG]i?B|[B/ms])+'",
    "a text of one line has letters": r"expected one line of text|a part of a command is a text",
    "which range of numbers ends before it begins": r"expected (a range of at most|a whole number, a range or)"
    r".*, not the text '[0-9]+ ?- ?[0-9]+'",
    "how a name or a JSONPath goes on": r"no JSONPath|needs the name of a header|cannot name a folder and a topic",
    "what one key says beside another": r"without 'command'|until must be later|beside '|nothing is rewritten",
    "what only the whole file shows": r"no fault '|no arm |a second (arm|fault)|no partition \d|a fault cannot follow"
    r"|not possible at|is about (frames|the batches)|stands here twice|workload\.config\.acks: expected"
    r"|possible at|only at|there is no|there are none|requests without batches",
}
"""Reasons for which a file is refused that the schema accepts: what `scenarios/README.md` says of it under Editors."""

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 16, 101, 10_001, 1_000_001, 2**31, 2**63, 2**70),
    *(1.0, 0.0, 0.5, 1.5, 1e3, 1e30, "", "  ", " x ", "x", "a b", "a\nb", "a\tb", "é", "日本", "x" * 41, "x" * 121),
    *("none", "all", "ALL", "any", "first", "retry", "*", "1", "0", "-1", "01", "1 ", "on", "off", "Yes", "NO", "tRue"),
    *("3s", "3 s", " 3s ", "3  s", "3.5s", "0s", "3S", "3m", "1441m", "24h", "-3s", ".5s", "1e3s", "16KiB", " 1 KiB "),
    *("16kib", "0B", "0.5B", "2GiB", "100/s", "0/s", "1000001/s", "64KiB/s", "0B/s", "5GiB/s", "3-5", "5-3", "3 - 5"),
    *(">= 1", ">=1", "=> 1", "≥ 1", "≠ 0", "!= 0", "= 0", "0-1KiB", ">= 1KiB", "0 - 0B", "hold", "skip", "new"),
    *(
        "retried",
        "crc",
        "key",
        "header:",
        "header:x",
        "json:$.a",
        "json:$.",
        "read_committed",
        "connection",
        "partition",
    ),
    *("NOT_LEADER_OR_FOLLOWER", "NONE", "produce.response", "metadata.request", "a/b", "a.b", "kafka-python", "java"),
    *([], [1], [0], ["x"], ["*"], [1, 1], [None], [[1]], [""], ["0-3"], {}, {"a": 1}, {"acked_batches": 6}),
    *("${v:-3}", "a${v:-1}", "$${v}", "${", "${v:-}", ["${v:-3}"], "zstd", "/etc/x", "../x"),
]

Steps = tuple[Any, ...]


def base(place: str, do: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 1,
        "workload": {"topic": {"partitions": 6}, "config": {}, "client_config": {}},
        "arms": [{"name": "off", "idempotence": False}, {"name": "on", "idempotence": True}],
        "faults": [{"at": place, "match": {}, "when": {}, "do": do}],
        "expect": {"off": {"lost": 0}},
        "variables": {},
        "matrix": {},
    }


def spots() -> Iterator[tuple[dict[str, Any], Steps]]:
    """A scenario, and a key of it, for every key of the language, and some that it does not have."""
    usual = base("produce.response", {"drop": {}})
    for above in [(), ("workload",), ("workload", "topic"), ("workload", "config"), ("faults", 0), ("arms", 0)]:
        yield from ((usual, (*above, key)) for key in [*keys(model_at(above) or type(None)), "nokey"])  # type: ignore[type-var]
    for place in ("produce.response", "*.request", "connection"):
        action = next(action for action in ACTIONS if place in (example_place(action), *action.at))
        found = base(place, {action.word: copy.deepcopy(action.example)})
        for above in (("faults", 0, "match"), ("faults", 0, "when")):
            yield from ((found, (*above, key)) for key in keys(model_at(above) or type(None)))  # type: ignore[type-var]
    for action in ACTIONS:
        found = base(example_place(action), {action.word: copy.deepcopy(action.example)})
        yield found, ("faults", 0, "do", action.word)
        yield from ((found, ("faults", 0, "do", action.word, key)) for key in keys(action))
    others = [("expect", "off", "lost"), ("expect", "off", "lots"), ("expect", "off"), ("variables", "v")]
    for steps in [*others, ("variables", "1a"), ("matrix", "acks"), ("workload", "client_config", "x"), ("expect",)]:
        yield usual, steps


SPOTS = [spot for spot in spots() if spot[1] != ("include",)]


def with_value(data: dict[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(data)
    holder: Any = data
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = value
    return data


def compared(data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False)
    by_schema = VALIDATOR.is_valid(data)
    try:
        load(text)
    except ScenarioError as error:
        said = [problem.split("\n")[0].split(": ", 1)[1] for problem in error.problems]
        told = [each for each in said if not any(re.search(why, each) for why in ONLY_LOADING_TELLS.values())]
        assert not by_schema or not told or "${" in text, (text, said)
    else:
        assert by_schema, (text, [error.message for error in VALIDATOR.iter_errors(data)])


@pytest.mark.parametrize(("data", "steps"), SPOTS, ids=lambda value: ".".join(map(str, value)))
def test_each_key_with_each_kind_of_value(data: dict[str, Any], steps: Steps) -> None:
    """With every sixth value, one key with these and the next one with others, where all take too long."""
    turn = SPOTS.index((data, steps)) % 6
    for number, value in enumerate(VALUES):
        if TIMES >= 6 or number % 6 == turn:
            compared(with_value(data, steps, value))


@given(st.sampled_from(ACTIONS), st.sampled_from(PLACES[:7]), st.data())
@settings(max_examples=150, deadline=None)
def test_several_keys_at_once(action: Any, place: str, draw: st.DataObject) -> None:
    data = base(place, {action.word: copy.deepcopy(action.example)})
    same = [steps for _, steps in SPOTS if steps[:3] != ("faults", 0, "do") or steps[3:4] == (action.word,)]
    for _ in range(draw.draw(st.integers(1, 4))):
        try:
            data = with_value(data, draw.draw(st.sampled_from(same)), draw.draw(st.sampled_from(VALUES)))
        except (TypeError, KeyError, IndexError):  # what the place is in was replaced before
            continue
    compared(data)
