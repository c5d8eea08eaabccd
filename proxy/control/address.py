"""Where a control API listens: HOST:PORT on loopback, or `unix:PATH`. Anywhere else it is refused."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from ..errors import UsageError

_TCP = re.compile(r"(?:\[(?P<six>[^\[\]\s]+)\]|(?P<host>[^\[\]:,\s]+)):(?P<port>[0-9]{1,5})")
REMEDY = "name a port of loopback, as in 127.0.0.1:9191, or a socket, as in unix:/run/user/1000/ackdrop.sock"


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """`path` is set for a Unix socket, `host` and `port` for loopback; port 0 is any free one."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(text: str) -> ControlAddress:
    """The address that is written like this. Raises UsageError for any but loopback and a Unix socket."""
    kind, _, path = text.partition(":")
    if kind == "unix":
        if not path or "\0" in path:
            raise UsageError(f"{text!r} names no socket", remedy=REMEDY)
        return ControlAddress(path=Path(path).absolute())
    match = _TCP.fullmatch(text.strip())
    if match is None or int(match["port"]) > 65535:
        raise UsageError(f"{text!r} is neither HOST:PORT nor unix:PATH", remedy=REMEDY)
    host = match["six"] or match["host"]
    if not _is_loopback(host):
        raise UsageError(f"{host} is not loopback, and the control API listens nowhere else", remedy=REMEDY)
    return ControlAddress(host, int(match["port"]))


def _is_loopback(host: str) -> bool:
    """Whether every address of this host is one of loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        found = {each[4][0] for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{host}: no such host", remedy=REMEDY) from error
    return bool(found) and all(ip_address(str(each).partition("%")[0]).is_loopback for each in found)
