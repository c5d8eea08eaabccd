"""Which scenario files an argument of the command line means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .complaint import nearest
from .models import Scenario
from .problems import Refusal

if TYPE_CHECKING:
    from .load import Examined

_SUFFIXES = (".yaml", ".yml")


def load_all(arguments: Iterable[str | Path], sets: Sequence[str] = ()) -> list[Scenario]:
    """The scenarios that the arguments of a command mean: see `examine_all`."""
    return list(examine_all(arguments, sets).scenarios)


def examine_all(arguments: Iterable[str | Path], sets: Sequence[str] = ()) -> Examined:
    """The scenarios that the arguments of a command mean, each file once, in their order, and their warnings.

    `sets` are what `--set` gives, to every file. Raises UsageError for an argument that means nothing, and one
    ScenarioError with the problems of all files.
    """
    from .load import Examined, examine

    files = dict.fromkeys(path for argument in arguments for path in find(argument))
    found = [examine(path, sets) for path in files]
    errors = [error for examined in found for error in examined.errors()]
    if errors:
        raise Refusal(errors)
    scenarios = [scenario for examined in found for scenario in examined.scenarios]
    return Examined(scenarios, [warning for examined in found for warning in examined.warnings()])


def find(argument: str | Path) -> list[Path]:
    """The files that a shipped name, a file or a folder means; a folder's own files by name, not those below it.

    A shipped name wins over a file or folder of that name in the working folder, which `./NAME` reaches.
    Raises UsageError where there is nothing of that name, and for a folder without scenarios.
    """
    shipped_files = {path.stem: path for path in shipped()}
    if str(argument) in shipped_files:
        return [shipped_files[str(argument)]]
    path = Path(argument)
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.exists() or path.is_symlink():  # a link that leads nowhere: what reads it says why
            return [path]
    except (OSError, ValueError) as error:
        raise UsageError(f"{argument}: {_reason(error)}") from error
    near = nearest(path.name.removesuffix(".yaml"), shipped_files)
    remedy = f"Did you mean {near}? " if near else ""
    raise UsageError(
        f"{argument}: no such file or folder, and no scenario of that name is shipped",
        remedy=f"{remedy}Shipped are: {', '.join(shipped_files)}.",
    )


def shipped() -> list[Path]:
    """The scenarios that come with ackdrop, by name: inside the package, or beside its folder in a checkout."""
    package = Path(str(files(__package__.partition(".")[0])))
    inside = package / "scenarios"
    return _scenarios(inside if inside.is_dir() else package.parent / "scenarios")


def _in_folder(folder: Path) -> list[Path]:
    found = _scenarios(folder)
    if not found:
        raise UsageError(
            f"{folder}: no scenario in this folder",
            remedy="A scenario is a file whose name ends in .yaml or .yml; folders below are not searched.",
        )
    return found


def _scenarios(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.suffix in _SUFFIXES and not path.is_dir())
    return sorted((path for path in found if not path.name.startswith(".")), key=lambda path: (path.stem, path.name))


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
