"""The pinned list and the cache of jars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ackdrop.broker import jars
from ackdrop.broker.jars import Jar, cache_folder, pinned, provide
from ackdrop.errors import BrokerError

if TYPE_CHECKING:
    from .conftest import Repository


def test_the_list_pins_kafka_its_logger_binding_and_every_hash() -> None:
    pin = pinned()
    names = [jar.artifact for jar in pin.jars]
    assert len(set(names)) == len(names)
    assert {"kafka_2.13", "kafka-clients", "log4j-core", "log4j-slf4j-impl"} <= set(names)
    assert {jar.version for jar in pin.jars if jar.artifact == "kafka_2.13"} == {pin.kafka}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size > 0 for jar in pin.jars)


def test_the_binding_and_log4j_are_of_one_version() -> None:
    assert len({jar.version for jar in pinned().jars if jar.group == "org.apache.logging.log4j"}) == 1


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACKDROP_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ACKDROP_CACHE")
    assert cache_folder().name == "ackdrop"


async def test_what_is_missing_is_downloaded_once(
    two_jars: tuple[Jar, Jar], repository: Repository, cache: Path
) -> None:
    paths = await provide()
    assert paths == [cache / "one-1.jar", cache / "two-1.jar"]
    assert [path.stat().st_size for path in paths] == [100_000, 300_000]
    asked = list(repository.asked)
    assert await provide() == paths
    assert repository.asked == asked


async def test_a_damaged_jar_is_noticed_and_replaced(two_jars: tuple[Jar, Jar], cache: Path) -> None:
    await provide()
    (cache / "two-1.jar").write_bytes(b"3" * 300_000)
    await provide()
    assert (cache / "two-1.jar").read_bytes() == b"2" * 300_000


async def test_progress_is_not_called_when_nothing_is_missing(two_jars: tuple[Jar, Jar]) -> None:
    await provide()
    calls: list[tuple[int, int]] = []
    await provide(lambda done, total: calls.append((done, total)))
    assert calls == []


async def test_without_the_extra_the_error_says_how_to_install_it(
    two_jars: tuple[Jar, Jar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BrokerError, match="2 of the embedded broker's 2 jars are missing") as caught:
        await provide()
    assert caught.value.remedy == "pip install 'ackdrop[embedded]'"


async def test_a_cache_that_cannot_be_read_is_told(
    two_jars: tuple[Jar, Jar], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ACKDROP_CACHE", str(tmp_path / "file"))
    with pytest.raises(BrokerError, match="cannot be read: Not a directory"):
        await provide()
