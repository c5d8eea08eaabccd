"""The loop of the short way, compiled and not: one source, and both do the same."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest

from ackdrop.core import batches, lane, large, scan, several, unanswered
from ackdrop.faults.rule import Frame
from ackdrop.kafka.shapes import Shape
from ackdrop.observations import Asked, Flow
from ackdrop.relay import end, poller, road, straight
from ackdrop.series import AT_ONCE, Quiet

ROOT = Path(__file__).parents[2]
CORE = ROOT / "proxy" / "core"

UNCOMPILED = f"""
import importlib.util, sys
sys.path.insert(0, {str(ROOT)!r})
import ackdrop.core
for name in ("lane", "unanswered", "batches", "scan", "several", "large"):
    spec = importlib.util.spec_from_file_location(f"ackdrop.core.{{name}}", f"{CORE}/{{name}}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__file__.endswith(".py")
from tests.core.frames import Frames
from tests.core.playbook import play
from tests.core.twins import STEPS, Twins, seeds
passed = 0
for seed in seeds(24):
    kind = {{"armed": seed % 2 == 0, "several": seed % 3 == 0, "counting": seed % 4 == 0}}
    twins = Twins(seed, play, Frames(), **kind)
    for _ in range(STEPS):
        twins.step()
    passed += twins.same_in_the_end()
print(passed)
"""


COMPILED = [lane, unanswered, batches, scan, several, large, road, poller, end]
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


def way_to(partition: int) -> lane.Lane:
    flow = Flow(1, "app", "", 9, -1, None, "orders", partition, 7, 0)
    request = Frame("produce", "request", "app", 1, 1, ())
    return lane.Lane(flow, request, Shape(9, True, b"", b"", 20, b"", 8, b""), None, lane.Track())


class TestRows:
    """What has passed comes out as it went in, flow by flow, however much it is and of however many."""

    @pytest.mark.parametrize("lanes", [1, 300])
    @pytest.mark.parametrize("behind", [0, 1, 5_000])
    @pytest.mark.parametrize("count", [0, 1, 65, 9_000])
    def test_all_of_it_in_order(self, lanes: int, count: int, behind: int) -> None:
        """Every second one of the first series has so many attempts behind its first one."""
        rows, ways = lane.Rows(False), [way_to(partition) for partition in range(lanes)]
        put: dict[int, list[Quiet]] = defaultdict(list)
        number = 0
        for turn in range(count):
            others = behind * (turn % 2) if turn < 10 else 0
            way = (turn * turn + turn // 7) % lanes
            place = rows.begin(ways[way], others)
            cells = (number, number, -1, 2, others << 32 | number, 90, 3 * number)
            for n, cell in enumerate(cells):
                rows.cells[7 * place + n] = cell
            rows.times[2 * place], rows.times[2 * place + 1] = turn, turn + 0.5
            for n in range(others + 1):
                put[way].append((number + n, turn, number + n, -1, 2, number + n, 90, turn + 0.5, 3 * number + 2 * n))
                if n:
                    rows.more[rows.behind] = number + n
                    rows.behind += 1
            rows.requests += others + 1
            number += others + 1
        told = rows.take()
        assert sum(passed.requests for passed in told) == number
        assert all(passed.attempts.series == 1 or len(passed.attempts) <= AT_ONCE for passed in told)
        taken: dict[int, list[Quiet]] = defaultdict(list)
        for passed in told:
            assert passed.asked is None
            assert len(set(passed.flows)) == len(passed.flows)
            assert list(passed.of_each()) == [len(attempts) for _, _, attempts in passed.by_flow()]
            for flow, _, attempts in passed.by_flow():
                taken[flow.partition] += attempts
        assert taken == put
        assert rows.take() == []

    def test_what_rules_know_is_what_they_knew_when_it_passed(self) -> None:
        rows, ways = lane.Rows(True), [way_to(partition) for partition in range(3)]
        asked = [Asked(node, False, 1.0) for node in range(3)]
        for way, of_it in zip(ways, asked, strict=True):
            way.armed = of_it
            rows.begin(way, 0)
        for way in ways:
            way.armed = asked[0]
        (passed,) = rows.take()
        assert passed.asked == tuple(asked)
        rows.begin(ways[2], 0)
        (passed,) = rows.take()
        assert ([flow.partition for flow in passed.flows], passed.asked) == ([2], (asked[0],))
