"""Columns that are longer than what is held in memory."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.errors import SurroundingsError
from ackdrop.verify import store
from ackdrop.verify.store import BLOCK, Blocks, Column, Spill

LONG = 5 * BLOCK + 17


def filled(numbers, portion=1000, seal=True):
    column = Column(Spill(), "q")
    for at in range(0, len(numbers), portion):
        column.extend(numbers[at : at + portion])
    if seal:
        column.seal()
    return column


def test_a_short_column_has_no_file():
    column = filled(list(range(100)))
    assert column._spill.size == 0
    assert [column[at] for at in (0, 99)] == [0, 99]


@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize("held", [store.HELD, 0])
@pytest.mark.parametrize("portion", [1, 1000, LONG])
def test_a_long_column_is_read_as_it_was_written(monkeypatch, portion, held, seal):
    monkeypatch.setattr(store, "HELD", held)
    numbers = [number - 3 for number in range(LONG)]
    column = filled(numbers, portion, seal)
    assert len(column) == LONG
    assert list(column.between(0, LONG)) == numbers
    assert [column[at] for at in (0, BLOCK - 1, BLOCK, LONG - 1)] == [-3, BLOCK - 4, BLOCK - 3, LONG - 4]
    assert column._spill.size == (LONG if seal and not held else 5 * BLOCK) * 8


@given(start=st.integers(0, LONG), length=st.integers(0, 3 * BLOCK))
def test_any_part_of_a_column(long_column, start, length):
    stop = min(start + length, LONG)
    assert list(long_column.between(start, stop)) == list(range(start, stop))


@pytest.fixture(scope="module")
def long_column():
    return filled(list(range(LONG)))


def test_several_columns_share_a_file():
    spill = Spill()
    columns = [Column(spill, "Q") for _ in range(3)]
    for at in range(0, LONG, 500):
        for offset, column in enumerate(columns):
            column.extend([number * 3 + offset for number in range(at, min(at + 500, LONG))])
    for offset, column in enumerate(columns):
        assert list(column.between(0, LONG)) == [number * 3 + offset for number in range(LONG)]


def test_a_number_many_times():
    column = filled([])
    column.fill(-1, LONG)
    assert set(column.between(0, LONG)) == {-1}
    assert len(column) == LONG


def test_only_so_many_blocks_are_held(monkeypatch):
    monkeypatch.setattr(store, "_CACHED", 2)
    column = filled(list(range(LONG)))
    for _ in range(2):
        assert [column[at] for at in range(0, LONG, BLOCK)] == list(range(0, LONG, BLOCK))
    assert len(column._spill._cache) == 2


def test_items_of_several_bytes():
    blocks = Blocks(Spill(), 3)
    for number in range(BLOCK + 5):
        blocks.add(number.to_bytes(3, "big"))
    assert len(blocks) == BLOCK + 5
    assert b"".join(blocks.parts(BLOCK - 1, BLOCK + 1)) == (BLOCK - 1).to_bytes(3, "big") + BLOCK.to_bytes(3, "big")


def test_the_file_ends_with_its_last_user():
    column = filled(list(range(LONG)))
    file = column._spill._file
    del column
    gc.collect()
    assert file.closed


def test_a_disk_that_does_not_take_it_is_said(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(Path(tempfile.gettempdir()) / "there-is-no-such-folder"))
    with pytest.raises(SurroundingsError, match="temporary file"):
        filled(list(range(LONG)))
