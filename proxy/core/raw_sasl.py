"""SASL tokens without Kafka's headers, as they follow a SaslHandshake of version 0.

A client that names its mechanism in version 0 sends its tokens as bare frames, length and token, and the broker
answers in the same way; from version 1 on they are SaslAuthenticate requests (KIP-152). How many tokens there are is
the mechanism's affair, so the first frame that begins like a request ends it: those of PLAIN, SCRAM, OAUTHBEARER and
GSSAPI begin with other bytes. Nothing of them is read or kept.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from ..kafka.apis import API_NAMES, api_key

SASL_HANDSHAKE = api_key("sasl_handshake")

GSSAPI = "GSSAPI"
NOT_THROUGH_US = (
    "A client asks for SASL with Kerberos (GSSAPI). Its tickets are for a broker's own host name, and fail under the"
    " proxy's: use another mechanism, or no proxy."
)

_BEGINNING = Struct(">ihhi")
_HIGHEST_VERSION = 40
"""Above every version that an API has had; what a token says in its place is mostly text, and larger."""


class RawSasl:
    """Whether a connection is in the middle of it. `told` hears of each beginning and end."""

    def __init__(self, told: Callable[[bool], None]) -> None:
        self._told = told
        self.going_on = False

    def handshake(self, version: int) -> None:
        """A SaslHandshake request has gone by."""
        if version == 0 and not self.going_on:
            self._set(True)

    def takes(self, head: memoryview) -> bool:
        """Whether the client's frame that begins like this is a token; a request ends it."""
        if self.going_on and begins_like_request(head):
            self._set(False)
        return self.going_on

    def _set(self, going_on: bool) -> None:
        self.going_on = going_on
        self._told(going_on)


def begins_like_request(head: bytes | bytearray | memoryview) -> bool:
    """Whether a frame that begins with these bytes (its length, API key, version and correlation id) is no token."""
    if len(head) < _BEGINNING.size:
        return False
    _, key, version, correlation_id = _BEGINNING.unpack_from(head)
    return key in API_NAMES and 0 <= version <= _HIGHEST_VERSION and correlation_id >= 0
