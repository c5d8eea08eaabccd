"""Annotations and Code Quality: on the right lines, red only where something was proved, and never broken out of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.errors import UsageError
from ackdrop.report import github, gitlab
from ackdrop.report.finished import Finished
from ackdrop.report.notes import notes, of_error
from ackdrop.result import FaultCount, Reason
from ackdrop.scenario.load import load

SHIPPED = Path(__file__).parent.parent.parent / "scenarios" / "lost-ack.yaml"
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}
COMMAND = re.compile(r"::(error|warning|notice)( [^:]*)?::(.*)")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A checkout with the scenario at `scenarios/lost-ack.yaml`, that both hosts know as theirs."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "lost-ack.yaml").write_bytes(SHIPPED.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    return tmp_path


def line_of(text):
    """The number of the line that begins so."""
    (found,) = [n for n, line in enumerate(SHIPPED.read_text().splitlines(), 1) if line.strip().startswith(text)]
    return found


def of(result):
    return notes([Finished(result, None)])


def annotated(*results):
    return github.text([Finished(result, None) for result in results]).splitlines()


def quality(*results):
    return json.loads(gitlab.text([Finished(result, None) for result in results]))


def test_an_expectation_that_failed_stands_at_its_line(results, repository):
    (line,) = annotated(results.failed(2))
    place = f"file=scenarios/lost-ack.yaml,line={line_of(chr(34) + 'on')},col=10"
    assert line.startswith(f"::error {place},title=FAILED lost-ack%2C on%3A duplicates 0::expected duplicates 0, was 2")
    assert "%0Arecord 0 stands at offsets 0 and 200 of partition 0%0A" in line


def test_inconclusive_is_a_warning_whatever_did_not_hold(results, repository):
    lines = annotated(results.inconclusive())
    assert [line.partition(" ")[0] for line in lines] == ["::warning"] * 3
    assert {line.partition("::")[2].partition("::")[0].partition("title=")[2] for line in lines} == {
        "INCONCLUSIVE lost-ack%2C off%3A duplicates ≥ 1",
        "INCONCLUSIVE lost-ack%2C off%3A fault-never-fired",
        "INCONCLUSIVE lost-ack%3A control-clean",
    }


def test_a_fault_that_never_fired_stands_at_the_fault(results, repository):
    (note,) = [note for note in of(results.inconclusive()) if note.code == "fault-never-fired"]
    assert note.spot is not None
    assert (note.spot.file, note.spot.line) == ("scenarios/lost-ack.yaml", line_of("- name: lose the third ack"))


def test_a_run_that_failed_has_errors_only_for_what_failed(results):
    result = results.failed(1)
    result = results.change(result, reasons=[*result.reasons, Reason("undecoded", "on", "Frames could not be read.")])
    assert [(note.level, note.code) for note in of(result)] == [
        ("error", "expectation-failed"),
        ("warning", "undecoded"),
    ]


def test_a_run_that_could_not_be_done_is_an_error(results):
    result = results.run(verdict="error", exit_code=4, reasons=[Reason("broker-error", None, "It went away.")])
    assert [(note.level, note.code) for note in of(result)] == [("error", "broker-error")]


def test_what_passed_is_said_with_what_was_injected(results, repository):
    (line,) = annotated(results.lost_ack())
    assert line.startswith(f"::notice file=scenarios/lost-ack.yaml,line={line_of('title')},col=1,title=PASSED lost-ack")
    assert line.endswith("%0A2 faults injected.")
    assert quality(results.lost_ack()) == []


def test_no_pass_where_nothing_was_injected(results):
    """Every expectation may hold: a plain success would be taken for a proof."""
    arms = [
        results.change(arm, wire=results.change(arm.wire, faults=[FaultCount("lose it", 4, 0)]))
        for arm in (results.off_arm(), results.on_arm())
    ]
    result = results.run(*arms)
    assert [(note.level, note.code) for note in of(result)] == [("warning", "nothing-injected")]
    assert "PASSED" not in annotated(result)[0]
    (issue,) = quality(result)
    assert (issue["severity"], issue["check_name"]) == ("info", "ackdrop/nothing-injected")


def test_the_log_alone_needs_no_fault(results):
    assert [note.level for note in of(results.alone(0))] == ["notice"]


def test_several_runs_of_one_scenario(results):
    titles = [note.title for note in of(results.repeated())]
    assert titles[0] == "FAILED lost-ack, on: duplicates 0"
    assert "PASSED" not in " ".join(titles)


def test_the_worst_comes_first(results):
    runs = [Finished(result, None) for result in (results.lost_ack(), results.inconclusive(), results.failed(1))]
    assert [note.level for note in notes(runs)] == ["error", "warning", "warning", "warning", "notice"]


def test_code_quality_has_what_gitlab_asks_for(results, repository):
    issues = quality(results.failed(2), results.inconclusive(), results.failed(2))
    assert {issue["severity"] for issue in issues} == {"critical", "minor"}
    for issue in issues:
        assert issue["severity"] in SEVERITIES
        assert issue["description"]
        assert issue["location"]["path"] == "scenarios/lost-ack.yaml"
        assert issue["location"]["lines"]["begin"] >= 1
    fingerprints = [issue["fingerprint"] for issue in issues]
    assert len(set(fingerprints)) == len(fingerprints)


def test_a_fingerprint_stays_where_the_line_moves(results, repository):
    (before,) = quality(results.failed(2))
    file = repository / "scenarios" / "lost-ack.yaml"
    file.write_text("# one line more\n" + file.read_text())
    (after,) = quality(results.failed(5))
    assert after["location"]["lines"]["begin"] == before["location"]["lines"]["begin"] + 1
    assert after["fingerprint"] == before["fingerprint"]


def test_a_file_outside_the_repository_has_a_path_all_the_same(results, tmp_path, monkeypatch):
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    result = results.failed(1)
    result = results.change(result, scenario=results.change(result.scenario, file=str(SHIPPED)))
    (issue,) = quality(result)
    assert issue["location"]["path"] == "lost-ack.yaml"


def test_a_scenario_that_is_not_valid_has_its_errors_at_their_lines(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("version: 1\nsed: 7\nrepeat: 0\n")
    with pytest.raises(UsageError) as caught:
        load(file)
    assert [(note.level, note.spot.line) for note in of_error(caught.value)] == [("error", 2), ("error", 3)]


def test_any_other_error_says_what_to_do(tmp_path):
    (note,) = of_error(UsageError("no broker is named", remedy="--bootstrap HOST:PORT"))
    assert (note.lines, note.spot) == (("no broker is named", "try: --bootstrap HOST:PORT"), None)


@given(name=st.text(st.characters(), max_size=30) | st.sampled_from(["\n::error::x", "%0A", "a,b:c", "##[x]", "::"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_ends_a_command_or_begins_another(results, name):
    for line in annotated(results.hostile(name)):
        found = COMMAND.fullmatch(line)
        assert found is not None
        for each in found[2].strip().split(","):
            assert re.fullmatch(r"(file|line|col|title)=[^:,\r\n]*", each)
    assert json.loads(gitlab.text([Finished(results.hostile(name), None)]))


@pytest.mark.parametrize(
    ("output", "harmless"),
    [
        ("::error::x\n", "\\::error::x\n"),
        ("a\n  ::stop-commands::x", "a\n\\  ::stop-commands::x"),
        ("x ##[error]y", "x #\\#[error]y"),
        ("a::b", "a::b"),
    ],
)
def test_a_table_among_annotations_holds_none(output, harmless):
    assert github.harmless(output) == harmless
