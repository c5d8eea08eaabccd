"""`report.json`: exactly the contract, whole or not at all, and readable again."""

from __future__ import annotations

import datetime
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.errors import SurroundingsError, UsageError
from ackdrop.report import as_json
from ackdrop.report.finished import Finished

KINDS = ["lost_ack", "failed", "inconclusive", "resend", "proxy", "unknown", "repeated", "alone"]
ARM = "name idempotence verdict producer records wire log findings expectations"
WIRE = "connections produce_requests retries acks_dropped acks_withheld acks_delayed undecoded faults"
LOG = "records distinct duplicates lost unacked_present out_of_order phantom offset_mismatch past_proxy"
ATTEMPT = (
    "at connection correlation_id topic partition producer_id producer_epoch base_sequence records crc "
    "base_offset error ack"
)

MORE = "number acks retry_of answered_at acked_at fault injected"


def keys(value):
    return " ".join(value)


def test_keys_are_the_contract(results):
    """Section 4 of the design, name by name and in its order; what goes beyond it stands behind."""
    report = json.loads(as_json.one(results.lost_ack()))
    arm, finding = report["arms"][0], report["arms"][0]["findings"][0]
    assert keys(report) == "schema scenario broker verdict reasons exit_code arms notes run repeat failures shard"
    assert report["schema"] == "ackdrop/report/1"
    assert keys(report["scenario"]) == "title file seed sha256 combination"
    assert keys(report["broker"]) == "kind version source bootstrap cluster_id"
    assert keys(arm) == f"{ARM} isolation"
    assert keys(arm["producer"]).startswith("client version config")
    assert keys(arm["records"]) == "sent acked failed unknown"
    assert keys(arm["wire"]) == WIRE
    assert keys(arm["wire"]["faults"][0]) == "name matched fired"
    assert keys(arm["log"]) == f"{LOG} aborted"
    assert keys(finding) == "kind cause record places fault attempts"
    assert keys(finding["places"][0]) == "topic partition offset"
    assert keys(finding["attempts"][0]) == f"{ATTEMPT} {MORE}"
    assert keys(arm["expectations"][0]) == "expect actual held"


def test_reasons_are_the_contract(results):
    report = json.loads(as_json.one(results.inconclusive()))
    assert [keys(reason) for reason in report["reasons"]] == ["code arm text"] * 2


@pytest.mark.parametrize("name", KINDS)
def test_round_trip(results, tmp_path, name):
    result = getattr(results, name)()
    as_json.write(result, tmp_path / "report.json")
    assert as_json.read(tmp_path) == result
    assert as_json.read(tmp_path / "report.json") == result


def test_one_result_is_itself_and_several_are_an_array(results):
    one, other = Finished(results.lost_ack(), None), Finished(results.failed(), None)
    assert as_json.text([one]) == as_json.one(one.result)
    assert json.loads(as_json.text([one, other])) == [json.loads(as_json.one(run.result)) for run in (one, other)]
    assert json.loads(as_json.text([])) == []


def test_unknown_is_null(results):
    report = json.loads(as_json.one(results.unknown()))
    assert set(report["arms"][0]["log"].values()) == {None}


def test_only_ascii_is_written(results, tmp_path):
    scenario = results.change(results.run().scenario, title="ö\x9b\x1b\udce9\u202e")
    result = results.run(scenario=scenario)
    as_json.write(result, tmp_path / "r.json")
    assert (tmp_path / "r.json").read_bytes().isascii()
    assert b"\x1b" not in (tmp_path / "r.json").read_bytes()
    assert as_json.read(tmp_path / "r.json") == result


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=()), max_size=20))
def test_any_name_is_harmless_and_read_back(results, tmp_path, name):
    """Nothing but printable ASCII and line breaks, from which every name comes back as it was."""
    result = results.hostile(name)
    as_json.write(result, tmp_path / "r.json")
    found = (tmp_path / "r.json").read_text("ascii")
    assert all(char == "\n" or " " <= char <= "~" for char in found)
    assert as_json.read(tmp_path / "r.json") == result


def test_what_json_has_no_word_for_becomes_text(results):
    arm = results.off_arm()
    arm = results.change(arm, producer=results.change(arm.producer, config={"since": datetime.date(2026, 1, 2)}))
    assert json.loads(as_json.one(results.run(arm)))["arms"][0]["producer"]["config"] == {"since": "2026-01-02"}


def test_standard_output(results, capsys):
    as_json.write(results.lost_ack(), "-")
    assert json.loads(capsys.readouterr().out)["verdict"] == "passed"


def test_a_file_is_replaced_whole(results, tmp_path):
    """Who has the old file open goes on reading the old one: it was never cut or written over."""
    path = tmp_path / "report.json"
    path.write_text("old")
    with path.open() as reader:
        as_json.write(results.lost_ack(), path)
        assert reader.read() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_pipe_is_written_to(results, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    as_json.write(results.lost_ack(), path)
    assert os.read(reader, 20).startswith(b"{")
    os.close(reader)


def test_a_place_that_cannot_be_written(results, tmp_path):
    with pytest.raises(SurroundingsError, match="could not be written: No such file"):
        as_json.write(results.lost_ack(), tmp_path / "missing" / "report.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SurroundingsError, match="Is a directory"):
        as_json.write(results.lost_ack(), tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[]", "is not a report of the schema ackdrop/report/1, but None"),
        ('{"schema": "ackdrop/report/9"}', "but 'ackdrop/report/9'"),
        ('{"schema": "ackdrop/report/1"}', "is not a whole report: scenario"),
    ],
)
def test_what_is_no_report(tmp_path, content, message):
    (tmp_path / "report.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=message):
        as_json.read(tmp_path)


def test_no_report_at_all(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        as_json.read(tmp_path)
