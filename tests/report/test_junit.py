"""JUnit XML: valid by the schema that Jenkins' xUnit plugin checks with, red where it has to be, and never broken."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET

import junitparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ackdrop.report import junit
from ackdrop.report.combine import combine
from ackdrop.report.finished import Finished
from ackdrop.result import EXIT_CODES, ExpectationResult, Reason, ShardInfo

KINDS = ["lost_ack", "failed", "inconclusive", "resend", "proxy", "unknown", "repeated", "alone"]
SOURCE, SHA256 = "pytest==8.4.2", "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"
"""The source distribution that carries the plugin's junit-10.xsd (MIT), and what that file has to be."""


@pytest.fixture(scope="session")
def jenkins(request, tmp_path_factory):
    """junit-10.xsd, kept between runs of the tests. Skips where it cannot be had; in CI it has to be."""
    path = request.config.cache.mkdir("junit-schema") / "junit-10.xsd"
    if not path.exists():
        folder = tmp_path_factory.mktemp("sdist")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pytest", SOURCE]
        done = subprocess.run([*command, "-d", folder], capture_output=True, text=True)
        if done.returncode:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no junit-10.xsd: {done.stderr[-500:]}")
        with tarfile.open(next(folder.glob("pytest-*"))) as archive:
            name = next(name for name in archive.getnames() if name.endswith("/junit-10.xsd"))
            path.write_bytes(archive.extractfile(name).read())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    return etree.XMLSchema(etree.parse(path))


def text(*results):
    return junit.text([Finished(result, None) for result in results])


def suites(*results):
    return ET.fromstring(text(*results)).findall("testsuite")


def told(result):
    """Each case as `class: name`, with what became of it: nothing, or the tag and its type."""
    (suite,) = suites(result)
    return {
        f"{case.get('classname')}: {case.get('name')}": " ".join(
            f"{outcome.tag} {outcome.get('type')}" for outcome in case if outcome.tag != "system-out"
        )
        for case in suite.iter("testcase")
    }


def outcome(result, name):
    """The message and the text below a case that did not pass."""
    (found,) = [
        case.find(tag)
        for suite in suites(result)
        for case in suite.iter("testcase")
        for tag in ("failure", "error", "skipped")
        if case.get("name") == name and case.find(tag) is not None
    ]
    return found.get("message"), found.text


@pytest.mark.parametrize("name", KINDS)
def test_valid_by_jenkins_schema(results, jenkins, name):
    result = getattr(results, name)()
    jenkins.assertValid(etree.fromstring(text(result, result).encode()))


def test_the_schema_can_refuse(jenkins):
    """Or the test above could not fail."""
    assert not jenkins.validate(etree.fromstring("<testsuites><testsuite name='a'/></testsuites>"))


@pytest.mark.parametrize("name", KINDS)
def test_read_by_another(results, name):
    """The counts are those of the cases, and every suite has at least one."""
    for suite in junitparser.JUnitXml.fromstring(text(getattr(results, name)()).encode()):
        cases = list(suite)
        outcomes = [found for case in cases for found in case.result]
        assert suite.tests == len(cases) >= 1
        assert suite.failures == sum(isinstance(found, junitparser.Failure) for found in outcomes)
        assert suite.errors == sum(isinstance(found, junitparser.Error) for found in outcomes)
        assert suite.skipped == sum(isinstance(found, junitparser.Skipped) for found in outcomes)
        assert len({(case.classname, case.name) for case in cases}) == len(cases)


def test_a_case_for_each_arm_and_expectation(results):
    assert told(results.lost_ack()) == {
        "lost-ack.off: duplicates ≥ 1": "",
        "lost-ack.off: lost 0": "",
        "lost-ack.on: duplicates 0": "",
        "lost-ack.on: lost 0": "",
        "lost-ack.on: out_of_order 0": "",
    }


def test_a_failure_has_its_chains(results):
    assert told(results.failed(2))["lost-ack.on: duplicates 0"] == "failure expectation-failed"
    message, body = outcome(results.failed(2), "duplicates 0")
    assert message == "expected duplicates 0, was 2"
    assert body.splitlines() == [
        message,
        "record 0 stands at offsets 0 and 200 of partition 0",
        '  0.857 s  connection 2   producer 1, epoch 0, sequence 0: appended at 0, ack dropped: "lose the third ack"',
        "  4.000 s  connection 12  the same sequence again: appended at 200, acked",
        "record 1 stands at offsets 1 and 201 of partition 0",
        '  0.857 s  connection 2   producer 1, epoch 0, sequence 1: appended at 1, ack dropped: "lose the third ack"',
        "  4.000 s  connection 12  the same sequence again: appended at 201, acked",
        "  The broker appended one producer id, epoch and sequence twice: it should not have. "
        "(broker-did-not-deduplicate)",
    ]


def test_a_long_failure_says_where_the_rest_is(results):
    lines = outcome(results.failed(30), "duplicates 0")[1].splitlines()
    assert lines[-1] == "and 20 more: see report.json"
    assert sum(line.startswith("record ") for line in lines) == 10


def test_what_held_shows_its_chains_too(results):
    (suite,) = suites(results.lost_ack())
    case = next(case for case in suite.iter("testcase") if case.get("name") == "duplicates 0")
    assert case.findtext("system-out").startswith("record 2 stands at offset 2 of partition 0 alone\n  0.864 s")


def test_a_gate_that_failed_is_an_error(results):
    result = results.inconclusive()
    assert told(result) == {
        "lost-ack.off: duplicates ≥ 1": "failure expectation-failed",
        "lost-ack.on: duplicates 0": "",
        "lost-ack.on: lost 0": "",
        "lost-ack.on: out_of_order 0": "",
        "lost-ack.off: fault-never-fired": "error fault-never-fired",
        "lost-ack.run: control-clean": "error control-clean",
    }
    assert outcome(result, "fault-never-fired") == (result.reasons[0].text,) * 2


def test_what_held_in_an_arm_that_proves_nothing_is_no_pass(results):
    arm = results.change(results.on_arm(), verdict="inconclusive")
    result = results.run(arm, verdict="inconclusive", reasons=[Reason("no-retry", "on", "Nothing was sent again.")])
    assert told(result) == {
        "lost-ack.on: duplicates 0": "skipped inconclusive",
        "lost-ack.on: lost 0": "skipped inconclusive",
        "lost-ack.on: out_of_order 0": "skipped inconclusive",
        "lost-ack.on: no-retry": "error no-retry",
    }
    assert outcome(result, "lost 0")[0] == "held, and proves nothing: the arm is inconclusive (no-retry)"


def test_a_figure_that_nobody_knows_is_an_error(results):
    reason = Reason("figure-unknown", "on", "Cannot be known, as a part of the evidence is missing: lost 0.")
    arm = results.change(results.on_arm(), expectations=[ExpectationResult("lost 0", None, None)])
    result = results.run(arm, verdict="inconclusive", reasons=[reason])
    assert told(result) == {"lost-ack.on: lost 0": "error figure-unknown"}


def test_an_interruption(results):
    reasons = [Reason("interrupted", None, "Stopped."), Reason("arm-not-run", "on", "No verdict on this arm.")]
    result = results.run(results.off_arm(), verdict="interrupted", reasons=reasons)
    assert told(result) == {
        "lost-ack.off: duplicates ≥ 1": "",
        "lost-ack.off: lost 0": "",
        "lost-ack.run: interrupted": "error interrupted",
        "lost-ack.on: arm-not-run": "skipped arm-not-run",
    }


@pytest.mark.parametrize(
    ("verdict", "red"),
    [("failed", "failure"), ("inconclusive", "error"), ("error", "error"), ("interrupted", "error")],
)
def test_whatever_did_not_pass_is_red(results, verdict, red):
    """Also without any reason, and with an arm that was not run as the only one."""
    for reasons in ([], [Reason("arm-not-run", "on", "No verdict on this arm.")]):
        result = results.run(results.off_arm(), verdict=verdict, exit_code=EXIT_CODES[verdict], reasons=reasons)
        assert told(result)["lost-ack.run: verdict"] == f"{red} {verdict}"


def test_a_scenario_that_was_left_out_is_skipped_and_not_red(results, jenkins):
    """Another one is red: that is why it was left out."""
    left = results.run(verdict="inconclusive", exit_code=3, broker=None, reasons=[Reason("not-run", None, "Left out.")])
    assert told(left) == {"lost-ack.run: not-run": "skipped not-run"}
    jenkins.assertValid(etree.fromstring(text(results.failed(), left).encode()))


def test_a_scenario_for_which_there_was_no_time_is_red(results):
    reason = Reason("out-of-time", None, "The time that was given was up.")
    late = results.run(verdict="inconclusive", exit_code=3, broker=None, reasons=[reason])
    assert told(late) == {"lost-ack.run: out-of-time": "error out-of-time"}


def test_a_part_of_a_divided_run_says_which(results):
    result = results.change(results.lost_ack(), shard=ShardInfo(2, 5, 3, 9, 14, "0123456789abcdef"))
    (suite,) = suites(result)
    assert {each.get("name"): each.get("value") for each in suite.iter("property")}["shard"] == "2/5"


def test_a_run_without_expectations(results):
    assert told(results.alone()) == {"The log of orders, alone.run: verdict": ""}


def test_reasons_of_one_code(results):
    reasons = [Reason("fault-never-fired", "on", f"Fault {n}.") for n in (1, 2)]
    found = told(results.run(verdict="inconclusive", reasons=reasons))
    assert list(found) == ["lost-ack.on: fault-never-fired", "lost-ack.on: fault-never-fired 2"]


def test_several_runs_of_a_scenario(results):
    """A case that held in all runs but one has failed; its name is that of a single run, so that it can be followed."""
    assert told(results.repeated()) == {
        "lost-ack.off: duplicates ≥ 1": "",
        "lost-ack.off: lost 0": "",
        "lost-ack.on: duplicates 0": "failure expectation-failed",
        "lost-ack.on: lost 0": "",
        "lost-ack.on: out_of_order 0": "",
    }
    message, body = outcome(results.repeated(), "duplicates 0")
    assert message == "expected duplicates 0, held in 2 of 4 runs"
    assert body.splitlines()[1:5] == [
        "held in 2 of 4 runs",
        "duplicates: 0 / 0 / 2",
        "run 2:",
        "record 0 stands at offsets 0 and 200 of partition 0",
    ]
    (suite,) = suites(results.repeated())
    assert suite.find("testcase").findtext("system-out").startswith("held in 3 of 3 runs\nduplicates: 1\n")


def test_runs_of_which_some_did_not_know(results):
    result = combine([results.lost_ack(), results.unknown_of("duplicates 0")], ["1", "2"], 2)
    assert told(result)["lost-ack.on: duplicates 0"] == "error figure-unknown"


def test_runs_that_all_prove_nothing(results):
    arm = results.change(results.on_arm(), verdict="inconclusive")
    run = results.run(arm, verdict="inconclusive", reasons=[Reason("no-retry", "on", "Nothing was sent again.")])
    found = told(combine([run, run], ["1", "2"], 2))
    assert set(found.values()) == {"skipped inconclusive", "error no-retry"}


def test_the_suite(results):
    """Jenkins wants a time stamp without a zone; a host says nothing here."""
    result = results.change(results.lost_ack(), run=results.run_info)
    (suite,) = suites(result)
    assert (suite.get("name"), suite.get("time"), suite.get("timestamp")) == (
        "lost-ack",
        "9.412",
        "2026-11-23T06:12:09",
    )
    assert suite.get("hostname") is None
    found = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    wanted = {
        "verdict": "passed",
        "scenario.seed": "7",
        "broker.kind": "redpanda",
        "broker.version": "22.3.25",
        "run.command": "ackdrop run lost-ack --seed 7",
        "version.ackdrop": "0.1.0",
        "arm.off.idempotence": "off",
        "arm.on.producer": "kafka-python 3.0.12",
        "arm.off.duplicates": "1",
        "arm.on.retries": "1",
    }
    assert wanted.items() <= found.items()


def test_figures_of_several_runs(results):
    (suite,) = suites(results.repeated())
    found = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    assert found["arm.on.duplicates"] == "0 / 0 / 2"
    assert found["repeat"] == "4 of 5 runs: 3 passed, 1 failed"
    assert found["repeat.agreement"] == "flaky"


def test_runs_of_one_name_are_told_apart(results):
    names = [suite.get("name") for suite in suites(results.lost_ack(), results.lost_ack(), results.alone())]
    assert names == ["lost-ack", "lost-ack 2", "The log of orders, alone"]


def test_nothing_to_report():
    assert list(ET.fromstring(junit.text([]))) == []


def test_the_same_without_lxml(results, monkeypatch):
    """junitparser takes lxml where it is installed, as it is here, and the standard library where not."""
    with_lxml = text(results.failed(2))
    monkeypatch.setattr(junitparser.junitparser, "etree", ET)
    assert text(results.failed(2)) == with_lxml


hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x00\x0b\x1b\x7f\x85\u2028\u202e\ud800\udfff\ufffe\uffff\n\t<>&\"'`]"),
    ),
    max_size=12,
) | st.sampled_from(["]]>", "<!--", "--><x/>", "&#0;", "<![CDATA[", "\x1b]0;owned\x07", "a\ud800b"])


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=hostile)
def test_hostile_names(results, jenkins, name):
    """Whatever comes from outside: the document stays valid, plain ASCII, and holds the elements that it always has."""
    found = text(results.hostile(name))
    assert found.isascii()
    assert "\x1b" not in found
    tree = etree.fromstring(found.encode())
    jenkins.assertValid(tree)
    expected = etree.fromstring(text(results.hostile("plain")).encode())
    assert [element.tag for element in tree.iter()] == [element.tag for element in expected.iter()]
