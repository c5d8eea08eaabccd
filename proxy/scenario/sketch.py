"""A scenario that is written for its author: commented, valid, and ready to be changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from .actions import ACTIONS, PLACES, Action, possible
from .complaint import nearest
from .pages import example_place
from .vocabulary import PRODUCERS

EVENTS = ("connection", "broker", "workload")
WORDS = tuple(action.word for action in ACTIONS)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The answers that a scenario is made of. `at` None: where the fault is usually meant; `nth` None: the third."""

    fault: str = "drop"
    at: str | None = None
    nth: int | None = None
    producer: str = "kafka-python"
    title: str | None = None
    records: int = 20

    @property
    def action(self) -> type[Action]:
        return next(action for action in ACTIONS if action.word == self.fault)

    @property
    def place(self) -> str:
        return example_place(self.action) if self.at is None else self.at


def wrong(sketch: Sketch) -> tuple[str, str] | None:
    """What is wrong with the answers, and the remedy; None where they make a valid scenario."""
    if sketch.fault not in WORDS:
        return f"no fault {sketch.fault!r}", _hint(sketch.fault, WORDS)
    if sketch.place not in PLACES:
        return f"no place {sketch.place!r}", _hint(sketch.place, PLACES[:5])
    if not possible(sketch.action, sketch.place):
        places = ", ".join(at.replace("*", "API") for at in sketch.action.at)
        return f"{sketch.fault} is not possible at {sketch.place}", f"it is at: {places}"
    if sketch.producer not in PRODUCERS:
        return f"no producer {sketch.producer!r}", _hint(sketch.producer, PRODUCERS)
    return None


def sketched(sketch: Sketch) -> str:
    """The scenario as YAML, with comments."""
    return "\n".join(_lines(sketch)) + "\n"


def _lines(sketch: Sketch) -> Iterator[str]:
    action, place = sketch.action, sketch.place
    quoted = json.dumps(sketch.title or f"{sketch.fault} at {place}", ensure_ascii=False)
    yield "version: 1"
    yield f"title: {quoted}"
    yield "seed: 7                           # all chance is drawn from it"
    yield ""
    yield "workload:"
    yield f"  producer: {sketch.producer:22}# or: {', '.join(name for name in PRODUCERS if name != sketch.producer)}"
    yield f"  records: {sketch.records}"
    if place == "broker" or place == "workload" or place == "connection":
        yield "  rate: 50/s                      # slow enough for something to be under way"
    else:
        yield "  pipelined: false                # the next record waits for the last one's answer"
    yield "  config:"
    yield "    acks: all"
    yield "    request_timeout: 3s           # how long the client waits for an answer"
    yield "    delivery_timeout: 30s         # how long it tries, retries together"
    yield ""
    yield "faults:"
    yield f"  # {' '.join((action.__doc__ or '').split())}"
    yield f"  - name: {json.dumps(f'{sketch.fault} at {place}')}"
    yield f"    at: {json.dumps(place) if place.startswith('*') else place}"
    if place.startswith("produce."):
        yield "    match: {attempt: first}       # spares the retries"
    yield f"    when: {_when(sketch, place)}"
    parameters = json.dumps(action.example_at(place)).replace('"', "")
    yield f"    do: {{{sketch.fault}: {parameters}}}"
    yield ""
    alone = place.startswith("init_producer_id.")
    if alone:
        yield "arms:"
        yield '  - {name: "on", idempotence: true}   # no other producer asks for a producer id'
        yield ""
    yield "# No arm has to show a duplicate. Without this line, the arm without idempotence must."
    yield "control: none"
    yield ""
    yield "expect:"
    if not alone:
        yield '  "off": {lost: 0}                # idempotence off'
    if place == "workload":
        yield '  "on": {lost: 0}                 # what the application sends again stands twice here too'
    else:
        yield '  "on": {duplicates: 0, lost: 0}  # idempotence on'


def _when(sketch: Sketch, place: str) -> str:
    if sketch.nth is not None:
        return f"{{nth: {sketch.nth}}}"
    if place in EVENTS:
        return "{after: 100ms, times: 1}"
    return "{nth: 3}" if place.startswith("produce.") else "{nth: 1}"


def _hint(word: str, words: tuple[str, ...]) -> str:
    near = nearest(word, words)
    return f"{f'did you mean {near}? ' if near else ''}there are: {', '.join(words)}"
