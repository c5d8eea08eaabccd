"""The control API of one `ackdrop proxy`: opened before anything else is begun, served while the proxy runs."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import trio

from ...control import found, token
from ...control.address import ControlAddress
from ...control.port import Handle
from ...control.serve import check, listening, serve
from ..settings import ControlSettings, Say


@dataclass(frozen=True, slots=True)
class Door:
    """A control API that listens and is not served yet. `made` is the file of a token that was made."""

    address: ControlAddress
    sock: socket.socket
    token: str
    made: Path | None


@contextlib.contextmanager
def opened(settings: ControlSettings | None) -> Iterator[Door | None]:
    """Listen, and have a token. Raises SurroundingsError where libraries are missing or a file cannot be written,
    UsageError for a token that is none, and ListenerError."""
    if settings is None:
        yield None
        return
    check()
    with contextlib.ExitStack() as stack:
        made = None
        if settings.token is not None:
            text = token.checked(settings.token, token.VARIABLE)
        elif settings.token_file is not None:
            text = token.read(settings.token_file)
        else:
            made = found.folder() / f"{os.getpid()}.token"
            text = token.made(made)
            stack.callback(made.unlink, missing_ok=True)
        address, sock = stack.enter_context(listening(settings.address))
        yield Door(address, sock, text, made)


@contextlib.asynccontextmanager
async def served(door: Door | None, handle: Handle, say: Say) -> AsyncIterator[None]:
    """While inside, the API answers, and `ackdrop ctl` of this user finds it."""
    if door is None:
        yield
        return
    about = handle.about()
    made = None if door.made is None else str(door.made)
    one = found.Found(about.pid, str(door.address), made, about.listen, about.bootstrap)
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, handle, door.token, door.sock)
        with found.told(one):
            say(f"  control API at {door.address}{'' if made is None else f', its token is in {made}'}")
            say("  look at it, and change its faults, with: ackdrop ctl")
            yield
        nursery.cancel_scope.cancel()
