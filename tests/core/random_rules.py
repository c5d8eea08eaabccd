"""Rules of all kinds, as chance makes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ackdrop.faults import (
    Blackhole,
    Corrupt,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Error,
    Late,
    Latency,
    Pause,
    Reorder,
    Reset,
    Truncate,
)
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.spans import Span


def any_rules(draw: random.Random, counting: bool) -> list[Rule]:
    """Rules of all kinds, most of which fire now and then; `counting`: those at requests never do, and there is none
    that lies on connections."""
    kinds: list[tuple[str, Callable[[], Any]]] = [
        ("produce.response", lambda: Drop(draw.choice(("hold", "skip", "disconnect", "reset")))),
        ("produce.response", lambda: Delay(draw.choice((0.1, 0.5)), 0.1)),
        ("produce.response", lambda: Error(6)),
        ("produce.response", lambda: Disconnect(draw.choice((None, 0.7)))),
        ("produce.request", lambda: Delay(0.2)),
        ("produce.request", lambda: Drop("skip")),
        ("produce.request", lambda: Duplicate(1, draw.choice(("same", "new")))),
        ("produce.request", lambda: Late("time", 0, 0.5)),
        ("produce.request", lambda: Reorder()),
        ("produce.request", lambda: Truncate(30)),
        ("produce.request", lambda: Corrupt("crc")),
        ("*.request", lambda: Delay(0.1)),
        ("fetch.response", lambda: Delay(0.1)),
        ("connection", lambda: Latency(0.1)),
        ("connection", lambda: Blackhole(0.5)),
        ("connection", lambda: Reset()),
        ("broker", lambda: Pause(0.1)),
    ]
    if counting:
        kinds = [kind for kind in kinds if kind[0] != "connection"]
    rules: list[Rule] = []
    for number in range(draw.choice((1, 1, 2, 4))):
        place, make = draw.choice(kinds)
        api, _, side = place.partition(".")
        when = {
            "nth": lambda: {"nth": tuple(draw.sample(range(1, 120), 2))},
            "every": lambda: {"every": draw.choice((7, 40))},
            "first": lambda: {"first": 2},
            "probability": lambda: {"probability": draw.choice((0.0, 0.01, 0.1))},
            "always": lambda: {"times": 2},
        }[draw.choice(("nth", "every", "first", "probability", "always"))]()
        if draw.random() < 0.3:
            when["after"] = draw.choice((0.01, 1.0))
        if draw.random() < 0.2:
            when["until"] = draw.choice((1.5, 3.0))
        if rules and draw.random() < 0.3:
            when["following"] = draw.choice(rules).name
        if counting and place != "produce.response":
            when = draw.choice(({"nth": (1_000_000,)}, {"every": 1_000_000}, {"probability": 0.0}))
        when |= {"times": draw.choice((when.get("times"), 1, 3)), "per": draw.choice(("run", "partition", "producer"))}
        match: dict[str, Any] = {}
        if draw.random() < 0.3:
            match["topic"] = (draw.choice(("t", "a*")),)
        if draw.random() < 0.2:
            match["size"] = Span(draw.choice((None, 200)), draw.choice((None, 2000)))
        if draw.random() < 0.2:
            match["records"] = Span(2, None)
        if draw.random() < 0.2:
            match["attempt"] = draw.choice(("first", "retry"))
        if draw.random() < 0.2:
            match["client_id"] = ("c",)
        rules.append(Rule(f"r{number}", api, side or "event", Match(**match), When(**when), make()))  # type: ignore[arg-type]
    return rules
