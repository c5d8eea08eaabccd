"""What importing the layers does to a machine: nothing that scapy's packets alone would not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def left_behind(home: Path, module: str) -> set[str]:
    """The files in a home that was empty before this module was imported, with every warning an error."""
    home.mkdir()
    code = f"import {module}, sys; sys.exit('scapy.all' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={"HOME": str(home)}, cwd=home, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return {str(path.relative_to(home)) for path in home.rglob("*")}


def test_importing_leaves_no_more_than_scapys_own_packets_do(tmp_path: Path) -> None:
    ours = left_behind(tmp_path / "ours", "ackdrop.packets.tcp")
    assert ours == left_behind(tmp_path / "scapys", "scapy.packet")


def test_without_tcp_no_other_layer_comes_along() -> None:
    code = "import ackdrop.packets, sys; print([name for name in sys.modules if name.startswith('scapy.layers')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
