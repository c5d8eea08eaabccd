"""The loop of the short way, compiled and not: one source, and both do the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ackdrop.core import batches, lane, large, scan, several
from ackdrop.observations import Quiet
from ackdrop.relay import end, poller, road, straight

ROOT = Path(__file__).parents[2]
CORE = ROOT / "proxy" / "core"

UNCOMPILED = f"""
import importlib.util, sys
sys.path.insert(0, {str(ROOT)!r})
import ackdrop.core
for name in ("lane", "batches", "scan", "several", "large"):
    spec = importlib.util.spec_from_file_location(f"ackdrop.core.{{name}}", f"{CORE}/{{name}}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__file__.endswith(".py")
from tests.core import conftest, test_quick
passed = 0
for seed in test_quick.seeds(24):
    kind = {{"armed": seed % 2 == 0, "several": seed % 3 == 0, "counting": seed % 4 == 0}}
    twins = test_quick.Twins(seed, conftest.play, conftest.Frames(), **kind)
    for _ in range(test_quick.STEPS):
        twins.step()
    passed += twins.same_in_the_end()
print(passed)
"""


COMPILED = [lane, batches, scan, several, large, road, poller, end]
if straight.Pipes is not None:
    COMPILED += [sys.modules["ackdrop.relay.kernel"], sys.modules["ackdrop.relay.epoll"]]


@pytest.mark.parametrize("module", COMPILED)
def test_what_is_compiled_is_this_source(module: ModuleType) -> None:
    compiled = Path(str(module.__file__))
    if compiled.suffix == ".py":
        pytest.skip("it was not compiled when ackdrop was installed: there was no C compiler")
    name = compiled.name.partition(".")[0]
    sources = [path for suffix in ("py", "pyx", "pxd") if (path := compiled.with_name(f"{name}.{suffix}")).exists()]
    assert sources
    for path in sources:
        copied = ROOT / "build" / "cython" / "ackdrop" / path.relative_to(ROOT / "proxy")  # see setup.py
        of_it = copied.read_bytes() == path.read_bytes() and copied.stat().st_mtime <= compiled.stat().st_mtime
        assert of_it, "install again: pip install -e ."


def test_uncompiled_it_does_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", UNCOMPILED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 500


class TestRows:
    """What has passed comes out as it went in, however much it is."""

    @pytest.mark.parametrize("behind", [0, 1, 30, 5_000])
    @pytest.mark.parametrize("count", [0, 1, 8, 9, 64, 65, 5_000])
    def test_all_of_it_in_order(self, count: int, behind: int) -> None:
        """Every second series has so many attempts behind its first one."""
        rows = lane.Rows()
        whole: list[Quiet] = []
        number = 0
        for turn in range(count):
            others = behind * (turn % 2) if turn < 200 else 0
            if rows.count == rows.room or rows.behind + others > rows.room_behind:
                rows.make_room(others)
            cells = (number, number, -1, 2, others << 32 | number, 90, 3 * number)
            for place, cell in enumerate(cells):
                rows.cells[7 * rows.count + place] = cell
            rows.times[2 * rows.count], rows.times[2 * rows.count + 1] = turn, turn + 0.5
            for n in range(others + 1):
                whole.append((number + n, turn, number + n, -1, 2, number + n, 90, turn + 0.5, 3 * number + 2 * n))
                if n:
                    rows.more[rows.behind] = number + n
                    rows.behind += 1
            rows.count += 1
            number += others + 1
        taken = rows.take()
        assert (taken is None) == (count == 0)
        assert list(taken or ()) == whole
        assert rows.take() is None
