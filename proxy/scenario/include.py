"""`include`: parts that several scenarios share, read and merged into one tree.

A part lies in the folder of the file that includes it, or in one below, symbolic links resolved. Mappings merge deeply,
and the including file wins; the `faults` of a part come before the file's own; any other list is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .complaint import shortened
from .nodes import Node, Slot
from .problems import Problem, Refusal, Sources
from .reading import content_of, decoded
from .vocabulary import arm_name
from .yaml_tree import MAX_NODES, duplicate, read

MAX_PARTS = 32
"""Files that a scenario may be made of, each counted as often as it is included."""
MAX_NESTING = 8
MAX_BYTES = 512 * 1024
"""Bytes of all files together."""


class Unfit(Exception):
    """A part that is not read."""

    def __init__(self, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


_FOR_EXAMPLE = "for example: include: parts/common.yaml, a file beside this one or in a folder below"


class Reader:
    """Reads a file and all that it includes into one tree, whose places are those of `sources`.

    `problems` are those of all files; `parts` counts what was included. No file is read inside of itself.
    """

    def __init__(self, sources: Sources) -> None:
        self.problems: list[Problem] = []
        self.parts = 0
        self.files: list[Path] = []
        """The files of its parts, those that are not there included."""
        self._sources = sources
        self._bytes = 0
        self._nodes = 0

    def tree(self, name: str, content: bytes, path: Path | None, above: tuple[Path, ...] = ()) -> Node | None:
        """The tree of a file's content, None where nothing of it can be used. Raises Refusal where it is no text.

        `path` says where the file lies, if it is one; `above` are the files that include it.
        """
        source = self._sources.add(name, decoded(content, name))
        root, found = read(source.text, source.base)
        self.problems += found
        self._bytes += len(content)
        self._nodes += root.size if root else 0
        if root is None or root.kind != "mapping":
            if root is not None:
                self.problems.append(not_a_mapping(root))
            return None
        self.problems += _spelt(root, self._sources)
        slot = root.take("include")
        parts = list(self._parts(slot, path, above)) if slot else []
        for part in reversed(parts):
            root = merged(root, part)
        return root

    def _parts(self, slot: Slot, path: Path | None, above: tuple[Path, ...]) -> Iterator[Node]:
        for item in slot.node.slots if slot.node.kind == "list" else [slot]:
            node = item.node
            try:
                if path is None:
                    raise Unfit("a text that is no file includes nothing", "write it to a file")
                part = self._part(node, path.resolve(), above)
                if part is not None:
                    yield part
            except Unfit as unfit:
                self.problems.append(Problem(item.value_at, f"include: {unfit.text}", unfit.hint, "include"))

    def _part(self, node: Node, path: Path, above: tuple[Path, ...]) -> Node | None:
        if isinstance(node.value, str) and node.value.isprintable():
            self.files.append(path.parent / node.value)
        found = _path(node, path.parent)
        name = str(Path(self._sources.of(node.at).name).parent / str(node.value))
        try:
            content = content_of(found, name)
            self._check(found, len(content), (*above, path))
            part = self.tree(name, content, found, (*above, path))
        except Refusal as refusal:
            (found_wrong,) = refusal.diagnostics
            raise Unfit(found_wrong.shown.split("\n", 1)[0], found_wrong.hint) from refusal
        if self._nodes > MAX_NODES:
            raise Unfit(f"more than {MAX_NODES} values in all files together, aliases written out")
        return part

    def _check(self, found: Path, size: int, above: tuple[Path, ...]) -> None:
        """Whether one part more may be read."""
        self.parts += 1
        if found in above:
            raise Unfit("a part that includes itself", "take one include of the circle away")
        if len(above) > MAX_NESTING:
            raise Unfit(f"parts nested deeper than {MAX_NESTING} levels")
        if self.parts > MAX_PARTS:
            raise Unfit(f"more than {MAX_PARTS} parts")
        if self._bytes + size > MAX_BYTES:
            raise Unfit(f"more than {MAX_BYTES // 1024} KiB in all files together")


def _path(node: Node, folder: Path) -> Path:
    """Where the part lies, if it may be read. Raises Unfit."""
    if node.kind != "scalar" or not isinstance(node.value, str) or not node.value.isprintable():
        raise Unfit("expected the name of a file, or a list of them", _FOR_EXAMPLE)
    written = PurePosixPath(node.value)
    if written.is_absolute() or ".." in written.parts or "\\" in node.value:
        raise Unfit("a part is named from the folder of this file down", _FOR_EXAMPLE)
    try:
        found = (folder / written).resolve()
        inside, there = found.is_relative_to(folder), found.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, there = True, False
    if not inside:
        raise Unfit("a link that leads out of the folder of this file", _FOR_EXAMPLE)
    if not there and "${" in node.value:
        raise Unfit("a variable has no place in the name of a part", "parts are read before variables have a value")
    if not there:
        raise Unfit(f"there is no file {shortened(node.value, 100)!r} in the folder of this file", _FOR_EXAMPLE)
    return found


def merged(own: Node, part: Node, *, top: bool = True) -> Node:
    """The mapping `own` over the mapping `part`: first its keys, then those that the part adds."""
    result = Node("mapping", own.at)
    theirs = {slot.key: slot for slot in part.live()}
    for slot in own.live():
        under = theirs.pop(slot.key, None)
        result.append(slot if under is None else _over(slot, under, top))
    for slot in theirs.values():
        result.append(slot)
    return result


def _over(own: Slot, part: Slot, top: bool) -> Slot:
    kinds = own.node.kind, part.node.kind
    if kinds == ("mapping", "mapping"):
        return Slot(own.key, own.at, merged(own.node, part.node, top=False))
    if kinds == ("list", "list") and top and own.key == "faults":
        node = Node("list", own.node.at)
        for slot in (*part.node.slots, *own.node.slots):
            node.append(Slot(str(len(node.slots)), slot.at, slot.node))
        return Slot(own.key, own.at, node)
    return own


def not_a_mapping(root: Node) -> Problem:
    """What is wrong with a text that is YAML, and no mapping."""
    what = "a list" if root.kind == "list" else "nothing but a single value" if root.value is not None else "nothing"
    return Problem(root.at, f"a scenario is a mapping of keys, not {what}", "it begins with the line: version: 1")


def _spelt(root: Node, sources: Sources) -> list[Problem]:
    """Bring the arms under `expect` to their one spelling (`false` means `off`); a second spelling is a duplicate."""
    expect = root.find("expect")
    if expect is None or expect.node.kind != "mapping":
        return []
    first: dict[str, Slot] = {}
    problems = []
    for slot in expect.node.slots:
        slot.key = arm_name(slot.key)
        if slot.key in first:
            slot.dropped = True
            problems.append(duplicate(slot.key, slot.at, sources.named(first[slot.key].at, slot.at)))
        first.setdefault(slot.key, slot)
    return problems
