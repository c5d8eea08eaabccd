"""JUnit XML, as GitHub, GitLab and Jenkins show it: a suite for each run, a case for each arm and expectation.

There is no standard; `junit-10.xsd` of Jenkins' xUnit plugin is what most agree on, and what this keeps to. An
expectation that did not hold is a `failure`. Whatever leaves a verdict open (a gate that failed, a figure that nobody
knows, an interruption) is an `error` with the reason's code as its type: red too, and told apart where a system can.
An expectation that held in an arm that proves nothing is `skipped`, as is an arm that was not run. GitLab shows neither
messages nor suites, so the text begins with the message, and the class begins with the scenario. Names do not change
from run to run, so that a system can follow a case.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ..result import RunResult
from .clean import clean, shortened
from .finished import Finished
from .junit_cases import Case, cases
from .junit_properties import properties
from .words import called

_RESULTS = {"failure": Failure, "error": Error, "skipped": Skipped}
_LONGEST = 1_000


def text(runs: Sequence[Finished]) -> str:
    """All runs in one document, in ASCII, with a line break at the end."""
    root = JUnitXml("ackdrop")
    names: Counter[str] = Counter()
    for run in runs:
        name = called(run.result)
        names[name] += 1
        root.add_testsuite(_suite(run.result, name if names[name] == 1 else f"{name} {names[name]}"))
    suites = list(root)
    root.tests = sum(suite.tests for suite in suites)
    root.failures = sum(suite.failures for suite in suites)
    root.errors = sum(suite.errors for suite in suites)
    root.time = round(sum(suite.time for suite in suites), 3)
    return _pretty(root.tostring())  # type: ignore[no-untyped-call]


def _suite(result: RunResult, name: str) -> TestSuite:
    suite = TestSuite(name)
    for key, value in properties(result):
        suite.add_property(shortened(clean(key), 200), shortened(clean(value), _LONGEST))
    suite.add_testcases([_case(case, name) for case in cases(result)])
    suite.update_statistics()  # type: ignore[no-untyped-call]
    if result.run is not None:
        suite.timestamp = clean(result.run.started[:19])
        suite.time = round(result.run.seconds or 0.0, 3)
    return suite


def _case(case: Case, scenario: str) -> TestCase:
    told = TestCase(shortened(clean(case.name), 200), f"{scenario}.{shortened(clean(case.group), 100)}", 0.0)
    lines = "\n".join(map(clean, case.lines))
    if case.outcome == "passed":
        if lines:
            told.system_out = lines
        return told
    message = shortened(clean(case.message), _LONGEST)
    outcome = _RESULTS[case.outcome](message, clean(case.type))
    outcome.text = "\n".join(filter(None, (message, lines)))
    told.result = [outcome]
    return told


def _pretty(document: str | bytes) -> str:
    """Parsed again and indented, so that it is the same whether junitparser used lxml or not."""
    tree = ET.fromstring(document)
    ET.indent(tree)
    found: bytes = ET.tostring(tree, encoding="us-ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{found.decode("ascii")}\n'
