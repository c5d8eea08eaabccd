"""Warnings: each where it must be, and none where it might be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import examine

AT = "at: produce.response"
DROP = "do: {drop: {}}"
INIT = "init_producer_id.response"
OFF = "arms: [{name: a, idempotence: false}]\ncontrol: none\n"
ON = "arms: [{name: a, idempotence: true}]\ncontrol: none\n"
BOTH = "arms: [{name: a, idempotence: true}, {name: b, idempotence: false}]\ncontrol: none\n"
WORK = "workload: {records: 5, pipelined: false%s}\n"


def rule(text: str, at: str = AT, do: str = DROP) -> str:
    return f"{{{at}, {text}, {do}}}" if text else f"{{{at}, {do}}}"


def faults(*rules: str, before: str = "") -> str:
    return f"version: 1\n{before}faults:\n" + "".join(f"- {one}\n" for one in rules)


def warned(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    examined = examine(path)
    assert examined.errors() == []
    assert examined.scenarios
    return [f"{found.line}:{found.column}: {found.text}" for found in examined.warnings()]


NEVER = [
    (
        faults(rule("match: {topic: orders}")),
        "3:41: faults[0].match.topic: no topic of a run fits: ackdrop run calls it ackdrop-mine-off-…",
    ),
    (faults(rule("match: {topic: [ackdrop-other-*, 'ackdrop-mine-o?-???']}")), "3:41: faults[0].match.topic: no topic"),
    (faults(rule("match: {topic: 'ackdrop-mine-*-[g-z]*'}")), "3:41: faults[0].match.topic: no topic"),
    (
        faults(rule("match: {client_id: orders}")),
        "3:45: faults[0].match.client_id: no client id of a run fits: ackdrop run gives ackdrop-off, ackdrop-on",
    ),
    (
        faults(rule("match: {idempotent: true}"), before="arms: [{name: a, idempotence: false}]\n"),
        "4:46: faults[0].match.idempotent: no arm has idempotence: true",
    ),
    (
        faults(rule("match: {idempotent: false}"), before="arms: [{name: a, idempotence: true}]\ncontrol: none\n"),
        "5:46: faults[0].match.idempotent: no arm has idempotence: false",
    ),
    (
        faults(rule("match: {transactional_id: '*'}")),
        "3:52: faults[0].match.transactional_id: the producers of ackdrop run have no transactional id",
    ),
    (faults(rule("match: {acks: 1}")), "3:40: faults[0].match.acks: the workload asks for acks: all"),
    (
        faults(rule("match: {acks: all}"), before="workload: {config: {acks: 1}}\n"),
        "4:40: faults[0].match.acks: the workload asks for acks: 1",
    ),
    (
        faults(rule(""), before="workload: {config: {acks: 0}}\n"),
        "4:8: faults[0].at: with acks: 0 a produce request has no answer, so nothing can happen to it",
    ),
    (
        faults(rule("match: {attempt: first}, when: {nth: 6}"), before=WORK % ""),
        "4:63: faults[0].when.nth: there is no first attempt number 6: the workload sends 5 records, one at a time",
    ),
    (
        faults(rule("match: {attempt: 1}, when: {nth: [3, 11, 12]}"), before=WORK % ", sends: 2"),
        "4:59: faults[0].when.nth: there is no first attempt number 11 and 12: the workload sends 10 records",
    ),
    (
        faults(rule("match: {attempt: first}, when: {nth: 16}"), before=WORK % ", resend_failed: 2"),
        "4:63: faults[0].when.nth: there is no first attempt number 16: the workload sends at most 15 records, one at",
    ),
    (
        "version: 1\nworkload: {resend_failed: 1}\n",
        "2:27: workload.resend_failed: nothing in this scenario makes a send fail, so there may be none to send again",
    ),
    (
        faults(rule("", "at: produce.request", "do: {duplicate: {}}"), before="workload: {resend_failed: 1}\n"),
        "2:27: workload.resend_failed: nothing in this scenario makes a send fail",
    ),
    (
        faults(rule("match: {attempt: first}, when: {every: 6}"), before=WORK % ""),
        "4:65: faults[0].when.every: there is no first attempt number 6",
    ),
    (
        faults(rule("match: {attempt: retry}")),
        "3:43: faults[0].match.attempt: nothing in this scenario forces a retry, so there may be none to match",
    ),
    (
        faults(rule("", "at: produce.request", "do: {duplicate: {}}"), rule("match: {attempt: 3}")),
        "4:43: faults[1].match.attempt: nothing in this scenario forces a retry",
    ),
    (
        faults(rule("when: {after: 3m}")),
        "3:40: faults[0].when.after: the producer has ended before, at workload.deadline",
    ),
    (
        faults(rule("name: a, when: {following: b}"), rule("name: b, when: {following: a}")),
        "3:53: faults[0].when.following: the faults follow each other in a circle",
    ),
    (
        faults(rule("name: a, match: {acks: 1}"), rule("name: b, when: {following: a, first: 1}")),
        "4:53: faults[1].when.following: 'a' can never fire, so this fault never begins",
    ),
    (
        faults(rule("", f"at: {INIT}"), before=OFF),
        "5:8: faults[0].at: no arm has idempotence: true, and no other producer asks for a producer id",
    ),
    (
        faults(rule("match: {api: init_producer_id}", "at: '*.request'"), before=OFF),
        "5:8: faults[0].at: no arm has idempotence: true, and no other producer asks for a producer id",
    ),
    (
        faults(rule("name: a", f"at: {INIT}"), rule("when: {following: a}"), before=BOTH),
        "2:38: arms[1]: no fault has a place in the arm 'b', so the run will be inconclusive",
    ),
    (
        faults(rule("match: {idempotent: true}")),
        "1:1: arms[0]: no fault has a place in the arm 'off', so the run will be inconclusive",
    ),
    (
        faults(rule("match: {idempotent: false}"), rule("match: {idempotent: true, acks: 1}")),
        "1:1: arms[1]: no fault has a place in the arm 'on', so the run will be inconclusive",
    ),
    (
        faults(rule(""), before="workload: {config: {acks: 1}}\n"),
        "2:27: workload.config.acks: an idempotent producer needs acks: all, so kafka-python will refuse to start in",
    ),
    (
        faults(rule(""), before="workload: {producer: confluent-kafka, config: {retries: 0}}\n"),
        "2:57: workload.config.retries: an idempotent producer needs retries, so confluent-kafka will refuse to start",
    ),
    (
        faults(rule(""), before="workload: {config: {max_in_flight: 6}}\n"),
        "2:36: workload.config.max_in_flight: an idempotent producer needs max_in_flight: 5 or less, so kafka-python",
    ),
    (
        faults(rule("name: a"), rule("name: b, match: {attempt: first}, when: {nth: 3}")),
        "4:3: faults[1]: 'a' comes first and fires at everything that matches here",
    ),
]


@pytest.mark.parametrize(("text", "said"), NEVER)
def test_what_can_never_fire(tmp_path: Path, text: str, said: str) -> None:
    assert [found for found in warned(tmp_path, text) if found.startswith(said)]


NOTHING = [
    faults(rule("match: {topic: 'ackdrop-*'}")),
    faults(rule("match: {topic: [orders, 'ackdrop-mine-on-????????']}")),
    faults(rule("match: {topic: 'ackdrop-mine-off-*[0-9a-f]'}")),
    faults(rule("match: {client_id: 'ackdrop-on'}")),
    faults(rule("match: {client_id: x}"), before="workload: {client_config: {client_id: x}}\n"),
    faults(rule("match: {idempotent: true}"), rule("when: {nth: 2}")),
    faults(rule("match: {idempotent: true}"), before=ON),
    faults(rule("", f"at: {INIT}"), rule("when: {nth: 2}")),
    faults(rule("", f"at: {INIT}"), before=ON),
    faults(rule("", "at: '*.response'"), before=OFF),
    faults(rule("", f"at: {INIT}"), before=OFF + "workload: {client_config: {enable.idempotence: true}}\n"),
    faults(rule(""), before="workload: {config: {acks: 0}, client_config: {acks: all}}\n"),
    faults(rule(""), before="workload: {producer: aiokafka, config: {retries: 0, max_in_flight: 6}}\n"),
    faults(rule(""), before=OFF + "workload: {config: {acks: 1, retries: 0, max_in_flight: 6}}\n"),
    faults(rule(""), before="workload: {config: {max_in_flight: 5}}\n"),
    faults(
        rule("match: {idempotent: true}"),
        before="arms: [{name: a, idempotence: false}]\nworkload: {client_config: {enable.idempotence: true}}\n",
    ),
    faults(rule("match: {transactional_id: '*'}"), before="workload: {client_config: {transactional.id: x}}\n"),
    faults(rule("match: {acks: all}")),
    faults(rule("match: {acks: 1}"), before="workload: {client_config: {acks: 1}}\n"),
    faults(
        rule("match: {acks: 1}"), rule("match: {attempt: first}", "at: produce.request", "do: {rewrite: {acks: 1}}")
    ),
    faults(rule("", "at: produce.request"), before=OFF + "workload: {config: {acks: 0}}\n"),
    faults(rule("", "at: metadata.response"), before=OFF + "workload: {config: {acks: 0}}\n"),
    faults(rule("match: {attempt: first}, when: {nth: 5}"), before=WORK % ""),
    faults(rule("when: {nth: 6}"), before=WORK % ""),
    faults(rule("match: {attempt: first}, when: {nth: 6}"), before="workload: {records: 5}\n"),
    faults(rule("match: {attempt: first}, when: {nth: 2}"), rule("match: {attempt: retry}")),
    faults(rule("match: {attempt: retry}"), rule("when: {after: 1s}", "at: connection", "do: {disconnect: {}}")),
    faults(rule("when: {after: 100s}")),
    faults(rule("name: a, when: {following: b}"), rule("name: b, match: {partition: 0}, when: {nth: 2}")),
    faults(rule("when: {probability: 0.5}"), rule("")),
    faults(rule("when: {times: 1}"), rule("")),
    faults(rule("when: {until: 3s}"), rule("")),
    faults(rule("match: {attempt: first}"), rule("")),
    faults(rule("match: {attempt: first}"), rule("match: {attempt: 2}")),
    faults(rule("match: {client_id: 'ackdrop-o*'}"), rule("match: {client_id: 'ackdrop-*'}")),
    faults(rule("match: {topic: orders}"), rule(""))[:0] + "version: 1\n",
    faults(
        rule("", "at: connection", "do: {latency: {for: 1ms}}"), rule("", "at: connection", "do: {latency: {for: 1ms}}")
    ),
    faults(rule("", "at: produce.request"), rule("")),
    "version: 1\nworkload: {records: 5, sends: 2}\ncontrol: none\n"
    "expect: {off: {duplicates: 5, distinct: 5, records: 10, sent: 10, acked: '<= 10'}, on: {lost: '!= 3'}}\n",
    "version: 1\nexpect: {on: {duplicates: 0}}\n",
    "version: 1\nworkload: {resend_failed: 1, client_config: {max_request_size: 10}}\n",
    faults(rule("match: {attempt: first}, when: {nth: 15}"), before=WORK % ", resend_failed: 2"),
    faults(rule(""), before="workload: {records: 5, resend_failed: 1}\n")
    + "control: none\nexpect: {on: {sent: 10, failed: 10, acked: 5}}\n",
    faults(rule("", "at: workload", "do: {kill: {for: 1s}}"), before="workload: {records: 5}\n")
    + "control: none\nexpect: {on: {sent: 12}}\n",
]


@pytest.mark.parametrize(
    "text", [*NOTHING, *(case[0] for case in NEVER if case[1] is None and "[0, 1]" not in case[0])]
)
def test_what_may_fire_or_hold(tmp_path: Path, text: str) -> None:
    assert warned(tmp_path, text) == []


def test_a_retry_of_any_number_covers_the_second_attempt(tmp_path: Path) -> None:
    first = rule("match: {attempt: first}, when: {nth: 3}")
    text = faults(
        first,
        rule("name: a, match: {attempt: retry, partition: [0, 1]}"),
        rule("match: {attempt: 2, partition: 1}"),
        before="workload: {topic: {partitions: 2}}\n",
    )
    assert [found.split(": ")[1] for found in warned(tmp_path, text)] == ["faults[2]"]


def test_a_fault_that_never_fires_overrules_nothing(tmp_path: Path) -> None:
    text = faults(rule("match: {topic: orders}"), rule("match: {topic: orders}"))
    assert [found.split(": ")[1] for found in warned(tmp_path, text)] == [
        "faults[0].match.topic",
        "faults[1].match.topic",
    ]


def test_what_follows_one_that_is_overruled_never_begins(tmp_path: Path) -> None:
    text = faults(
        rule("name: a"), rule("name: b"), rule("name: c, when: {following: b}", "at: connection", "do: {reset: {}}")
    )
    assert [found.split(": ")[1] for found in warned(tmp_path, text)] == ["faults[1]", "faults[2].when.following"]


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("off: {lost: '< 0'}", "expect.off.lost: no figure is below 0, so lost cannot be"),
        ("on: {distinct: 6}", "expect.on.distinct: distinct is never more than 5 with this workload"),
        ("on: {sent: '> 10'}", "expect.on.sent: sent is never more than 10 with this workload"),
        ("on: {acked: '>= 11'}", "expect.on.acked: acked is never more than 10 with this workload"),
        ("off: {duplicates: 0}", "expect.off.duplicates: this arm is the control, which must show a duplicate"),
        ("off: {duplicates: '< 1'}", "expect.off.duplicates: this arm is the control, which must show a duplicate"),
        (
            "on: {records: 9, distinct: 5, duplicates: 5}",
            "expect.on.records: records is distinct and duplicates together, which these three never are",
        ),
        ("on: {records: '< 5', distinct: 5}", "expect.on.records: records is distinct and duplicates together"),
        ("on: {records: '> 7', distinct: '<= 5', duplicates: 1}", "expect.on.records: records is distinct"),
    ],
)
def test_expectations_that_can_never_hold(tmp_path: Path, expect: str, said: str) -> None:
    (found,) = warned(tmp_path, f"version: 1\nworkload: {{records: 5, sends: 2}}\nexpect: {{{expect}}}\n")
    assert found.split(": ", 1)[1].startswith(said)


def test_what_is_sent_again_is_acked_once(tmp_path: Path) -> None:
    text = faults(rule(""), before="workload: {records: 5, resend_failed: 2}\n")
    text += "control: none\nexpect: {on: {sent: 16, acked: 6}}\n"
    assert [found.split(": ", 1)[1] for found in warned(tmp_path, text)] == [
        "expect.on.sent: sent is never more than 15 with this workload",
        "expect.on.acked: acked is never more than 5 with this workload",
    ]


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_the_shipped_ones_have_none(path: Path) -> None:
    assert [found.shown for found in examine(path).diagnostics] == []


def test_a_warning_says_so_and_has_its_code(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(faults(rule("match: {acks: 1}")))
    (found,) = examine(path).diagnostics
    assert (found.severity, found.code, found.hint) == ("warning", "never-fires", "see workload.config.acks")
    assert found.shown.split("\n")[0] == f"{path}:3:40: warning: faults[0].match.acks: the workload asks for acks: all"
