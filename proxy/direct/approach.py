"""How a broker is approached: with TLS or without, and whom ackdrop says it is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Self

from ..security import Sasl, Security


@dataclass(frozen=True, slots=True)
class Approach:
    """Without `context` no TLS is spoken, without `sasl` nobody is named. `server_name`, where given, is what every
    broker's certificate has to be for, instead of the host that it is known by."""

    context: ssl.SSLContext | None = None
    server_name: str | None = None
    sasl: Sasl | None = None

    @classmethod
    def of(cls, security: Security) -> Self:
        """Reads the files. Raises UsageError for one that cannot be used."""
        tls = security.tls
        if tls is None:
            return cls(sasl=security.sasl)
        return cls(tls.context(), tls.server_name, security.sasl)


PLAINLY = Approach()
"""Without TLS, and without a name."""
