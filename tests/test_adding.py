"""The pages on how to add a fault, a producer and a report, followed to the letter in a copy of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.report import as_json
from ackdrop.report.finished import Finished

from .report.conftest import lost_ack
from .walkthrough import ROOT, Tree

DOCS = ROOT / "docs"


@pytest.mark.integration
def test_a_fault_is_added_as_its_page_says(tmp_path: Path, embedded_broker: str) -> None:
    tree = Tree(tmp_path, {"ACKDROP_BOOTSTRAP": embedded_broker})
    commands = tree.follow(DOCS / "adding-a-fault.md")
    assert "ackdrop run busy.yaml" in commands


@pytest.mark.integration
def test_a_producer_is_added_as_its_page_says(tmp_path: Path, embedded_broker: str) -> None:
    tree = Tree(tmp_path, {"ACKDROP_BOOTSTRAP": embedded_broker})
    commands = tree.follow(DOCS / "adding-a-producer.md")
    assert "ackdrop run lost-ack-disconnect --producer shopkafka" in commands


def test_a_report_is_added_as_its_page_says(tmp_path: Path) -> None:
    tree = Tree(tmp_path, {})
    folder = tree.root / "ackdrop-runs" / "2026-11-23T06-12-09-lost-ack"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(as_json.text([Finished(lost_ack(), None)]), encoding="utf-8")
    commands = tree.follow(DOCS / "adding-a-report.md")
    assert "ackdrop report --tap -" in commands
