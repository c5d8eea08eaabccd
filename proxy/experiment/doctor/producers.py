"""Which producers can run: whether each one's library is installed, and can be imported."""

from __future__ import annotations

import sys

import trio

from ...clients import CLIENTS, Client
from ...workload.child import environment
from .checks import Check
from .installed import version_of

WITHIN = 4.0


async def producers() -> list[Check]:
    """All producers that ackdrop knows, in a process each, as they run."""
    found: dict[str, Check] = {}

    async def one(client: Client) -> None:
        found[client.name] = await _one(client)

    async with trio.open_nursery() as nursery:
        for client in CLIENTS.values():
            nursery.start_soon(one, client)
    return [found[name] for name in CLIENTS]


async def _one(client: Client) -> Check:
    version = version_of(client.library)
    facts = {"library": client.library, "version": version}
    if version is None:
        return Check("producers", client.name, "note", "not installed", client.remedy(None), facts)
    problem = await _problem(client.module)
    if problem is None:
        return Check("producers", client.name, "ok", f"{client.library} {version}", None, facts)
    text = f"{client.library} {version} is installed, and cannot be imported: {problem}"
    return Check("producers", client.name, "warning", text, client.remedy(None), {**facts, "problem": problem})


async def _problem(module: str) -> str | None:
    """Why the module cannot be imported, None where it can be."""
    with trio.move_on_after(WITHIN):
        done = await trio.run_process(
            [sys.executable, "-P", "-c", f"import {module}"],
            env=environment(),
            stdin=b"",
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return None if done.returncode == 0 else said[-1] if said else f"exit code {done.returncode}"
    return f"no end within {WITHIN:g} s"
