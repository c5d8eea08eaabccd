"""The server of a control API, and of the window: Hypercorn on trio, on a socket of our own making.

It begins once it listens, and ends when it is cancelled. Its libraries are imported here and nowhere sooner.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import trio

from ..errors import ListenerError, SurroundingsError
from .address import ControlAddress
from .guard import App

MISSING = "pip install 'ackdrop[control]'"


def check() -> None:
    """Raises SurroundingsError where the libraries of the extra `control` are missing, with what installs them."""
    try:
        import fastapi  # noqa: F401
        import hypercorn.trio  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise SurroundingsError(
            f"the control API and metrics need {error.name}, which is not installed", remedy=MISSING
        ) from error


@contextlib.contextmanager
def listening(address: ControlAddress, option: str = "--control") -> Iterator[tuple[ControlAddress, socket.socket]]:
    """The address with its port, and a socket that listens there. Raises ListenerError, which names the option.

    A Unix socket is its user's alone, and goes with the server; one that nobody listens on any more is replaced.
    """
    sock = _unix(address.path) if address.path is not None else _tcp(address, option)
    made = None if address.path is None else os.stat(address.path).st_ino
    try:
        yield (address if address.path is not None else replace(address, port=sock.getsockname()[1])), sock
    finally:
        sock.close()
        if address.path is not None:
            with contextlib.suppress(OSError):
                if os.stat(address.path).st_ino == made:
                    os.unlink(address.path)


async def serve(app: App, sock: socket.socket, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve until cancelled."""
    from .clients import Clients

    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock.dup()))
    await trio.serve_listeners(Clients(app).serve, [listener], task_status=_Begun(task_status))


class _Begun:
    """Tells that it listens, without the listeners."""

    def __init__(self, status: trio.TaskStatus[None]) -> None:
        self._status = status

    def started(self, value: object = None) -> None:
        self._status.started()


def _tcp(address: ControlAddress, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        sock = socket.create_server((address.host, address.port), family=family, backlog=100)
    except OSError as error:
        raise _cannot(address, error, option) from error
    sock.setblocking(False)
    return sock


def _unix(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen(100)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise _cannot(ControlAddress(path=path), error, "--control") from error
    return sock


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more; anything else is left, and binding fails."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    os.unlink(path)


def _cannot(address: ControlAddress, error: OSError, option: str) -> ListenerError:
    what = "the control API" if option == "--control" else "what serves metrics"
    return ListenerError(
        f"{what} cannot listen on {address}: {error.strerror or error}",
        remedy=f"choose another address with {option}, or port 0 for any free one",
    )
