"""The pieces around a producer's process."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

import pytest

from ackdrop.workload import child


def test_the_counter_is_seen_through_its_descriptor() -> None:
    with child.counter() as begun:
        assert begun.count == 0
        with mmap.mmap(begun.fd, 8) as other:
            struct.pack_into("<Q", other, 0, 41)
            assert begun.count == 41


def test_last_words_are_the_last_lines(tmp_path: Path) -> None:
    with child.log_file(tmp_path, "on") as log:
        log.write(b"".join(b"line %d\n\n" % n for n in range(5000)) + b"\xff the end \n")
        log.flush()
        words = child.last_words(log)
    assert words[-2:] == ["line 4999", "\ufffd the end"]
    assert len(words) == 20


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "ended with exit code 0"), (-11, "was ended by SIGSEGV"), (-999, "ended with exit code -999")],
)
def test_how_it_ended(code: int, text: str) -> None:
    assert child.ending(code) == text


def test_a_labels_odd_characters_do_not_leave_the_folder(tmp_path: Path) -> None:
    with child.log_file(tmp_path, "../on off") as log:
        assert Path(log.name) == tmp_path / "producer-.._on_off.log"
