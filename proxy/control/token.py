"""The token of a control API: made at the start and written where only its user can read it, or given."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from ..errors import SurroundingsError, UsageError

VARIABLE = "ACKDROP_CONTROL_TOKEN"
_SHORTEST = 16
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


def made(path: Path) -> str:
    """A new token, in a new file of mode 0600. Raises SurroundingsError where it cannot be written."""
    token = secrets.token_urlsafe(32)
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(token + "\n")
    except OSError as error:
        raise SurroundingsError(
            f"the token could not be written to {path}: {error.strerror or error}",
            remedy="give one with --control-token-file, or in ACKDROP_CONTROL_TOKEN",
        ) from error
    return token


def read(path: Path) -> str:
    """The token in a file that nobody else can read. Raises UsageError."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(4096)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"the token file {path} cannot be read: {reason}") from error
    if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"others than you may read the token file {path}", remedy=f"chmod 600 {path}")
    return checked(content.decode("latin-1"), f"the token file {path}")


def checked(text: str, where: str) -> str:
    """The token in a text. Raises UsageError, which does not show it."""
    token = text.strip()
    if len(token) < _SHORTEST or not _TOKEN.fullmatch(token):
        raise UsageError(
            f"{where} holds no token: at least {_SHORTEST} letters, digits and -._~+/= in one line",
            remedy="make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token
