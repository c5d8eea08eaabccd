"""An archive of what Java has loaded: the embedded broker starts with the one that fits, and without any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ackdrop.broker import archives, embedded, preparing
from ackdrop.broker.jars import pinned, provide
from ackdrop.broker.java import find_java, version_of

pytestmark = pytest.mark.integration

Prepare = Callable[[], str]


@pytest.fixture
async def cache(embedded_broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, with the jars."""
    if await version_of(await find_java()) < archives.OLDEST:
        pytest.skip("this Java keeps nothing of what it loads")
    jars = await provide()
    monkeypatch.setenv("ACKDROP_CACHE", str(tmp_path))
    (tmp_path / "jars").mkdir()
    for jar in jars:
        shutil.copy2(jar, tmp_path / "jars" / jar.name)
    return tmp_path


@pytest.fixture
def prepare(cache: Path) -> Prepare:
    def call() -> str:
        command = [sys.executable, "-m", "ackdrop", "broker", "prepare"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout

    return call


async def used(archive: Path) -> bool:
    """Whether a broker that is started now has this in its memory; no warnings may stand in its log."""
    async with embedded.broker() as running:
        assert running.log_file is not None
        assert "[warning][aot" not in running.log_file.read_text()
        return str(archive) in {one.path for one in psutil.Process(running.pid).memory_maps()}


async def test_it_is_made_once_and_used_where_it_fits(cache: Path, prepare: Prepare) -> None:
    assert prepare() == f"Apache Kafka {pinned().kafka} is in {cache}, and starts quickly from now on.\n"
    (archive,) = (cache / "archives").glob("*.aot")
    made = archive.stat()
    assert sorted(path.name for path in archive.parent.iterdir()) == [archive.name, "lock"]
    assert await used(archive)

    assert "starts quickly already" in prepare()
    assert archive.stat().st_mtime_ns == made.st_mtime_ns

    jar = next((cache / "jars").iterdir())
    times = jar.stat().st_atime_ns, jar.stat().st_mtime_ns
    os.utime(jar, (1, 1))  # as one that was fetched again
    assert archives.fitting(await find_java(), await provide()) is None
    os.utime(jar, ns=times)
    assert archives.fitting(await find_java(), await provide()) == archive

    with archive.open("r+b") as file:  # Java says so, and does without
        file.truncate(made.st_size // 2)
    assert not await used(archive)


async def test_an_older_java_makes_none(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def older(java: Path) -> int:
        return 21

    monkeypatch.setattr(preparing, "version_of", older)
    assert await preparing.prepare() == preparing.Prepared(21, None)
    assert not (cache / "archives").exists()
