"""Archives of the broker's classes as Java has them once they are loaded: with one it starts in half the time.

Java 25 and newer writes such an archive at the end of a run (JEP 514, an AOT cache), some 65 MB. It is good for that
Java, these jars and no others; Java itself looks whether it fits, and starts without it where not. One is made when
somebody asks for it (`preparing`), since that takes longer than the next starts save.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from .jars import cache_folder

OLDEST = 25
"""The first Java that writes one."""


def fitting(java: Path, jars: Sequence[Path]) -> Path | None:
    """The archive that was made for this Java and these jars, if any was."""
    path = place(java, jars)
    return path if path.exists() else None


def place(java: Path, jars: Iterable[Path]) -> Path:
    """Where that is, or would be: named by what Java holds it against, itself, and each jar's place, size and time."""
    modules = java.resolve().parent.parent / "lib" / "modules"
    told = [f"{each} {state.st_size} {state.st_mtime_ns}" for each in (modules, *jars) for state in _state(each)]
    name = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return cache_folder() / "archives" / f"{name}.aot"


def _state(path: Path) -> list[os.stat_result]:
    """What the file system says of a file; nothing of one that is not there."""
    try:
        return [path.stat()]
    except OSError:
        return []
