"""The control API of one `ackdrop proxy`, and the window through which anybody sees its metrics: opened before anything
else is begun, served while the proxy runs."""

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


@dataclass(frozen=True, slots=True)
class Window:
    """What listens for those who only look, and is not served yet."""

    address: ControlAddress
    sock: socket.socket


@dataclass(frozen=True, slots=True)
class Doors:
    """All that listens beside the proxy itself."""

    control: Door | None
    window: Window | None


@contextlib.contextmanager
def opened(control: ControlSettings | None, metrics: tuple[str, int] | None) -> Iterator[Doors]:
    """Listen, and have a token. Raises SurroundingsError where libraries are missing or a file cannot be written,
    UsageError for a token that is none, and ListenerError."""
    if control is not None or metrics is not None:
        check()
    with contextlib.ExitStack() as stack:
        window = None
        if metrics is not None:
            window = Window(*stack.enter_context(listening(ControlAddress(*metrics), "--metrics")))
        yield Doors(None if control is None else _control(control, stack), window)


def _control(settings: ControlSettings, stack: contextlib.ExitStack) -> Door:
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
    return Door(address, sock, text, made)


@contextlib.asynccontextmanager
async def served(doors: Doors | None, handle: Handle, say: Say) -> AsyncIterator[None]:
    """While inside, metrics are shown, the API answers, and `ackdrop ctl` of this user finds it."""
    if doors is None or (doors.control is None and doors.window is None):
        yield
        return
    from ...control.app import application, window

    async with trio.open_nursery() as nursery:
        with contextlib.ExitStack() as stack:
            if doors.window is not None:
                await nursery.start(serve, window(handle), doors.window.sock)
                say(f"  metrics at http://{doors.window.address}/metrics, and /health, for anybody who reaches it")
            if doors.control is not None:
                await nursery.start(serve, application(handle, doors.control.token), doors.control.sock)
                stack.enter_context(_told(doors.control, handle, say))
            yield
        nursery.cancel_scope.cancel()


@contextlib.contextmanager
def _told(door: Door, handle: Handle, say: Say) -> Iterator[None]:
    about = handle.about()
    made = None if door.made is None else str(door.made)
    with found.told(found.Found(about.pid, str(door.address), made, about.listen, about.bootstrap)):
        say(f"  control API at {door.address}{'' if made is None else f', its token is in {made}'}")
        say("  look at it, and change its faults, with: ackdrop ctl")
        yield
