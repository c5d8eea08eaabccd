"""YAML as a tree of nodes, within limits that no honest scenario meets.

An alias costs what it stands for, so that a "billion laughs" file ends at the limit.
"""

from __future__ import annotations

from .complaint import shortened
from .nodes import Kind, Node, Slot
from .problems import Problem
from .scalars import Scalar, resolve
from .yaml_events import Event, Fatal, events

MAX_DEPTH = 24
MAX_NODES = 10_000

_PLAIN_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def read(text: str, base: int = 0, depth: int = 0) -> tuple[Node | None, list[Problem]]:
    """The tree of the text's one document, and what is wrong with the text; None where that ends everything.

    Places are counted from `base`, see `Sources`, levels from `depth`.
    """
    builder = _Builder(text, base)
    try:
        return builder.document(depth), builder.problems
    except Fatal as fatal:
        return None, [*builder.problems, fatal.problem]


class _Builder:
    """Makes nodes out of events, one call a node."""

    def __init__(self, text: str, base: int) -> None:
        self._text = text
        self._base = base
        self._events = events(text, base)
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0
        self.problems: list[Problem] = []

    def document(self, depth: int) -> Node:
        """The root node. Raises Fatal for an empty text, and for more than one document."""
        if next(self._events, None) is None:
            raise Fatal(self._base, "the file is empty", "a scenario begins with the line: version: 1")
        root = self._node(next(self._events), depth)
        for event in self._events:
            if event.kind == "document":
                raise Fatal(event.at, "a second document", "a file is one scenario: remove the line ---")
        return root

    def _node(self, event: Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Fatal(event.at, f"nested deeper than {MAX_DEPTH} levels")
        match event.kind:
            case "alias":
                return self._counted(self._alias(event), event.at)
            case "scalar" | "mapping" | "list" as kind:
                return self._new(kind, event, depth)
        raise Fatal(event.at, "not YAML: a value is missing")  # pragma: no cover - the parser sends no such event

    def _new(self, kind: Kind, event: Event, depth: int) -> Node:
        node = self._counted(Node(kind, event.at), event.at)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if event.tag not in _PLAIN_TAGS:
            self._complain_of_tag(event)
            node.void = True
        if kind == "scalar":
            node.value, node.text, node.void = self._scalar(event), event.text, node.void or _lone_surrogate(event.text)
        else:
            self._fill(node, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Event) -> Node:
        name = event.anchor or ""
        if name not in self._anchors:
            raise Fatal(event.at, f"no anchor &{shortened(name)} stands before this alias")
        node = self._anchors[name]
        if node is None:
            raise Fatal(event.at, f"the alias *{shortened(name)} stands inside of what it names")
        return node

    def _counted(self, node: Node, at: int) -> Node:
        self._nodes += node.size
        if self._nodes > MAX_NODES:
            raise Fatal(at, f"more than {MAX_NODES} values, aliases written out")
        return node

    def _fill(self, node: Node, depth: int) -> None:
        keys: dict[str, Slot] = {}
        while (inner := next(self._events)).kind != "end":
            if node.kind == "mapping":
                self._pair(node, inner, depth, keys)
            else:
                node.append(Slot(str(len(node.slots)), inner.at, self._node(inner, depth + 1)))

    def _pair(self, node: Node, event: Event, depth: int, keys: dict[str, Slot]) -> None:
        """Add a key and its value; `keys` are those that the mapping has so far."""
        key = self._node(event, depth + 1)
        value = self._node(next(self._events), depth + 1)
        if key.kind != "scalar":
            self.problems.append(Problem(event.at, "a key must be a word, not a list or a mapping", code="yaml"))
            return
        word = event.text if event.kind == "scalar" and not _lone_surrogate(event.text) else str(key.value)
        first = keys.get(word)
        if first is None:
            keys[word] = Slot(word, event.at, value)
            node.append(keys[word])
        else:
            line = self._text.count("\n", 0, first.at - self._base) + 1
            self.problems.append(duplicate(word, event.at, f"line {line}"))

    def _scalar(self, event: Event) -> Scalar:
        if _lone_surrogate(event.text):
            self.problems.append(Problem(event.at, "half a character: a surrogate without its other half", code="yaml"))
            return ""
        return resolve(event.text) if event.plain else event.text

    def _complain_of_tag(self, event: Event) -> None:
        hint = 'a comparison needs quotes: "!= 0"' if str(event.tag).startswith("!=") else None
        self.problems.append(Problem(event.at, "a scenario has no YAML tags (words that begin with !)", hint, "yaml"))


def duplicate(key: str, at: int, first: str) -> Problem:
    """The problem of a key at `at` that stands on `first` (`line 3`) already."""
    return Problem(at, f"duplicate key {shortened(key)!r}", f"it stands on {first} already", "duplicate-key")


def _lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
