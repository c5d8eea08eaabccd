"""A scenario file, read: `load()` gives a valid `Scenario` or every error of the file at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .expand import expanded
from .include import Reader
from .models import Scenario
from .problems import Diagnostic, Problem, Refusal, Sources
from .reading import LIMIT, content_of, slug

__all__ = ["LIMIT", "Examined", "examine", "examine_text", "load", "parse"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file means: one scenario, or one for each combination of its matrix; and what was found in it.

    With an error among `diagnostics` there are no scenarios. `files` are those that it is made of, and those that it
    names though they are not there.
    """

    scenarios: Sequence[Scenario] = ()
    diagnostics: Sequence[Diagnostic] = field(default_factory=list)
    files: tuple[Path, ...] = ()

    def errors(self) -> list[Diagnostic]:
        """What makes it no scenario."""
        return [found for found in self.diagnostics if found.severity == "error"]

    def warnings(self) -> list[Diagnostic]:
        """What can never fire, or never hold."""
        return [found for found in self.diagnostics if found.severity == "warning"]


def load(source: Path | str, sets: Sequence[str] = ()) -> Scenario:
    """The scenario in a file (a `Path`) or in a text (a `str`); of a matrix its first combination.

    `sets` are what `--set` gives. Raises ScenarioError with every problem.
    """
    if isinstance(source, str):
        return parse(source.encode("utf-8", "surrogatepass"), sets=sets)
    return _valid(examine(source, sets)).scenarios[0]


def parse(content: bytes, *, file: str | None = None, name: str = "scenario", sets: Sequence[str] = ()) -> Scenario:
    """The scenario in the bytes of a file. Raises ScenarioError with every problem."""
    return _valid(_examined(content, file, None, name, sets)).scenarios[0]


def examine(path: Path, sets: Sequence[str] = (), *, whole: bool = False) -> Examined:
    """All that can be said of a file. With `whole` the content of its scenarios is always made anew."""
    try:
        content = content_of(path, str(path))
    except Refusal as refusal:
        return Examined((), refusal.diagnostics, (path,))
    return _examined(content, str(path), path, slug(path), sets, whole)


def examine_text(content: bytes, sets: Sequence[str] = ()) -> Examined:
    """All that can be said of a text that is no file."""
    return _examined(content, None, None, "scenario", sets)


def effective(path: Path, sets: Sequence[str] = ()) -> list[str]:
    """What is run, as texts of files that mean it alone: one for each combination. Raises ScenarioError."""
    return [scenario.content.decode() for scenario in _valid(examine(path, sets, whole=True)).scenarios]


def _valid(examined: Examined) -> Examined:
    errors = examined.errors()
    if errors:
        raise Refusal(errors)
    return examined


def _examined(
    content: bytes, file: str | None, path: Path | None, name: str, sets: Sequence[str], whole: bool = False
) -> Examined:
    sources = Sources()
    reader = Reader(sources)
    try:
        root = reader.tree(file or "scenario", content, path)
    except Refusal as refusal:
        return Examined((), refusal.diagnostics, _files(path, reader))
    scenarios: list[Scenario] = []
    problems: list[Problem] = reader.problems
    if root is not None:
        changed = bool(reader.parts or sets or whole)
        scenarios, found = expanded(root, sources, sets, file=file, name=name, content=None if changed else content)
        problems = problems + found
    if any(problem.severity == "error" for problem in problems):
        scenarios, problems = [], [problem for problem in problems if problem.severity == "error"]
    return Examined(scenarios, sources.diagnostics(problems), _files(path, reader))


def _files(path: Path | None, reader: Reader) -> tuple[Path, ...]:
    return tuple(dict.fromkeys([*([] if path is None else [path]), *reader.files]))
