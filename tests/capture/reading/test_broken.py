"""Captures that are broken in any place are read as far as they go: no error but ours, and little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.cli import ackdrop
from ackdrop.errors import UsageError

from ...talks import write
from .reading_of import recorded, talks

NAMES = ["kafka-python-idempotence-on-close", "consumer-group", "transaction", "codec-zstd"]
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=30)
FORMS = st.sampled_from([[], ["--by", "time"], ["--retries"], ["--format", "json"], ["--decode"]])


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("broken")
    return {name: write(folder / name, *talks(recorded(name))).read_bytes() for name in NAMES}


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(NAMES), CHANGES, FORMS, st.floats(0.1, 1.0))
def test_a_broken_capture_is_told_as_far_as_it_goes(
    captures: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    changes: list[tuple[int, int]],
    form: list[str],
    share: float,
) -> None:
    content = bytearray(captures[name])
    for at, value in changes:
        content[24 + at % (len(content) - 24)] = value
    file = tmp_path_factory.getbasetemp() / "broken.pcap"
    file.write_bytes(content[: max(24, int(len(content) * share))])
    result = CliRunner().invoke(ackdrop, ["capture", "show", str(file), *form], standalone_mode=False)
    assert result.exception is None or isinstance(result.exception, UsageError), result.exception
    assert result.return_value in (0, 1, 3, None)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), CHANGES, st.sampled_from([[], ["--retries"], ["--decode"]]))
def test_broken_contents_cost_no_more_than_their_frames(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, int]], form: list[str]
) -> None:
    """Lengths and counts within frames say anything, in packets that are right."""
    file = tmp_path_factory.getbasetemp() / "contents.pcap"
    all_talks = talks(recorded(name))
    packets = [packet for talk in all_talks for packet in talk.packets if packet.data]
    for at, value in changes:
        packet = packets[at % len(packets)]
        data = bytearray(packet.data)
        data[(at // len(packets)) % min(len(data), 80)] = value
        packet.data = bytes(data)
    write(file, *all_talks)
    result = CliRunner().invoke(ackdrop, ["capture", "show", str(file), *form], standalone_mode=False)
    assert result.exception is None, result.exception


def test_memory_does_not_grow_with_the_capture(tmp_path: Path) -> None:
    """Of what is read nothing is kept: twenty times as much costs the same."""
    from .reading_of import Reading

    def most(times: int) -> int:
        rows = [row for row in recorded("consumer-group") if row.connection == 2]
        every = [row._replace(at=row.at + 10 * n) for n in range(times) for row in rows]
        file = write(tmp_path / "long.pcap", *talks(every))
        frames: list[int] = []
        tracemalloc.start()
        Reading(lambda told: frames.append(1) if len(frames) < 1 else None, lambda _: None).run([file])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(1)
    assert most(100) < 1.3 * most(5) + 100_000
