"""The blocks of a file, read back block by block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ackdrop.capture.writing import pcapng

from ...pcapng_files import Read, read

PACKETS = st.builds(
    Read,
    st.integers(0, 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=50),
    st.booleans(),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=3).map(tuple),
)


@given(st.text(st.characters(codec="utf-8"), max_size=9), st.lists(PACKETS, max_size=5))
def test_what_was_written_is_read(text: str, packets: list[Read]) -> None:
    content = pcapng.section("amd64", "Linux", text) + pcapng.interface("client", text)
    for each in packets:
        content += pcapng.packet(each.interface, each.at, each.data, inbound=each.inbound, comments=each.comments)
    assert content.startswith(pcapng.MAGIC)
    found = read(content)
    assert found.application == text
    assert found.interfaces == [("client", text)]
    assert found.packets == packets


def test_an_option_that_is_too_long_is_cut() -> None:
    content = pcapng.section("", "", "x" * 100_000)
    assert len(read(content).application) == 0xFFFF
