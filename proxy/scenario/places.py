"""Where the entries of a scenario's file stand: for those who tell of them once it has run.

Nothing is validated here. A file that has changed since, or is gone, has no place for what it no longer holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .complaint import Step
from .include import Reader
from .nodes import Node
from .problems import Refusal, Sources
from .reading import content_of


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file: the file as it was named, or one that it includes; line and column from 1, None where it is
    the file as a whole."""

    file: str
    line: int | None
    column: int | None


class Places:
    """The places of one scenario, by the file that it was read from."""

    def __init__(self, file: str) -> None:
        self._sources = Sources()
        try:
            self._root = Reader(self._sources).tree(file, content_of(Path(file), file), Path(file))
        except Refusal:
            self._root = None

    def of(self, *steps: Step) -> Spot | None:
        """Where this entry stands, as in `"expect", "on", "duplicates"`; where it is not there, the one around it. None
        where there is no file, or nothing in it that can be used."""
        node = self._root
        if node is None:
            return None
        at = node.at
        for step in steps:
            slot = node.find(step)
            if slot is None:
                break
            at, node = slot.at, slot.node
        return self._spot(at)

    def of_fault(self, name: str, number: int | None) -> Spot | None:
        """Where a fault stands: by its name; else it is the one with this number, from 0, that has no name as written
        (`${…}`, or none at all)."""
        faults = self._root.find("faults") if self._root is not None else None
        found = [] if faults is None else [slot.node for slot in faults.node.live()]
        for node in found:
            if _name(node) == name:
                return self._spot(node.at)
        if number is not None and number < len(found) and "${" in (_name(found[number]) or "${"):
            return self._spot(found[number].at)
        return self.of("faults")

    def _spot(self, at: int) -> Spot:
        source = self._sources.of(at)
        return Spot(source.name, *source.place(at))


def _name(node: Node) -> str | None:
    slot = node.find("name")
    return None if slot is None or slot.node.kind != "scalar" else slot.node.text or None
