"""The pytest plugin as a project uses it: `samples/orders`, run by a pytest of its own; and the page about it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ackdrop.environment import inherited

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
ORDERS = ROOT / "tests" / "samples" / "orders"
PAGE = (ROOT / "docs" / "in-tests.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How pytest ended, what it printed, and the cases of its JUnit file by the test's name."""

    code: int
    out: str
    cases: dict[str, xml.Element]

    def properties(self, name: str) -> dict[str, str]:
        found = self.cases[name].iter("property")
        return {each.get("name", "").removeprefix("ackdrop."): each.get("value", "") for each in found}


def run(bootstrap: str, folder: Path, *arguments: str, at: Path) -> Ran:
    """`pytest` as its user starts it, with the plugin's entry point and no other setting of ours."""
    junit = folder / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning:ackdrop"]
    command += ["--basetemp", str(folder / "tmp"), f"--junitxml={junit}", "--ackdrop-bootstrap", bootstrap, *arguments]
    environment = inherited("ACKDROP_", "PYTEST_")
    environment["COLUMNS"] = "200"
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, timeout=WITHIN)
    cases = {case.get("name", ""): case for case in xml.parse(junit).iter("testcase")} if junit.exists() else {}
    return Ran(done.returncode, done.stdout + done.stderr, cases)


@pytest.fixture(scope="module")
def orders(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All tests of the sample project, in one run."""
    folder = tmp_path_factory.mktemp("orders")
    return run(embedded_broker, folder, "--ackdrop-out", str(folder / "reports"), at=ORDERS)


class TestTheSample:
    def test_it_fails_by_what_fails_and_by_what_is_inconclusive(self, orders: Ran) -> None:
        assert orders.code == 1, orders.out
        assert "3 failed, 7 passed" in orders.out
        assert "Traceback" not in orders.out

    def test_what_passes_does_so_in_tests_of_each_kind(self, orders: Ran) -> None:
        passed = [name for name, case in orders.cases.items() if case.find("failure") is None]
        assert sorted(passed) == [
            "test_a_lost_ack_leaves_no_duplicate",
            "test_in_anyio[asyncio]",
            "test_in_anyio[trio]",
            "test_in_asyncio",
            "test_in_trio",
            "test_nor_does_a_broken_connection",
            "test_with_confluent_kafka",
        ]
        for name in passed:
            told = orders.properties(name)
            assert (told["verdict"], told["faults"], told["retries"], told["duplicates"]) == ("passed", "1", "1", "0")
            assert Path(told["report"]).is_file()

    def test_a_failure_prints_the_chain(self, orders: Ran) -> None:
        failure = orders.cases["test_an_unprotected_retry_leaves_a_duplicate"].find("failure")
        assert failure is not None
        assert str(failure.get("message")).startswith("ackdrop.api.Violated: ackdrop: 1 duplicate in the log")
        assert re.search(
            r"E +record \w{6}… stands at offsets 2 and 3 of partition 0\n"
            r'E +\d\.\d{3} s  connection \d  sent: appended at 2, ack dropped: "lose the third ack"\n'
            r"E +\d\.\d{3} s  connection \d  sent again, no producer id: appended at 3, acked\n"
            r"E +The client sent it again without a producer id.*\(retry-unprotected\)\n",
            orders.out,
        )
        assert "claims.py" not in orders.out
        (report,) = re.findall(r"E +report: (\S+unprotected\S+/report\.html)\n", orders.out)
        told = json.loads(Path(report).with_name("report.json").read_text())
        assert [finding["cause"] for finding in told["arms"][0]["findings"]] == ["retry-unprotected"]
        assert (told["verdict"], told["failures"][0]["cause"]) == ("failed", "retry-unprotected")
        assert told["scenario"]["title"].endswith("::test_an_unprotected_retry_leaves_a_duplicate")

    def test_a_failure_of_the_tests_own_has_what_happened_below_it(self, orders: Ran) -> None:
        below = orders.out.partition("[0, 1, 3, 4, 5] == [0, 1, 2, 3, 4]")[2].partition("- ackdrop -")[2]
        assert re.match(r'-*\nfaults: "lose the third ack" once; 6 attempts, 1 retry\n +\d\.\d{3} s  connection', below)

    def test_an_inconclusive_one_has_words_of_its_own(self, orders: Ran) -> None:
        name = "test_a_fault_that_never_fires_proves_nothing"
        failure = orders.cases[name].find("failure")
        assert failure is not None
        assert str(failure.get("message")).startswith(
            "ackdrop.api.Inconclusive: ackdrop: inconclusive: nothing is proved"
        )
        assert '- No fault has fired, so nothing was put to the test: "too late" matched 5 times.' in orders.out
        assert orders.properties(name)["reasons"] == "fault-never-fired no-retry figure-unknown"

    def test_or_is_skipped_by_option_also_under_xdist(self, embedded_broker: str, tmp_path: Path) -> None:
        arguments = ["--ackdrop-inconclusive=skip", "-n", "1", "test_inconclusive.py"]
        ran = run(embedded_broker, tmp_path, *arguments, at=ORDERS)
        assert (ran.code, "1 skipped" in ran.out) == (0, True), ran.out
        (case,) = ran.cases.values()
        assert ran.properties(case.get("name", ""))["faults"] == "0"
        skipped = case.find("skipped")
        assert skipped is not None
        assert "(nothing-injected)" in str(skipped.get("message"))


class TestWhatIsWrong:
    """It is said before any test runs, or by the one test that it concerns, without a traceback through ackdrop."""

    def test_a_marker_that_would_do_nothing_ends_the_run(self, tmp_path: Path) -> None:
        text = "import pytest\n@pytest.mark.ackdrop(scenario='lost-ack')\ndef test_it(tmp_path): pass\n"
        (tmp_path / "test_it.py").write_text(text)
        ran = run("127.0.0.1:1", tmp_path, at=tmp_path)
        assert (ran.code, ran.cases) == (4, {})
        assert "marked `ackdrop` and does not use the fixture `ackdrop`: nothing would be injected" in ran.out

    def test_a_scenario_and_a_broker(self, embedded_broker: str, tmp_path: Path) -> None:
        text = "import pytest\n@pytest.mark.ackdrop(scenario='lsot-ack')\ndef test_it(ackdrop): pass\n"
        text += "@pytest.mark.ackdrop(identity='id')\ndef test_that(ackdrop): pass\n"
        (tmp_path / "test_it.py").write_text(text)
        ran = run(embedded_broker, tmp_path, at=tmp_path)
        assert (ran.code, "2 errors" in ran.out) == (1, True)
        assert "ackdrop: lsot-ack: no such file or folder" in ran.out
        assert "try: Did you mean lost-ack?" in ran.out
        assert "ackdrop: identity: 'id' names no part of a record" in ran.out
        far = run("10.1.2.3:9092", tmp_path, at=tmp_path)
        assert "try: say --ackdrop-allow-remote if that is meant" in far.out
        assert "During handling" not in ran.out + far.out
        assert "Traceback" not in ran.out + far.out


class TestThePage:
    def test_its_example_runs_as_it_stands(self, embedded_broker: str, tmp_path: Path, own_topics: Any) -> None:
        own_topics("orders")
        (tmp_path / "test_orders.py").write_text(EXAMPLES["test_orders.py"])
        ran = run(embedded_broker, tmp_path, at=tmp_path)
        assert (ran.code, "2 passed, 1 xfailed" in ran.out) == (0, True), ran.out

    def test_and_so_does_the_one_without_pytest(self, embedded_broker: str, tmp_path: Path, own_topics: Any) -> None:
        own_topics("orders")
        (tmp_path / "by_hand.py").write_text(EXAMPLES["by_hand.py"])
        command = [sys.executable, "by_hand.py", embedded_broker]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN)
        assert done.stdout.splitlines() == ["1 retry, {'lose the third ack': 1}", "0 duplicates, 0 lost: passed"]

    def test_its_options_are_all_that_there_are(self) -> None:
        from ackdrop.api.options import NAMES

        command = [sys.executable, "-m", "pytest", "--help"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ORDERS).stdout
        assert set(re.findall(r"--ackdrop-[a-z-]+", told)) == set(re.findall(r"--ackdrop-[a-z-]+", PAGE))
        assert set(re.findall(r"^  (ackdrop_\w+)", told, re.MULTILINE)) == set(re.findall(r"`(ackdrop_\w+)`", PAGE)) - {
            "ackdrop_options",
            "ackdrop_broker",
        }
        same = PAGE.partition("The marker takes the same:")[2].partition("\n\n")[0]
        assert set(re.findall(r"`([a-z_]+)`", same)) - {"ackdrop_broker"} == set(NAMES)
