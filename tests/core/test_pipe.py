"""One direction under any layers: every byte once, in order, no earlier than they allow, and told of once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.core.layers import FAR, Layer, Layers
from ackdrop.core.pipe import PORTIONS, Pipe
from ackdrop.faults.verdicts import Isolate, Lag, Limit, Slices

ENDS = st.floats(0.0, 5.0)
VERDICTS = st.one_of(
    st.builds(Isolate, st.none()),
    st.builds(Limit, st.floats(100.0, 1e5)),
    st.builds(Lag, st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 0.99)),
    st.builds(Slices, st.integers(1, 50), st.floats(0.0, 0.05)),
)
LAYERS = st.lists(st.builds(Layer, VERDICTS, ENDS, st.one_of(st.none(), ENDS)), max_size=4)
CHUNKS = st.lists(st.tuples(st.floats(0.0, 1.0), st.binary(min_size=1, max_size=200)), max_size=8)


class Played:
    """A pipe, its clock, and what came out when."""

    def __init__(self, *verdicts: Any, layers: list[Layer] | None = None) -> None:
        self.now = 0.0
        self.layers = Layers(lambda: 0.0)
        for layer in layers or [Layer(verdict, FAR, None) for verdict in verdicts]:
            self.layers.add(layer)
        self.out: list[tuple[float, bytes]] = []
        self.told: list[tuple[int, float, bool]] = []
        self.pipe = Pipe(self.layers, "up", lambda data: self.out.append((self.now, bytes(data))))

    def put(self, number: int, data: bytes) -> None:
        self.pipe.put(data, self.now, lambda now, sent: self.told.append((number, now, sent)))

    def until(self, now: float) -> None:
        while (due := min(self.layers.due, self.pipe.due)) <= now:
            self.now = max(self.now, due)
            self.layers.lift(self.now)
            self.pipe.release(self.now)
        self.now = now

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.out)


@settings(max_examples=150, deadline=None)
@given(layers=LAYERS, chunks=CHUNKS)
def test_every_byte_comes_out_once_and_in_order(layers: list[Layer], chunks: list[tuple[float, bytes]]) -> None:
    played = Played(layers=layers)
    for number, (wait, data) in enumerate(chunks):
        played.until(played.now + wait)
        played.put(number, data)
    played.until(100.0)
    assert played.data == b"".join(data for _, data in chunks)
    assert [(number, sent) for number, _, sent in played.told] == [(number, True) for number in range(len(chunks))]
    assert (played.pipe.waiting, played.pipe.clear) == (0, True)


@settings(max_examples=50, deadline=None)
@given(rate=st.floats(500.0, 1e5), sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_in_any_stretch_of_time_a_throttle_keeps_its_rate(rate: float, sizes: list[int]) -> None:
    played = Played(Limit(rate))
    for number, size in enumerate(sizes):
        played.put(number, bytes(size))
        played.until(played.now + 0.1)
    played.until(1000.0)
    most = max(1, int(rate / PORTIONS))
    for first, (begun, _) in enumerate(played.out):
        count = 0
        for at, data in played.out[first:]:
            count += len(data)
            assert count <= rate * (at - begun) + 2 * most + 1


def test_isolation_without_an_end_keeps_no_bytes() -> None:
    played = Played(Isolate(None))
    played.put(1, bytes(1000))
    assert played.pipe.waiting == 0
    played.pipe.discard(1.0)
    assert (played.out, played.told) == ([], [(1, 1.0, False)])


def test_what_is_disowned_still_goes_out_and_is_told_of_once() -> None:
    played = Played(Lag(1.0, 0.0, 0.0))
    played.put(1, b"data")
    played.pipe.disown(0.5)
    played.until(2.0)
    assert (played.out, played.told) == ([(1.0, b"data")], [(1, 0.5, False)])


def test_an_end_takes_its_time() -> None:
    played = Played(Lag(1.0, 0.0, 0.0))
    played.pipe.mark_end(0.0)
    assert not played.pipe.clear
    played.until(1.0)
    assert played.pipe.clear
    assert played.out == []
