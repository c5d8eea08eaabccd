"""Chance that does not depend on timing: a draw is a hash of what it is for.

Task order is random on purpose under trio, and the clock is never the same twice; so a draw comes from the seed, the
arm, the fault, the client, the topic, the partition and the n-th match of these, and from nothing else.

This module is compiled by Cython as `core.scan` is (`chance.pxd` has the types): while a rule fires by chance, every
frame is one draw. The hash is BLAKE2b (RFC 7693); compiled, our own takes 0.15 µs a draw where a call of the library's
takes 0.7, most of it in calls. Uncompiled the library's is used.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

COMPILED = not __file__.endswith(".py")
"""Whether this is the compiled form."""
_C = COMPILED

_BLOCK = 128
_DIGEST = 8
_START = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
_ROUNDS = 12
_ORDER = bytes.fromhex(
    "000102030405060708090a0b0c0d0e0f" "0e0a0408090f0d06010c00020b070503" "0b080c0005020f0d0a0e030607010904"
    "070903010d0c0b0e0206050a04000f08" "0900050702040a0f0e010b0c0608030d" "020c060a000b0803040d07050f0e0109"
    "0c05010f0e0d040a000706030902080b" "0d0b070e0c01030905000f040806020a" "060f0e090b0300080c020d0701040a05"
    "0a020804070601050f0b090e030c0d00" "000102030405060708090a0b0c0d0e0f" "0e0a0408090f0d06010c00020b070503"
)  # fmt: skip
"""In which order each round takes the words of a block."""


def draw(seed: int, *facts: str | int) -> float:
    """A number in [0, 1), the same for the same arguments on every machine and in every run."""
    return _fraction(blake2b(_text(seed, *facts), digest_size=_DIGEST).digest())


class Chance:
    """Draws whose facts differ in the last one alone, a number: the same as `draw`, for less."""

    def __init__(self, seed: int, *facts: str | int) -> None:
        text = _text(seed, *facts, "")
        self._begun = blake2b(text, digest_size=_DIGEST)
        self._hashed = len(text) - len(text) % _BLOCK
        self._state = array("Q", _START)
        self._state[0] ^= 0x01010000 ^ _DIGEST
        self._scratch = array("Q", self._state)
        for at in range(0, self._hashed if _C else 0, _BLOCK):
            _compress(self._state, bytearray(text[at : at + _BLOCK]), 0, at + _BLOCK, False)
        self._rest = len(text) - self._hashed
        self._used = 0
        self._block = bytearray(text[self._hashed :]) + bytearray(2 * _BLOCK - self._rest)

    def draw(self, number: int) -> float:
        """The draw for these facts and that number."""
        state = self._begun.copy()
        state.update(b"%d" % number)
        return _fraction(state.digest())

    def next_below(self, limit: float, first: int, count: int) -> int:
        """The first of so many numbers, from `first` on, whose draw is below the limit; else the one behind them."""
        scaled = limit * (1 << 53)
        for number in range(first, first + count):
            if (self._hash(number) >> 11 < scaled) if _C else self.draw(number) < limit:
                return number
        return first + count

    def _hash(self, number: int) -> int:
        """The digest for a number from 0 on, as a whole number of 64 bits. It counts on numbers having no more."""
        rest = number
        end = self._rest + 1
        while rest >= 10:
            rest //= 10
            end += 1
        at, rest = end, number
        while at > self._rest:
            at -= 1
            self._block[at] = 48 + rest % 10
            rest //= 10
        for at in range(end, self._used):
            self._block[at] = 0
        self._used = end
        for i in range(8):
            self._scratch[i] = self._state[i]
        if end > _BLOCK:
            _compress(self._scratch, self._block, 0, self._hashed + _BLOCK, False)
        _compress(self._scratch, self._block, _BLOCK if end > _BLOCK else 0, self._hashed + end, True)
        return _turned(self._scratch[0])


def _compress(state: array[int], block: bytearray, at: int, size: int, last: bool) -> None:
    """Take in the block that begins there, with which so many bytes are in (RFC 7693, section 3.2). Compiled alone:
    numbers have 64 bits."""
    order = _ORDER
    words = [
        _word(block, at), _word(block, at + 8), _word(block, at + 16), _word(block, at + 24),
        _word(block, at + 32), _word(block, at + 40), _word(block, at + 48), _word(block, at + 56),
        _word(block, at + 64), _word(block, at + 72), _word(block, at + 80), _word(block, at + 88),
        _word(block, at + 96), _word(block, at + 104), _word(block, at + 112), _word(block, at + 120),
    ]  # fmt: skip
    v0, v1, v2, v3, v4, v5, v6, v7 = state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
    v8, v9, v10, v11 = 0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1
    v12, v13, v14, v15 = 0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179
    v12 ^= size
    if last:
        v14 = ~v14
    for at in range(0, 16 * _ROUNDS, 16):
        v0, v4, v8, v12 = _mixed(v0, v4, v8, v12, words[order[at]], words[order[at + 1]])
        v1, v5, v9, v13 = _mixed(v1, v5, v9, v13, words[order[at + 2]], words[order[at + 3]])
        v2, v6, v10, v14 = _mixed(v2, v6, v10, v14, words[order[at + 4]], words[order[at + 5]])
        v3, v7, v11, v15 = _mixed(v3, v7, v11, v15, words[order[at + 6]], words[order[at + 7]])
        v0, v5, v10, v15 = _mixed(v0, v5, v10, v15, words[order[at + 8]], words[order[at + 9]])
        v1, v6, v11, v12 = _mixed(v1, v6, v11, v12, words[order[at + 10]], words[order[at + 11]])
        v2, v7, v8, v13 = _mixed(v2, v7, v8, v13, words[order[at + 12]], words[order[at + 13]])
        v3, v4, v9, v14 = _mixed(v3, v4, v9, v14, words[order[at + 14]], words[order[at + 15]])
    state[0], state[1], state[2], state[3] = (
        state[0] ^ v0 ^ v8, state[1] ^ v1 ^ v9, state[2] ^ v2 ^ v10, state[3] ^ v3 ^ v11
    )  # fmt: skip
    state[4], state[5], state[6], state[7] = (
        state[4] ^ v4 ^ v12, state[5] ^ v5 ^ v13, state[6] ^ v6 ^ v14, state[7] ^ v7 ^ v15
    )  # fmt: skip


def _mixed(a: int, b: int, c: int, d: int, x: int, y: int) -> tuple[int, int, int, int]:
    a += b + x
    d = _rotated(d ^ a, 32)
    c += d
    b = _rotated(b ^ c, 24)
    a += b + y
    d = _rotated(d ^ a, 16)
    c += d
    b = _rotated(b ^ c, 63)
    return a, b, c, d


def _rotated(word: int, by: int) -> int:
    return word >> by | word << (64 - by)


def _word(block: bytearray, at: int) -> int:
    """Eight bytes, the lowest first."""
    value = 0
    for i in range(at + 7, at - 1, -1):
        value = value << 8 | block[i]
    return value


def _turned(word: int) -> int:
    """The same bytes, the other way round."""
    value = 0
    for _ in range(8):
        value = value << 8 | word & 255
        word >>= 8
    return value


def _text(*facts: str | int) -> bytes:
    return "\x1f".join(str(fact) for fact in facts).encode("utf-8", "surrogatepass")


def _fraction(digest: bytes) -> float:
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
