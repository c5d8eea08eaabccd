"""Bytes out, in order: at once, later, or never."""

from __future__ import annotations

from ackdrop.core.outlet import FAR, Outlet


class Sink:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.told: list[tuple[str, float, bool]] = []
        self.outlet = Outlet(lambda data: self.sent.append(bytes(data)))

    def put(self, data: bytes, now: float, due: float = 0.0) -> None:
        buffer = bytearray(data)
        name = data.decode()
        self.outlet.put(memoryview(buffer), now, due=due, then=lambda at, sent: self.told.append((name, at, sent)))
        buffer[:] = bytes(len(buffer))


def test_what_need_not_wait_goes_at_once() -> None:
    sink = Sink()
    sink.put(b"a", 1.0)
    sink.put(b"b", 1.0, due=1.0)
    assert sink.sent == [b"a", b"b"]
    assert sink.told == [("a", 1.0, True), ("b", 1.0, True)]
    assert sink.outlet.empty
    assert sink.outlet.due == FAR


def test_what_comes_later_waits_behind_what_waits() -> None:
    sink = Sink()
    sink.put(b"late", 0.0, due=5.0)
    sink.put(b"prompt", 0.0)
    sink.put(b"earlier", 0.0, due=3.0)
    assert (sink.sent, sink.told, sink.outlet.waiting, sink.outlet.due) == ([], [], 17, 5.0)
    sink.outlet.release(4.9)
    assert sink.sent == []
    sink.outlet.release(5.0)
    assert sink.sent == [b"late", b"prompt", b"earlier"]
    assert sink.told == [("late", 5.0, True), ("prompt", 5.0, True), ("earlier", 5.0, True)]
    assert (sink.outlet.waiting, sink.outlet.empty) == (0, True)


def test_release_stops_at_the_first_that_is_not_due() -> None:
    sink = Sink()
    sink.put(b"a", 0.0, due=1.0)
    sink.put(b"b", 0.0, due=2.0)
    sink.outlet.release(1.0)
    assert (sink.sent, sink.outlet.waiting, sink.outlet.due) == ([b"a"], 1, 2.0)


def test_what_is_discarded_is_told_so_and_never_goes() -> None:
    sink = Sink()
    sink.put(b"a", 0.0, due=1.0)
    sink.outlet.put(b"no one asks", 0.0)
    sink.outlet.discard(0.5)
    assert (sink.told, sink.outlet.waiting, sink.outlet.empty) == ([("a", 0.5, False)], 0, True)
    sink.outlet.release(2.0)
    assert sink.sent == []


def test_what_is_disowned_is_told_once_and_goes_in_its_time() -> None:
    sink = Sink()
    sink.put(b"a", 0.0, due=1.0)
    sink.outlet.put(b"b", 0.0)
    sink.outlet.disown(0.5)
    assert sink.told == [("a", 0.5, False)]
    sink.outlet.release(1.0)
    assert sink.sent == [b"a", b"b"]
    assert len(sink.told) == 1
