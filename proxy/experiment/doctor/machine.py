"""The machine: its system, limits, room on the disk, ports, terminal, and settings that change what ackdrop does."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
import trio

from ...broker.ports import is_free
from ...relay.descriptors import EACH, MOST, SPARE
from .checks import Check, at_home

LITTLE_ROOM = 1 << 30
"""Bytes below which an embedded broker and a run's ledger may fill the disk."""
FEW_CLIENTS = 100
PORTS = {19092: "where `ackdrop proxy` listens", 9191: "the control API, as the documents name it"}
_OF_CONTAINERS = ("/.dockerenv", "/run/.containerenv")
_OTHERS = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "JAVA_HOME"),
    *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "PYTHONPATH", "PYTHONHOME", "NO_COLOR", "FORCE_COLOR"),
)


async def system() -> list[Check]:
    """The operating system, and how much of a machine it is."""
    memory = psutil.virtual_memory()
    inside = any(map(os.path.exists, _OF_CONTAINERS)) or "KUBERNETES_SERVICE_HOST" in os.environ
    facts = {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "memory": memory.total,
        "available": memory.available,
        "container": inside,
    }
    sizes = f"{os.cpu_count()} CPUs, {_gib(memory.available)} of {_gib(memory.total)} free"
    return [Check("machine", "system", "ok", f"{facts['system']}{', in a container' * inside}; {sizes}", None, facts)]


async def descriptors() -> list[Check]:
    """For how many clients a proxy has file descriptors, once it has raised its limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    clients = max(0, (most - SPARE) // EACH)
    facts = {"soft": soft, "hard": hard, "clients": clients}
    text = f"enough for {clients:,} clients of a proxy at a time"
    if clients >= FEW_CLIENTS:
        return [Check("machine", "descriptors", "ok", text, None, facts)]
    return [Check("machine", "descriptors", "warning", text, "raise the hard limit: ulimit -Hn", facts)]


async def disk() -> list[Check]:
    """Where runs, and embedded brokers, write."""
    found = []
    for name, folder in (("disk here", Path.cwd()), ("disk for brokers", Path(tempfile.gettempdir()))):
        free = (await trio.to_thread.run_sync(shutil.disk_usage, folder)).free
        facts = {"folder": at_home(folder), "free": free, "writable": os.access(folder, os.W_OK)}
        text = f"{_gib(free)} free in {facts['folder']}"
        if not facts["writable"]:
            found.append(Check("machine", name, "warning", f"{text}, which cannot be written", "name --out DIR", facts))
        elif free < LITTLE_ROOM:
            found.append(
                Check("machine", name, "warning", text, "make room: a full disk makes runs inconclusive", facts)
            )
        else:
            found.append(Check("machine", name, "ok", text, None, facts))
    return found


async def ports() -> list[Check]:
    """The ports that ackdrop takes where no other is named."""
    found = []
    for port, what in PORTS.items():
        free = await trio.to_thread.run_sync(is_free, port)
        facts = {"port": port, "free": free}
        if free:
            found.append(Check("machine", f"port {port}", "ok", f"free ({what})", None, facts))
        else:
            remedy = "another one with --listen, as in --listen 127.0.0.1:0" if port == 19092 else None
            found.append(Check("machine", f"port {port}", "note", f"taken ({what})", remedy, facts))
    return found


async def terminal() -> list[Check]:
    """How text is shown."""
    encoding = (sys.stdout.encoding or "unknown").lower()
    facts = {
        "encoding": encoding,
        "terminal": sys.stdout.isatty(),
        "TERM": os.environ.get("TERM"),
        "columns": shutil.get_terminal_size().columns,
        "file_names": sys.getfilesystemencoding(),
    }
    text = f"{encoding}, {'a terminal' if facts['terminal'] else 'no terminal'}"
    if encoding.replace("-", "") == "utf8":
        return [Check("machine", "output", "ok", text, None, facts)]
    return [Check("machine", "output", "note", f"{text}: signs are shown in ASCII", "set LC_ALL=C.UTF-8", facts)]


async def settings() -> list[Check]:
    """The names of variables that change what ackdrop does. Their values may be secret, and are told nowhere."""
    ours = sorted(name for name in os.environ if name.startswith("ACKDROP_"))
    names = [*ours, *(name for name in _OTHERS if name in os.environ)]
    text = f"set (values are not shown): {', '.join(names)}" if names else "no variable that changes anything is set"
    return [Check("machine", "settings", "ok", text, None, {"names": names})]


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
