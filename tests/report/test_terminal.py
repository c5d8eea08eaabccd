"""The report on a terminal, as a person sees it: whole screens at 80 columns, and what must hold at any width."""

from __future__ import annotations

import io
import subprocess
import textwrap
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ackdrop.report.terminal import render
from ackdrop.result import ExpectationResult, Failure, Reason

LOST_ACK = """
The ack is lost after the append         lost-ack · seed 7 · kafka-python 3.0.12
Redpanda 22.3.25 at 127.0.0.1:9092 (found)

                        idempotence off     idempotence on
  sent, acked                  200, 200           200, 200
  acks dropped                        1                  1
  retries forced                      1                  1
  records in the log                201                200
  duplicates                          1                  0
  lost, out of order               0, 0               0, 0
  expected             duplicates ≥ 1 ✓     duplicates 0 ✓
                               lost 0 ✓           lost 0 ✓
                                          out_of_order 0 ✓

off  record 2 stands at offsets 2 and 3 of partition 0
       0.857 s  connection 2  sent: appended at 2, ack dropped: "lose the third
                              ack"
       3.966 s  connection 3  sent again, no producer id: appended at 3, acked
       The client sent it again without a producer id, so the broker could not
       know it again. (retry-unprotected)

on   record 2 stands at offset 2 of partition 0 alone
       0.864 s  connection 2  producer 1, epoch 0, sequence 2: appended at 2,
                              ack dropped: "lose the third ack"
       3.967 s  connection 3  the same sequence again: answered with offset 2,
                              not written, acked

PASSED  With idempotence on, the retry left no duplicate; with it off, it left
        1.
"""

FAILED = """
on   record 0 stands at offsets 0 and 200 of partition 0
       0.857 s  connection 2   producer 1, epoch 0, sequence 0: appended at 0, ack dropped: "lose the third ack"
       4.000 s  connection 12  the same sequence again: appended at 200, acked
     record 1 stands at offsets 1 and 201 of partition 0
       0.857 s  connection 2   producer 1, epoch 0, sequence 1: appended at 1, ack dropped: "lose the third ack"
       4.000 s  connection 12  the same sequence again: appended at 201, acked
     record 2 stands at offsets 2 and 202 of partition 0
       0.857 s  connection 2   producer 1, epoch 0, sequence 2: appended at 2, ack dropped: "lose the third ack"
       4.000 s  connection 12  the same sequence again: appended at 202, acked
       The broker appended one producer id, epoch and sequence twice: it should not have. (broker-did-not-deduplicate)
     and 4 more: see them with --json

FAILED  With idempotence on, 7 duplicates reached the log.
        - on: Expected duplicates 0, counted 7: the findings show where. (expectation-failed)
"""

INCONCLUSIVE = """
                               idempotence off     idempotence on
  sent, acked                         200, 200           200, 200
  faults fired                               0                  0
  retries                                    0                  0
  records in the log                       200                200
  duplicates                                 0                  0
  lost, out of order                      0, 0               0, 0
  expected             duplicates ≥ 1, was 0 ✗     duplicates 0 ✓
                                                         lost 0 ✓
                                                 out_of_order 0 ✓

INCONCLUSIVE  Nothing is proved either way.
              - off: The fault "lose the third ack" matched 0 times, so it never
                fired: see its `match` (topic, partition). (fault-never-fired)
              - No retry left a duplicate. (control-clean)
"""

PROXY = """
What passed the proxy                                       seed 7 · sarama 1.43
Redpanda 22.3.25 at 127.0.0.1:9092 (found)

                                proxy
  sent, acked                 unknown
  acks dropped                      1
  retries                           1
  records in the log              300
  duplicates                        0
  lost, out of order       0, unknown
  expected             duplicates 0 ✓
                             lost 0 ✓

proxy  records 3fa9c1… to 77ab01… stand at offsets 2 to 6 of orders, partition
       0, each once
          0.857 s  connection 2  producer 1002, epoch 0, sequence 17, 5 records:
                                 appended at 2, ack dropped
         30.900 s  connection 3  the same sequence again, 5 records: answered
                                 with offset 2, not written, acked

PASSED  Every expectation held: 1 retry, and no duplicate.
"""

UNKNOWN = """
                                proxy
  sent, acked                 unknown
  acks dropped                      1
  retries                           1
  records in the log          unknown
  duplicates                  unknown
  lost, out of order          unknown
  expected             duplicates 0 ?

INCONCLUSIVE  Nothing is proved either way.
"""

RESEND = """
off  record 0 stands at offsets 0 to 2 of partition 0
       0.000 s  connection 1  sent: appended at 0, acked
       0.100 s  connection 1  sent again, no producer id: appended at 1, acked
       0.200 s  connection 1  sent again, no producer id: appended at 2, acked
       The application sent it three times: each send is a record of its own.
       (application-resend)

on   record 0 stands at offsets 0 to 2 of partition 0
       0.000 s  connection 1  producer 5, epoch 0, sequence 0: appended at 0,
                              acked
       0.100 s  connection 1  sent again as sequence 1: appended at 1, acked
       0.200 s  connection 1  sent again as sequence 2: appended at 2, acked
       The application sent it three times, each send has its own sequence
       number: idempotence cannot know. (application-resend)

PASSED  Every expectation held: what an application sends again itself,
        idempotence does not take back.
"""

REPEATED = """
The ack is lost after the append         lost-ack · seed 7 · kafka-python 3.0.12
Redpanda 22.3.25 at 127.0.0.1:9092 (found)
4 of 5 runs: 3 passed, 1 failed · minimum / median / maximum

                                idempotence off             idempotence on
  sent                                      200                        200
  acked                                     200                        200
  acks dropped                                1                          1
  retries                                     1                          1
  records in the log                        201            200 / 200 / 202
  duplicates                                  1                  0 / 0 / 2
  lost                                        0                          0
  out of order                                0                          0
  runs                                 3 passed         3 passed, 1 failed
  expected             duplicates ≥ 1: 3 of 3 ✓     duplicates 0: 2 of 4 ✗
                               lost 0: 3 of 3 ✓           lost 0: 3 of 3 ✓
                                                  out_of_order 0: 2 of 2 ✓

Run 2

off  record 2 stands at offsets 2 and 3 of partition 0
"""

REPEATED_VERDICT = """
FAILED  Flaky: of 4 runs (5 were asked for) 3 passed, 1 failed. Run 2: With
        idempotence on, 2 duplicates reached the log.
        - on: In 1 of 4 runs: Expected duplicates 0, counted 2: the findings
          show where. (expectation-failed)
        Each run has a folder of its own; that of run 2 is 2/.
        again: ackdrop run lost-ack --seed 7
"""

ALONE = """
The log of orders, alone
Redpanda 22.3.25 at 127.0.0.1:9092 (found)

                                       log
  read as                   read_committed
  records in the log                   300
  of aborted transactions                4
  duplicates                             2
  lost, out of order               unknown

PASSED  2 duplicates in the log. Nobody watched the wire, so it does not tell
        why.
"""

KINDS = ["lost_ack", "failed", "inconclusive", "resend", "proxy", "unknown", "repeated", "alone"]
HOSTILE = "a\x1b]0;owned\x07\x1b[31m[red]x[/red]\r\n\u202etxt\x9b2J:smile:"
HARMLESS = "a\\x1b]0;owned\\x07\\x1b[31m[red]x[/red] \\u202etxt\\x9b2J:smile:"


def below(text: str, start: str) -> str:
    """From the line after the empty one that stands before `start`."""
    return "\n" + text[text.index(start) :]


def test_passing_lost_ack(results, shown):
    assert "\n" + shown(results.lost_ack()) == LOST_ACK


def test_failed(results, shown):
    text = shown(results.failed(), 140)
    assert below(text, "on   record 0") == FAILED
    assert "duplicates 0, was 7 ✗" in text


def test_inconclusive(results, shown):
    assert below(shown(results.inconclusive()), " " * 31 + "idempotence off") == INCONCLUSIVE


def test_one_arm(results, shown):
    assert "\n" + shown(results.proxy()) == PROXY


def test_unknown_figures(results, shown):
    assert below(shown(results.unknown()), " " * 32 + "proxy") == UNKNOWN


def test_application_resend(results, shown):
    assert below(shown(results.resend()), "off  record 0") == RESEND


def test_several_runs(results, shown, tmp_path):
    text = shown(results.repeated(), folder=tmp_path)
    assert "\n" + text[: len(REPEATED) - 1] == REPEATED
    assert below(text, "FAILED").startswith(REPEATED_VERDICT)


def test_several_runs_that_did_not_begin(results, shown):
    result = results.change(results.repeated(), arms=[])
    empty = results.change(result, repeat=results.change(result.repeat, arms=[]))
    assert shown(empty).splitlines()[2:4] == ["4 of 5 runs: 3 passed, 1 failed · minimum / median / maximum", ""]


def test_a_log_alone(results, shown):
    assert "\n" + shown(results.alone()) == ALONE


def test_notes_are_told_once_and_the_command_last(results, shown):
    result = results.change(results.lost_ack(), notes=["One.", "Two."], run=results.run_info)
    assert shown(result, notes=["Two.", "Three."]).splitlines()[-4:] == [
        "        One.",
        "        Two.",
        "        Three.",
        "        again: ackdrop run lost-ack --seed 7",
    ]
    hostile = results.change(results.run_info, command=["ackdrop", HOSTILE])
    last = shown(results.change(result, run=hostile), 200).splitlines()[-1]
    assert last == f"        again: ackdrop '{HARMLESS}'"


def test_wide(results, shown):
    """At 140 columns no sentence is broken, and the header stays near what it heads."""
    lines = shown(results.lost_ack(), 140).splitlines()
    assert lines[0] == f"{'The ack is lost after the append':<61}lost-ack · seed 7 · kafka-python 3.0.12"
    assert '       0.857 s  connection 2  sent: appended at 2, ack dropped: "lose the third ack"' in lines
    assert lines[-1] == "PASSED  With idempotence on, the retry left no duplicate; with it off, it left 1."


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [40, 60, 80, 81, 140])
def test_no_line_is_longer_than_the_console(results, shown, name, width):
    lines = shown(getattr(results, name)(), width).splitlines()
    assert [line for line in lines if cell_len(line) > width or line != line.rstrip()] == []


@pytest.mark.parametrize("name", KINDS)
def test_colour_adds_nothing(results, shown, name):
    """What is said in colour is said without it too."""
    file = io.StringIO()
    console = Console(file=file, width=80, color_system="truecolor", force_terminal=True)
    render(getattr(results, name)(), console, None)
    assert "\x1b[" in file.getvalue()
    assert Text.from_ansi(file.getvalue()).plain.rstrip("\n") + "\n" == shown(getattr(results, name)())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.characters(exclude_categories=()) | st.sampled_from("\x1b\x07\x9b\r\n\t\u202e\u200b\ud800\u0301漢[]:"),
        max_size=30,
    ),
    width=st.sampled_from([40, 80, 200]),
    ascii_only=st.booleans(),
)
def test_any_name_is_harmless(results, name, width, ascii_only):
    """Nothing is printed that is not shown, on no line that is too long, and nothing that the terminal cannot show."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii" if ascii_only else "utf-8", write_through=True, newline="")
    render(results.hostile(name), Console(file=file, width=width, color_system=None), None)
    text = raw.getvalue().decode()
    spaces = [char for char in text if unicodedata.category(char) == "Zs"]
    assert [char for char in text if char != "\n" and char not in spaces and not char.isprintable()] == []
    assert max(map(cell_len, text.split("\n"))) <= width


@pytest.mark.parametrize("width", [80, 300])
def test_hostile_strings(results, shown, width):
    """Whatever comes from outside is shown, and neither the terminal nor rich acts on it."""
    off = results.off_arm()
    producer = results.change(off.producer, client=HOSTILE, not_applicable=[HOSTILE])
    lines = [results.change(line, topic=HOSTILE, error=HOSTILE) for line in off.findings[0].attempts]
    places = results.place(1, 2, topic=HOSTILE)
    finding = results.change(off.findings[0], record=HOSTILE, places=places, fault=HOSTILE, attempts=lines)
    arm = results.change(off, name=HOSTILE, producer=producer, findings=[finding])
    result = results.run(
        arm,
        verdict="error",
        scenario=results.change(results.run().scenario, title=HOSTILE, file=f"/x/{HOSTILE}.yaml"),
        broker=results.change(results.run().broker, bootstrap=HOSTILE, version=HOSTILE),
        reasons=[Reason("broken", HOSTILE, HOSTILE)],
    )
    text = shown(result, width, notes=[HOSTILE])
    assert [char for char in text if char != "\n" and not char.isprintable()] == []
    assert "😄" not in text
    if width == 300:
        assert text.count(HARMLESS) >= 8
    assert max(map(cell_len, text.splitlines())) <= width


def test_a_terminal_that_knows_only_ascii(results):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    result = results.change(results.failed(), scenario=results.change(results.run().scenario, title="Verlust: Größe"))
    render(result, Console(file=file, width=80, color_system=None), None)
    text = raw.getvalue().decode()
    assert "duplicates >= 1 ok" in text
    assert "duplicates 0, was 7 FAIL" in text
    assert "Verlust: Gr\\xf6\\xdfe" in text


def test_more_arms_than_fit_go_below_each_other(results, shown):
    arms = [results.change(results.on_arm(), name=f"arm {n}", findings=[]) for n in range(5)]
    text = shown(results.run(*arms))
    heads = [line.split("  ") for line in text.splitlines() if "arm " in line]
    assert [len([word for word in head if word]) for head in heads] == [2, 2, 1]
    wide = shown(results.run(*arms), 160)
    assert sum("arm " in line for line in wide.splitlines()) == 1


def test_no_arm_at_all(results, shown):
    result = results.run(verdict="error", broker=None, reasons=[Reason("no-broker", None, "Nobody answers.")])
    assert shown(result) == textwrap.dedent("""\
        The ack is lost after the append                               lost-ack · seed 7
        no broker

        ERROR  The run could not be done.
               - Nobody answers. (no-broker)
        """)


def test_folder_and_files(results, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    for name in ("events.jsonl", "report.json", "ledger.db", "other.txt"):
        (folder / name).touch()
    last = shown(results.failed(), folder=folder, notes=["3 records are not of this run."]).splitlines()[-4:]
    assert last == [
        "        3 records are not of this run.",
        "        report.json has every finding with its places and attempts, ledger.db",
        "        all that was seen on the wire.",
        "        runs/one/  report.json  ledger.db  events.jsonl",
    ]
    assert "and 4 more: see report.json" in shown(results.failed(), folder=folder)
    monkeypatch.chdir(folder)
    assert shown(results.failed(), 400, folder=tmp_path).splitlines()[-1] == f"        {tmp_path}/"


def test_long_folder(results, shown, tmp_path):
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    (folder / "report.json").touch()
    lines = shown(results.lost_ack(), folder=folder).splitlines()
    assert lines[-1] == "          report.json"
    assert str(folder) in "".join(line.strip() for line in lines[-6:-1])


def test_a_folder_s_name_is_whole_where_it_fits(results, shown, tmp_path, monkeypatch):
    """To be copied: it rather stands further to the left."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ("x" * 76)
    folder.mkdir()
    (folder / "report.json").touch()
    assert shown(results.lost_ack(), folder=folder).splitlines()[-2:] == [f"   {folder.name}/", "          report.json"]


def test_an_expectation_too_wide_for_its_column_goes_on_below(results, shown):
    wide = ExpectationResult("unacked_present >= 1000000", 3, False)
    arm = results.change(results.on_arm(), findings=[], expectations=[wide])
    lines = shown(results.run(arm, arm)).splitlines()
    start = next(n for n, line in enumerate(lines) if "expected" in line)
    assert lines[start].split() == ["expected", *("unacked_present", "≥", "1000000,") * 2]
    assert lines[start + 1].split() == ["was", "3", "✗"] * 2


def test_a_command_that_goes_on_is_one_for_a_shell(results, shown):
    """What is copied from several lines runs as the one command that it is."""
    command = ["ackdrop", "run", "--bootstrap", "127.0.0.1:29092", "--set", "workload.topic=a b", "--repeat", "20", "x"]
    result = results.change(results.lost_ack(), run=results.change(results.run_info, command=command))
    lines = shown(result, 60).splitlines()
    start = next(n for n, line in enumerate(lines) if "again: " in line)
    assert lines[start:] == [
        "        again: ackdrop run --bootstrap 127.0.0.1:29092 \\",
        "               --set 'workload.topic=a b' --repeat 20 x",
    ]
    copied = "\n".join(lines[start:]).partition("again: ")[2]
    script = f"ackdrop() {{ printf '%s\\n' ackdrop \"$@\"; }}\n{copied}"
    assert (
        subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
        == command
    )


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 100])
def test_no_mark_stands_alone(results, shown, width):
    """Whatever is broken of an expectation, its mark stays with its last word."""
    held = ExpectationResult("duplicates 0", 1, False)
    arm = results.change(results.on_arm(), findings=[], expectations=[held])
    known = [Failure("on", "duplicates", "more", None, True)]
    lines = shown(results.run(arm, arm, failures=known), width).splitlines()
    marked = [line for line in lines if line.endswith("✗")]
    assert marked
    assert all(line.split()[-2] in ("1", "known", "1,") for line in marked)
