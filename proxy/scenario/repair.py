"""Validation that goes on behind an error.

pydantic checks a whole mapping only when all of its parts are right. So what is found wrong is dropped from the tree,
what is missing is filled with the example of its key, and the rest validated again, until nothing wrong is left: one
reading of a file shows every error in it.
"""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any

from pydantic import ValidationError

from .actions import ACTIONS
from .complaint import Complaint, Step, expected, nearest, shortened, unknown_word
from .language import keys, model_at, sample
from .nodes import Node, Slot, node_of
from .problems import Problem
from .spec import ScenarioSpec

_PASSES = 40
_NO_MERGE = "merge keys do not work: write the keys out, or include a part that has them"


def validated(root: Node) -> tuple[ScenarioSpec | None, list[Problem]]:
    """The models of what is right in the tree, and the problems of what is not. Wrong parts of the tree are dropped."""
    problems: list[Problem] = []
    for _ in range(_PASSES):
        try:
            return ScenarioSpec.model_validate(root.data()), problems
        except ValidationError as error:
            wrong = [_Wrong(root, detail) for detail in error.errors(include_url=False, include_input=False)]
        meant = {each.meant for each in wrong if each.meant is not None}
        problems.extend(problem for each in wrong if (problem := each.problem(meant)) is not None)
        for each in wrong:
            each.mend()
    return None, problems


def place_of(steps: tuple[Step, ...]) -> str:
    """`faults[0].when.nth`; empty for the whole file."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{shortened(step)}" for step in steps)
    return text.removeprefix(".")


def located(root: Node, steps: tuple[Step, ...]) -> list[Slot]:
    """The slots along the steps, as far as they exist."""
    found: list[Slot] = []
    node = root
    for step in steps:
        slot = node.find(step)
        if slot is None:
            break
        found.append(slot)
        node = slot.node
    return found


def problem_at(root: Node, steps: tuple[Step, ...], complaint: Complaint) -> Problem:
    """The complaint about the value (or key) at these steps, with its place."""
    steps += complaint.within
    return _problem(root, steps, located(root, steps), complaint)


def _problem(root: Node, steps: tuple[Step, ...], slots: list[Slot], complaint: Complaint) -> Problem:
    """The same where the slots along the steps are known."""
    if not slots:
        at = root.at
    elif complaint.on_key and len(slots) == len(steps):
        at = slots[-1].at
    else:
        at = slots[-1].node.at
    place = place_of(steps[:-1] if complaint.on_key else steps)
    return Problem(at, f"{place}: {complaint.text}" if place else complaint.text, complaint.hint, complaint.code)


class _Wrong:
    """One error of pydantic's, and what it is about in the tree.

    `meant` is the key that a misspelt one seems to be, with the steps to its mapping: there it is not missing.
    """

    def __init__(self, root: Node, detail: Any) -> None:
        self._root = root
        self._steps: tuple[Step, ...] = tuple(detail["loc"])
        self._on_key = bool(self._steps) and self._steps[-1] == "[key]"
        if self._on_key:
            self._steps = self._steps[:-1]
        self._missing: str | None = None
        self.meant: tuple[tuple[Step, ...], str] | None = None
        self._complaint = self._complain(detail)
        self._slots = located(root, self._steps + self._complaint.within)

    def problem(self, meant: Set[tuple[tuple[Step, ...], str]]) -> Problem | None:
        """The problem to show; None where it is there only because another one was found."""
        if self._complaint.incomplete and any(slot.dropped for slot in self._holder().slots):
            return None
        if self._missing is not None and (self._steps, self._missing) in meant:
            return None
        return _problem(self._root, self._steps + self._complaint.within, self._slots, self._complaint)

    def mend(self) -> None:
        """Take the wrong part out of the tree, or put in what is missing."""
        key = self._missing
        if key is not None:
            holder = self._holder()
            holder.append(Slot(key, holder.at, node_of(sample(*self._steps, key), holder.at), made=True))
        elif self._slots:
            self._slots[-1].dropped = True

    def _holder(self) -> Node:
        return self._slots[-1].node if self._slots else self._root

    def _complain(self, detail: Any) -> Complaint:
        raised = detail.get("ctx", {}).get("error")
        if isinstance(raised, Complaint):
            raised.on_key = raised.on_key or self._on_key
            self._missing = ACTIONS[0].word if raised.incomplete and self._steps[-1:] == ("do",) else None
            return raised
        match detail["type"]:
            case "extra_forbidden":
                return self._unknown_key()
            case "missing":
                return self._missing_key()
        slots = located(self._root, self._steps)
        value = (slots[-1].node if slots else self._root).data()
        match detail["type"]:
            case "model_type" | "dict_type":
                return expected("a mapping", value, self._for_example())
            case "list_type":
                return expected("a list", value, self._for_example())
            case "too_short":
                return Complaint("an empty list", hint="leave the key out for the default", incomplete=True)
            case "too_long":
                return Complaint(f"more than {detail['ctx']['max_length']} items")
        return Complaint(str(detail["msg"]))

    def _unknown_key(self) -> Complaint:
        model, key = model_at(self._steps[:-1]), str(self._steps[-1])
        known = keys(model) if model else {}
        if key == "<<":
            return Complaint("unknown key '<<'", hint=_NO_MERGE, on_key=True, code="unknown-key")
        near = nearest(key, known)
        self.meant = None if near is None else (self._steps[:-1], near)
        return unknown_word("key", key, known, on_key=True)

    def _missing_key(self) -> Complaint:
        key = self._missing = str(self._steps[-1])
        hint = self._for_example(f"{key}: ")
        self._steps = self._steps[:-1]
        return Complaint(f"the key {key!r} is missing", hint=hint, incomplete=True, code="missing-key")

    def _for_example(self, before: str = "") -> str:
        return f"for example: {before}{json.dumps(sample(*self._steps))}"
