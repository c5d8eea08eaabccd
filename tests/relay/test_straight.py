"""Reading and sending past socket objects: in C, and where that is not there."""

from __future__ import annotations

import importlib
import random
import socket
import struct
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from ackdrop.relay import straight


@pytest.fixture(params=["C", "Python"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module, as it is and without what is compiled."""
    if request.param == "Python":
        monkeypatch.setitem(sys.modules, "ackdrop.relay.kernel", None)
        importlib.reload(straight)
    yield straight
    monkeypatch.undo()
    importlib.reload(straight)


def test_what_comes_and_what_goes(ways: ModuleType, pair: Any) -> None:
    near, far = pair()
    far.setblocking(False)
    assert ways.receive(far.fileno(), 100) is None
    assert ways.send(near.fileno(), b"some bytes") == 10
    assert ways.receive(far.fileno(), 4) == b"some"
    assert ways.receive(far.fileno(), 1 << 20) == b" bytes"
    near.close()
    assert ways.receive(far.fileno(), 100) == b""


@pytest.mark.parametrize("came", [1, 9_999, 10_000, 10_001, 12_000])
@pytest.mark.parametrize("most", [10_000, 20_000, 65_536, 1 << 20])
def test_what_is_likely_to_come_and_what_comes(ways: ModuleType, pair: Any, came: int, most: int) -> None:
    near, far = pair()
    far.setblocking(False)
    sent = random.Random(came).randbytes(came)
    near.sendall(sent)
    got = [ways.receive(far.fileno(), most, 10_000)]
    assert len(got[0]) == min(came, most)
    while (more := ways.receive(far.fileno(), most, 10_000)) is not None:
        got.append(more)
    assert b"".join(got) == sent
    near.close()
    assert ways.receive(far.fileno(), most, 10_000) == b""


def test_no_room(ways: ModuleType, pair: Any) -> None:
    near, far = pair()
    near.setblocking(False)
    gone = 0
    while sent := ways.send(near.fileno(), bytes(50_000)):
        gone += sent
    assert gone
    got = 0
    while got < gone:
        got += len(ways.receive(far.fileno(), 1 << 20))
    assert got == gone


def test_a_broken_connection(ways: ModuleType, pair: Any) -> None:
    near, far = pair()
    near.setblocking(False)
    ways.send(near.fileno(), b"unread")
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    with pytest.raises(ConnectionResetError):
        ways.receive(near.fileno(), 100)
    with pytest.raises(BrokenPipeError):
        ways.send(near.fileno(), b"more")
