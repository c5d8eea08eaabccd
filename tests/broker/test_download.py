"""Downloading jars, from a Maven repository on loopback."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from ackdrop.broker import download
from ackdrop.broker.jars import Jar, provide
from ackdrop.broker.ports import held
from ackdrop.errors import BrokerError

if TYPE_CHECKING:
    from .conftest import Repository


# jgo does not close an answer that it does not read to its end: a 404, a download that is stopped.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(download, "BACKOFF", 0.0)
    yield
    gc.collect()  # so that what jgo left open is closed in the test that it belongs to


def nothing_but_jars(cache: Path) -> bool:
    return all(path.suffix == ".jar" for path in cache.iterdir())


async def test_progress_grows_up_to_the_whole(two_jars: tuple[Jar, Jar], cache: Path) -> None:
    calls: list[tuple[int, int]] = []
    await provide(lambda done, total: calls.append((done, total)))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert {total for _, total in calls} == {400_000}
    assert calls[-1] == (400_000, 400_000)
    assert nothing_but_jars(cache)


async def test_another_file_than_the_pinned_one_is_refused(
    two_jars: tuple[Jar, Jar], repository: Repository, cache: Path
) -> None:
    repository.publish("two", b"4" * 300_000)
    with pytest.raises(BrokerError, match=rf"com.example:two:1 came with the SHA-256 .* and {two_jars[1].sha256}") as e:
        await provide()
    assert "ACKDROP_MAVEN_REPO" in (e.value.remedy or "")
    assert not (cache / "two-1.jar").exists()
    assert nothing_but_jars(cache)


async def test_a_jar_that_is_not_published_there_is_named(
    two_jars: tuple[Jar, Jar], repository: Repository, cache: Path
) -> None:
    repository.files = {path: data for path, data in repository.files.items() if "two" not in path}
    with pytest.raises(BrokerError, match=r"com\.example:two:1 could not be downloaded"):
        await provide()
    assert nothing_but_jars(cache)


async def test_without_a_network_the_jar_and_the_remedy_are_named(
    two_jars: tuple[Jar, Jar], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(1) as [port]:
        monkeypatch.setenv("ACKDROP_MAVEN_REPO", f"http://127.0.0.1:{port}")
        with pytest.raises(BrokerError, match=r"com.example:(one|two):1 could not be downloaded: .*refused") as caught:
            await provide()
    assert "check the network" in (caught.value.remedy or "")
    assert nothing_but_jars(cache)


async def test_a_hiccup_is_tried_again(
    two_jars: tuple[Jar, Jar], repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = download._resolve, []

    def once_broken(jar: Jar, *rest: object) -> Path:
        if jar.name not in failed:
            failed.append(jar.name)
            raise ConnectionResetError("reset")
        return real(jar, *rest)

    monkeypatch.setattr(download, "_resolve", once_broken)
    assert len(await provide()) == 2
    assert len(failed) == 2


async def test_two_downloads_at_once_do_not_meet(two_jars: tuple[Jar, Jar], cache: Path) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(provide)
        nursery.start_soon(provide)
    assert sorted(os.listdir(cache)) == ["one-1.jar", "two-1.jar"]


def test_what_a_killed_download_left_behind_is_removed(two_jars: tuple[Jar, Jar], cache: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (cache / f".part-{ended.pid}-x").mkdir(parents=True)
    (cache / f".part-{os.getpid()}-x").mkdir()
    trio.run(provide)
    assert not (cache / f".part-{ended.pid}-x").exists()
    assert (cache / f".part-{os.getpid()}-x").exists()


async def test_a_cancelled_download_leaves_nothing(two_jars: tuple[Jar, Jar], cache: Path) -> None:
    with trio.CancelScope() as scope:
        await provide(lambda done, total: scope.cancel())
    assert scope.cancelled_caught
    assert nothing_but_jars(cache)


async def test_a_cancelled_download_that_waits_for_the_network_cleans_up_when_it_comes(
    two_jars: tuple[Jar, Jar], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "STOPPED_WITHIN", 0.01)
    waiting, network, ended = threading.Barrier(3), threading.Event(), threading.Barrier(3)
    real, real_thread = download._resolve, download._in_thread

    def slow(*arguments: Any) -> Path:
        waiting.wait(10)
        network.wait(10)
        return real(*arguments)

    def thread(*arguments: Any) -> None:
        try:
            real_thread(*arguments)
        finally:
            ended.wait(10)

    monkeypatch.setattr(download, "_resolve", slow)
    monkeypatch.setattr(download, "_in_thread", thread)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(provide)
            await trio.to_thread.run_sync(waiting.wait, 10)
            scope.cancel()
    assert os.listdir(cache) == []
    network.set()
    await trio.to_thread.run_sync(ended.wait, 10)
    assert os.listdir(cache) == []
