"""The embedded broker's jars: pinned with their hashes in `jars.json`, kept in a cache of the user's own.

Environment: `ACKDROP_CACHE` is another folder for the cache, `ACKDROP_MAVEN_REPO` the URL of another Maven repository
(a company's mirror, say); the usual `HTTPS_PROXY` is honoured. Whatever the source, the hashes decide.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path

import trio

from ..errors import BrokerError
from .running import Progress

LIST = Path(__file__).with_name("jars.json")
EXTRA = "pip install 'ackdrop[embedded]'"


@dataclass(frozen=True, slots=True)
class Jar:
    """One published jar: its Maven coordinates, and what its bytes must be. `size` is in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def coordinates(self) -> str:
        """`org.apache.kafka:kafka-clients:4.3.1`."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True, slots=True)
class Pin:
    """The pinned set: Kafka's version and every jar that it takes to run it."""

    kafka: str
    jars: tuple[Jar, ...]


@functools.cache
def pinned() -> Pin:
    """The set that this version of ackdrop runs."""
    read = json.loads(LIST.read_text(encoding="ascii"))
    return Pin(read["kafka"], tuple(Jar(**jar) for jar in read["jars"]))


def cache_folder() -> Path:
    """The user's cache: `ACKDROP_CACHE`, or where this operating system keeps caches."""
    import platformdirs

    return Path(os.environ.get("ACKDROP_CACHE") or platformdirs.user_cache_dir("ackdrop")).absolute()


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_sound(path: Path, jar: Jar) -> bool:
    """Is this file, byte for byte, the pinned jar?"""
    try:
        return path.stat().st_size == jar.size and sha256_of(path) == jar.sha256
    except FileNotFoundError:
        return False


async def provide(progress: Progress | None = None) -> list[Path]:
    """Every pinned jar, checked byte for byte; what is missing or damaged is downloaded first.

    Raises BrokerError without the `embedded` extra, without a network, and for bytes that are not the pinned ones.
    """
    folder = cache_folder() / "jars"
    jars = pinned().jars
    missing = await trio.to_thread.run_sync(_missing, folder, jars)
    if missing:
        _require_jgo(len(missing), len(jars))
        from .download import download

        await download(folder, missing, progress)
    return [folder / jar.name for jar in jars]


def _missing(folder: Path, jars: tuple[Jar, ...]) -> list[Jar]:
    """The jars that are not there, or not as they must be: a damaged file counts as missing and is replaced."""
    try:
        return [jar for jar in jars if not is_sound(folder / jar.name, jar)]
    except OSError as error:
        raise BrokerError(
            f"the cache folder {folder} cannot be read: {error.strerror}",
            remedy="make it readable or give another folder with ACKDROP_CACHE",
        ) from error


def _require_jgo(missing: int, all_of_them: int) -> None:
    """BrokerError where the package that fetches jars is not installed."""
    if importlib.util.find_spec("jgo") is None:
        raise BrokerError(
            f"{missing} of the embedded broker's {all_of_them} jars are missing, and jgo, which fetches them,"
            " is not installed",
            remedy=EXTRA,
        )
