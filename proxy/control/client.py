"""What `ackdrop ctl` asks a control API with: the standard library's HTTP, over TCP or a Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import AckdropError, SurroundingsError, UsageError
from .address import ControlAddress

PATIENCE = 10.0
"""Seconds for an answer."""


class _Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Client:
    """One control API. Every call is one request; all raise AckdropError where the answer is no success."""

    def __init__(self, address: ControlAddress, token: str | None) -> None:
        self._address = address
        self._token = token

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """The answer's JSON, its text where it is none, None where it is empty.

        Raises SurroundingsError where nobody answers or the answer makes no sense, and UsageError for what the API
        refuses, with its own words.
        """
        status, text, kind = self._exchange(method, path, body)
        if not text:
            found = None
        elif kind.startswith("application/json"):
            try:
                found = json.loads(text)
            except ValueError as error:
                raise SurroundingsError(f"what answers at {self._address} is no control API: {error}") from error
        else:
            found = text.decode("utf-8", "replace")
        if 200 <= status < 300:
            return found
        raise self._refusal(status, found)

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        address = self._address
        connection = (
            http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE)
            if address.path is None
            else _Unix(address.path)
        )
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/yaml"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except (OSError, http.client.HTTPException) as error:
            raise SurroundingsError(
                f"no control API answers at {address}: {getattr(error, 'strerror', None) or error or 'no answer'}",
                remedy="start one with: ackdrop proxy --control 127.0.0.1:9191 ...",
            ) from error
        finally:
            connection.close()

    def _refusal(self, status: int, found: Any) -> AckdropError:
        if not isinstance(found, dict) or not isinstance(found.get("error"), str):
            return SurroundingsError(f"what answers at {self._address} is no control API: it says {status}")
        remedy = found.get("remedy")
        if status == 401:
            remedy = "name the file of its token with --token-file, or set ACKDROP_CONTROL_TOKEN"
        kind = UsageError if status < 500 else SurroundingsError
        return kind(found["error"], remedy=remedy if isinstance(remedy, str) else None)


def fault_path(name: str, what: str = "") -> str:
    """The path of a fault, or of what is done to it."""
    return f"/v1/faults/{quote(name, safe='')}{what}"
