"""What a client says to prove who it is, token by token: SASL's mechanisms, without the messages that carry them.

A conversation is a generator: it gives a token, is sent the broker's answer, and ends when all is said. User names
and passwords go as UTF-8 just as they are: brokers and their clients do not prepare them (RFC 4013), so neither may we.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator

from ..errors import WireError

Tokens = Generator[bytes, bytes, None]

_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_NO_BINDING = "n,,"
"""GS2's header: no channel binding, no other identity to act for."""

_FEWEST, _MOST = 4096, 10_000_000
"""Iterations of SCRAM: RFC 7677 asks for so many at least; more would keep the processor busy for seconds."""


class TokenError(WireError):
    """A token of the broker's that is not what the mechanism says."""


def tokens(mechanism: str, username: str, password: str, nonce: Callable[[], str] = secrets.token_urlsafe) -> Tokens:
    """The conversation of this mechanism. Raises KeyError for one that is not known, and in its middle TokenError.

    With OAUTHBEARER `password` is the token, and `username`, where there is one, the identity to act as.
    """
    if mechanism == "PLAIN":
        return _plain(username, password)
    if mechanism == "OAUTHBEARER":
        return _bearer(username, password)
    return _scram(_HASHES[mechanism], username, password, nonce())


def _plain(username: str, password: str) -> Tokens:
    """RFC 4616."""
    yield f"\0{username}\0{password}".encode()


def _bearer(username: str, token: str) -> Tokens:
    """RFC 7628. A refusal comes as JSON first, and as an error once that was acknowledged."""
    header = f"n,a={_name(username)}," if username else _NO_BINDING
    if (yield f"{header}\x01auth=Bearer {token}\x01\x01".encode()):
        yield b"\x01"


def _scram(hash_name: str, username: str, password: str, nonce: str) -> Tokens:
    """RFC 5802, RFC 7677. Both sides prove that they know the password, and neither says it."""
    begun = f"n={_name(username)},r={nonce}"
    challenge = yield (_NO_BINDING + begun).encode()
    their_nonce, salt, iterations = _challenge(challenge, nonce)
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)

    def keyed(key: bytes, text: bytes) -> bytes:
        return hmac.digest(key, text, hash_name)

    client_key = keyed(salted, b"Client Key")
    without_proof = f"c={b64encode(_NO_BINDING.encode()).decode()},r={their_nonce}".encode()
    said = b",".join((begun.encode(), challenge, without_proof))
    signature = keyed(hashlib.new(hash_name, client_key).digest(), said)
    proof = bytes(ours ^ theirs for ours, theirs in zip(client_key, signature, strict=True))
    verdict = _attributes((yield without_proof + b",p=" + b64encode(proof)))
    if "e" in verdict:
        raise TokenError(f"the broker refuses: {verdict['e']}")
    if not hmac.compare_digest(_bytes(verdict, "v"), keyed(keyed(salted, b"Server Key"), said)):
        raise TokenError("who answers does not know the password either: it is not the broker that it seems to be")


def _challenge(token: bytes, nonce: str) -> tuple[str, bytes, int]:
    """(nonce of both, salt, iterations) of the broker's first token."""
    said = _attributes(token)
    if "e" in said:
        raise TokenError(f"the broker refuses: {said['e']}")
    theirs, count = said.get("r", ""), said.get("i", "")
    if not theirs.startswith(nonce) or len(theirs) == len(nonce):
        raise TokenError("the broker's nonce does not continue ours")
    if not (count.isascii() and count.isdigit() and _FEWEST <= int(count[:9]) <= _MOST):
        raise TokenError(f"{count[:20]!r} is no number of iterations from {_FEWEST:,} to {_MOST:,}")
    return theirs, _bytes(said, "s"), int(count)


def _attributes(token: bytes) -> dict[str, str]:
    try:
        parts = token.decode().split(",")
    except UnicodeDecodeError:
        raise TokenError("the broker's token is no text") from None
    return {part[0]: part[2:] for part in parts if part[1:2] == "="}


def _bytes(said: dict[str, str], name: str) -> bytes:
    try:
        return b64decode(said[name], validate=True)
    except (KeyError, ValueError):
        raise TokenError(f"the broker's token has no {name}= that can be read") from None


def _name(text: str) -> str:
    """RFC 5802's saslname."""
    return text.replace("=", "=3D").replace(",", "=2C")
