"""ackdrop itself: its version, its Python, whether its loop is compiled, its libraries and its extras."""

from __future__ import annotations

import platform
import re
import sys
from importlib import metadata
from pathlib import Path

import trio

from ... import __version__
from ...clients import CLIENTS
from .checks import Check, at_home

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")
_FOR_USERS = {
    "embedded": "an embedded Apache Kafka: no broker, Java or Docker is needed then",
    **{client.extra: f"the producer {client.name}" for client in CLIENTS.values() if client.extra},
    "control": "the control API and metrics of `ackdrop proxy`, and `ackdrop ctl`",
}
"""The extras that people install, and what each is for."""


async def ourselves() -> list[Check]:
    """Which ackdrop it is, and whether its loop is compiled."""
    from ...core.scan import COMPILED

    folder = at_home(Path(__file__).parent.parent.parent)
    facts = {"version": __version__, "folder": folder, "compiled": COMPILED}
    if COMPILED:
        return [Check("ackdrop", "ackdrop", "ok", f"{__version__} in {folder}, its loop compiled", None, facts)]
    text = f"{__version__} in {folder}, its loop not compiled: it does the same, and costs more a frame"
    return [Check("ackdrop", "ackdrop", "note", text, "install a C compiler, and ackdrop again", facts)]


async def python() -> list[Check]:
    """The interpreter."""
    facts = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": at_home(sys.executable),
        "virtual": sys.prefix != sys.base_prefix,
    }
    kind = "" if facts["implementation"] == "CPython" else f"{facts['implementation']} "
    where = f"{facts['executable']}{'' if facts['virtual'] else ', no virtual environment'}"
    return [Check("ackdrop", "Python", "ok", f"{kind}{facts['version']}: {where}", None, facts)]


async def libraries() -> list[Check]:
    """The libraries that ackdrop always needs."""
    found = await trio.to_thread.run_sync(_versions, None)
    missing = [name for name, version in found.items() if version is None]
    if missing:
        text = f"not installed: {', '.join(missing)}"
        return [Check("ackdrop", "libraries", "warning", text, "pip install ackdrop", dict(found))]
    text = ", ".join(f"{name} {version}" for name, version in found.items()) or "not known: it was not installed by pip"
    return [Check("ackdrop", "libraries", "ok", text, None, dict(found))]


async def extras() -> list[Check]:
    """What can be installed beside."""
    found = []
    for extra, what in _FOR_USERS.items():
        versions = await trio.to_thread.run_sync(_versions, extra)
        there = [f"{name} {version}" for name, version in versions.items() if version is not None]
        name = f"extra {extra}"
        if versions and len(there) == len(versions):
            found.append(Check("ackdrop", name, "ok", ", ".join(there), None, dict(versions)))
            continue
        text = f"not installed ({what})" if not there else f"only {', '.join(there)} ({what})"
        found.append(Check("ackdrop", name, "note", text, f"pip install 'ackdrop[{extra}]'", dict(versions)))
    return found


def _versions(extra: str | None) -> dict[str, str | None]:
    """The libraries of an extra, None for those that always come; each with its version, None where it is missing."""
    try:
        requirements = metadata.requires("ackdrop") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, str | None] = {}
    for text in requirements:
        name, belongs = _REQUIREMENT.match(text), _EXTRA.search(text)
        if name is not None and (belongs["extra"] if belongs else None) == extra:
            found[name["name"]] = version_of(name["name"])
    return found


def version_of(name: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
