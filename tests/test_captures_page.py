"""What `docs/captures.md` says is so: its examples, its options, its verdicts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ackdrop.capture.reading.verdicts import WORST
from ackdrop.cli import ackdrop

from .core.frames import Frames
from .talks import Talk, write

TEXT = (Path(__file__).parent.parent / "docs" / "captures.md").read_text(encoding="utf-8")
FRAMES = Frames()


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    """The lost ack that the page tells of."""
    batch = FRAMES.batch(FRAMES.record(b"v"))
    lost = Talk().open().client(FRAMES.produce(5, ("orders", 0, batch), client="shop"))
    lost.broker(FRAMES.produced(5, ("orders", 0, 0, 7)), acked=False).rst(0)
    again = Talk(("10.0.0.2", 40001), at=2.0).open().client(FRAMES.produce(9, ("orders", 0, batch), client="shop"))
    return write(tmp_path / "a.pcap", lost, again.broker(FRAMES.produced(9, ("orders", 0, 0, 8))))


@pytest.mark.parametrize("arguments", [["--retries"], []])
def test_its_examples_are_what_is_printed(duplicate: Path, arguments: list[str]) -> None:
    runner = CliRunner(env={"COLUMNS": "80"})
    output = runner.invoke(ackdrop, ["capture", "show", str(duplicate), *arguments]).output
    examples = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    assert len(examples) == 2
    assert examples[0 if arguments else 1] in output


def test_its_verdicts_are_all_that_there_are() -> None:
    table = TEXT.partition("| verdict |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE) == list(WORST)


def test_its_options_are_all_that_there_are() -> None:
    told = set(re.findall(r"--[a-z][a-z-]+", TEXT.partition("## Reading one")[2].partition("## Is it")[0]))
    there = set(re.findall(r"--[a-z][a-z-]+", CliRunner().invoke(ackdrop, ["capture", "show", "--help"]).output))
    assert there - told == {"--help", "--retries"}
    assert told - there == set()
