"""YAML nodes that know where they stand in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .complaint import Step
from .scalars import Scalar

Kind = Literal["mapping", "list", "scalar"]


@dataclass(slots=True)
class Slot:
    """A place in a mapping or list. `at` is where its key stands (in a list: its value).

    `dropped`: found wrong, and left out since. `made`: put in where a key was missing, so that the rest can be checked.
    """

    key: str
    at: int
    node: Node
    dropped: bool = False
    made: bool = False

    @property
    def value_at(self) -> int:
        """The place of its value; where there is none, that of its key."""
        return self.at if self.node.kind == "scalar" and self.node.value is None else self.node.at


@dataclass(slots=True)
class Node:
    """A YAML node. `size` counts the nodes that it stands for, aliases written out.

    A key is the text as it was written, so that `off`, `false` and `1` stay words; so is the `text` of a scalar.
    `void`: something is wrong with it that was told already, so that its value means nothing.
    """

    kind: Kind
    at: int
    value: Scalar = None
    slots: list[Slot] = field(default_factory=list)
    size: int = 1
    text: str = ""
    void: bool = False

    def append(self, slot: Slot) -> None:
        """Add a slot at the end."""
        self.slots.append(slot)
        self.size += slot.node.size

    def live(self) -> list[Slot]:
        """The slots that nothing was found wrong with."""
        return [slot for slot in self.slots if not slot.dropped]

    def find(self, step: Step) -> Slot | None:
        """The slot of a key, or the n-th of a list; dropped ones are passed over."""
        if isinstance(step, int):
            live = self.live() if self.kind == "list" else []
            return live[step] if step < len(live) else None
        if self.kind != "mapping":
            return None
        return next((slot for slot in self.slots if slot.key == step and not slot.dropped), None)

    def spoilt(self) -> bool:
        """Whether anything below was dropped or made."""
        return any(slot.dropped or slot.made or slot.node.spoilt() for slot in self.slots)

    def take(self, key: str) -> Slot | None:
        """The slot of a key, taken out of this mapping."""
        slot = self.find(key)
        if slot is not None:
            self.slots.remove(slot)
        return slot

    def clone(self) -> Node:
        """A copy that shares nothing, aliases written out."""
        slots = [Slot(slot.key, slot.at, slot.node.clone(), slot.dropped, slot.made) for slot in self.slots]
        return Node(self.kind, self.at, self.value, slots, self.size, self.text, self.void)

    def count(self) -> int:
        """How many nodes it is."""
        return 1 + sum(slot.node.count() for slot in self.slots)

    def scalars(self) -> Iterator[Node]:
        """Every scalar in it, keys aside."""
        if self.kind == "scalar":
            yield self
        for slot in self.slots:
            yield from slot.node.scalars()

    def data(self) -> object:
        """Plain Python values, without the dropped parts."""
        if self.kind == "mapping":
            return {slot.key: slot.node.data() for slot in self.live()}
        if self.kind == "list":
            return [slot.node.data() for slot in self.live()]
        return self.value


def node_of(data: object, at: int) -> Node:
    """A node for plain Python values that stand in no file; `at` is the place that messages name."""
    match data:
        case dict():
            return Node("mapping", at, slots=[Slot(key, at, node_of(value, at)) for key, value in data.items()])
        case list():
            return Node("list", at, slots=[Slot(str(n), at, node_of(value, at)) for n, value in enumerate(data)])
        case str() | int() | float() | None:
            return Node("scalar", at, data)
    raise TypeError(f"not a value of YAML: {data!r}")
