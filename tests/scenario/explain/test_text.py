"""What is said of the shipped scenarios and of every fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ackdrop.cli.scenario import scenario as verbs
from ackdrop.clients import CLIENTS, Client
from ackdrop.errors import UsageError
from ackdrop.scenario.actions import ACTIONS, Action
from ackdrop.scenario.explain.text import explain
from ackdrop.scenario.files import find, shipped
from ackdrop.scenario.load import load
from ackdrop.scenario.pages import example

SAID = {
    "lost-ack": [
        "kafka-python makes 12 sends, as fast as it goes; each waits for the answer to the one before.",
        '1 "lose the third ack", at the answers to produce requests; first attempts alone; the 3rd that matches. '
        "The answer is lost, and so is every later one of its connection, until the client closes; requests still go",
        'ARM "off": idempotence off, the control 1 kafka-python waits for its request timeout, 2 s; then it closes the '
        "connection and sends again on a new one. The broker has these records already and cannot tell",
        'ARM "on": idempotence on 1 kafka-python waits for its request timeout, 2 s;',
        "Expected: duplicates >= 1, lost 0.",
        'The arm "off" is the control: where it shows no duplicate, the run proves nothing.',
    ],
    "lost-ack-disconnect": ["its connection is ended with a FIN", "kafka-python sees the end of its connection"],
    "lost-ack-reset": ["its connection is ended with a RST"],
    "lost-ack-pipelined": ["200 sends, 100 a second; it does not wait for answers, so several requests may be"],
    "delayed-ack": ["The answer arrives 5 s later", "kafka-python waits for its request timeout, 2 s; then it closes"],
    "timed-out-append": ["The client is told REQUEST_TIMED_OUT", "sends again after REQUEST_TIMED_OUT"],
    "injected-copy": [
        "ackdrop itself sends a copy of it on the same connection",
        "kafka-python notices nothing. The copy is appended like the original: a duplicate.",
        "No arm is the control (control: none)",
    ],
    "forgotten-producer": [
        "confluent-kafka takes UNKNOWN_PRODUCER_ID for final: it reports a failure. Expected: duplicates 0",
        "confluent-kafka takes a new epoch after UNKNOWN_PRODUCER_ID, and sends again in it. The broker has never seen",
    ],
    "corrupt-batch": ["sends again after CORRUPT_MESSAGE, at once or after its backoff. The broker has not had these"],
    "reordered-requests": [
        "confluent-kafka waits: it is not as long as its request timeout, so nothing is sent again.",
        "Two batches of one partition stand in the log in the wrong order. Expected: duplicates 0, lost 0",
        "the broker refuses the one that comes too early (45)",
    ],
    "late-after-window": [
        "The retry is appended, and the late request as well: a duplicate.",
        "more than 5 newer batches have gone by: the broker refuses it (45).",
    ],
    "given-up": [
        "Where the client reports a failure, the application sends the record again, once: a new send, which is no "
        "retry of the client's.",
        "kafka-python waits for its request timeout, 3 s; by then its delivery timeout is over, and it reports a "
        "failure. The application sends the record again, as a new one: the broker has it already, and appends it. "
        "That is a duplicate, whatever idempotence says. Expected: records >= 13",
    ],
    "application-resend": ["None: nothing is done on the way.", "The application itself sends each record 3 times"],
}


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", SAID)
def test_the_key_sentences_of_a_shipped_scenario(name: str) -> None:
    said = plain(explain(load(find(name)[0])))
    for sentence in SAID[name]:
        assert sentence in said


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_it_is_the_same_each_time_and_fits_a_terminal(path: Path) -> None:
    text = explain(load(path))
    assert text == explain(load(path))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.word)
def test_every_fault_at_each_of_its_places(action: type[Action]) -> None:
    text = example(action)
    for at in action.at:
        place = at.replace("*", "produce")
        where = next(line for line in text.splitlines() if line.startswith("  - at: "))
        found = load(text.replace(where, f"  - at: {place}"))
        (rule,) = found.rules
        said = action.said(rule.fault, place.partition(".")[2] or place)
        assert plain(f"{said[0].upper()}{said[1:]}.") in plain(explain(found))
        assert max(map(len, explain(found).splitlines())) <= 80


def test_the_picture_has_each_fault_beneath_its_place() -> None:
    text = explain(load(MANY))
    there, first, back, second = text.partition("THE PATH\n")[2].splitlines()[:4]
    for number, line, marks, word in (
        ("1", there, first, "connection"),
        ("2", there, first, "request"),
        ("4", there, first, "broker"),
        ("5", there, first, "client"),
        ("3", back, second, "response"),
    ):
        assert marks[line.index(word)] == number


def test_an_arm_whose_batches_do_not_fit_is_told_so() -> None:
    off, on = plain(explain(load(MANY))).partition('ARM "on"')[::2]
    assert "3 Never fires here: nothing in this arm fits." in off
    assert "Never fires" not in on


def test_aiokafka_without_idempotence_does_not_send_again_after_silence() -> None:
    text = find("lost-ack")[0].read_text().replace("producer: kafka-python", "producer: aiokafka")
    off, on = plain(explain(load(text))).partition('ARM "on"')[::2]
    assert "then it reports a failure and does not send again. Expected:" in off
    assert "then it closes the connection and sends again on a new one." in on


@pytest.mark.parametrize("code", ["CORRUPT_MESSAGE", "UNKNOWN_PRODUCER_ID", "OUT_OF_ORDER_SEQUENCE_NUMBER"])
def test_of_a_client_that_nobody_has_looked_at_no_more_is_said_than_is_known(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = CLIENTS["kafka-python"]
    unknown = Client(known.name, known.library, known.module, known.driver)
    text = find("timed-out-append")[0].read_text().replace("REQUEST_TIMED_OUT", code)
    monkeypatch.setitem(CLIENTS, "kafka-python", unknown)
    assert f"sends again if it takes {code} for an error that passes; else" in plain(explain(load(text)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("produce.response", "produce.request"), "the broker has not had it before, so this is the first copy."),
        (("at: produce.response", "at: connection"), "what the broker had appended stands twice, whatever idempotence"),
        (("drop: {then: hold}", "late: {release: 5s}"), "the late request, if it comes, is another copy, unless"),
        (("resend_failed: 1 ", "resend_failed: 3 "), "the application sends the record again, up to 3 times: a new"),
        (("resend_failed: 1 ", "resend_failed: 0 "), "is over, and it reports a failure. Expected: records >= 13"),
        (("delivery_timeout: 3s", "delivery_timeout: 9s"), "then it closes the connection and sends again on a new"),
        (("retries: 5", "retries: 0"), "(retries: 0): it reports a failure. The application sends the record again"),
    ],
)
def test_what_the_application_does_when_a_send_fails(change: tuple[str, str], says: str) -> None:
    text = find("given-up")[0].read_text().replace(*change)
    if "late" in change[1]:
        text = text.replace("produce.response", "produce.request")
    if "connection" in change[1]:
        text = text.replace("drop: {then: hold}", "blackhole: {for: 5s}").replace(
            "match: {attempt: first}", "match: {}"
        )
    assert says in plain(explain(load(text)))


@pytest.mark.parametrize(
    ("delay", "says"),
    [
        ("{for: 1s, jitter: 500ms}", "it is not as long as its request timeout, so nothing is sent again."),
        ("{for: 1s, jitter: 1s}", "it is not as long as its request timeout, so nothing is sent again."),
        ("{for: 2s, jitter: 500ms}", "waits; only what takes longer than its request timeout is sent again."),
        ("{for: 3s, jitter: 500ms}", "waits for its request timeout, 2 s; then it closes the connection"),
    ],
)
def test_a_delay_is_held_against_the_request_timeout(delay: str, says: str) -> None:
    text = find("delayed-ack")[0].read_text().replace("{for: 5s}", delay)
    assert says in plain(explain(load(text)))


def test_the_verb_prints_it() -> None:
    result = CliRunner().invoke(verbs, ["explain", "lost-ack"])
    assert result.exit_code == 0
    assert result.output == explain(load(find("lost-ack")[0])) + "\n"


def test_a_folder_is_too_many() -> None:
    assert isinstance(CliRunner().invoke(verbs, ["explain", str(shipped()[0].parent)]).exception, UsageError)


MANY = """\
version: 1
workload: {records: 20, topic: {partitions: 3}, config: {request_timeout: 2s}}
faults:
  - {at: connection, when: {after: 1s}, do: {latency: {for: 50ms, jitter: 10ms}}}
  - {at: produce.request, when: {every: 4, times: 2}, do: {late: {release: {acked_batches: 6}}}}
  - name: the error
    at: produce.response
    match: {idempotent: true, partition: [0, 2], records: ">= 2"}
    when: {probability: 0.25, per: partition}
    do: {error: {code: NOT_LEADER_OR_FOLLOWER}}
  - {at: broker, when: {following: the error}, do: {pause: {for: 3s}}}
  - {at: workload, when: {nth: 30}, do: {kill: {}}}
"""


@pytest.mark.parametrize(
    "sentence",
    [
        "at connections; every one that matches, not before 1 s after the first produce request. Every byte of the "
        "connection takes 50 ms longer, give or take 10 ms, in each direction.",
        "every 4th that matches, at most 2 times.",
        "is held back until 6 newer batches of its partition have been acked; then the broker gets it.",
        "with a producer id, partition 0 or 2, with a number of records of at least 2; by chance, 25 in 100, drawn "
        "from seed 0, each partition counted by itself.",
        'only after "the error" has fired, once.',
        "the 30th that matches. The producer's process is killed, and a new one goes on with its work.",
        "more than 5 newer batches have gone by: the broker refuses it (45).",
    ],
)
def test_what_is_said_of_a_composed_scenario(sentence: str) -> None:
    assert sentence in plain(explain(load(MANY)))


@pytest.mark.parametrize("do", ["duplicate: {}", "reorder: {}", "late: {release: 9s}"])
def test_what_is_done_to_other_requests_puts_nothing_into_the_log(do: str) -> None:
    text = plain(explain(load(f"version: 1\nfaults: [{{at: metadata.request, do: {{{do}}}}}]\n")))
    off = text.partition('ARM "off"')[2].partition("Expected")[0]
    assert "notices nothing." in off or "asks again, or goes without it" in off
    assert "append" not in off
    assert "log" not in off


@pytest.mark.parametrize(
    ("release", "says"),
    [
        ("1s", "waits: it is not as long as its request timeout, so nothing is sent again. So the late request, if it"),
        (
            "3s",
            "then it closes the connection and sends again on a new one. The retry is appended, and the late request",
        ),
        ("retried", "then it closes the connection and sends again on a new one. The retry is appended, and the late"),
    ],
)
def test_a_late_request_is_held_against_the_request_timeout(release: str, says: str) -> None:
    work = "workload: {config: {request_timeout: 2s}}"
    rule = f"{{at: produce.request, do: {{late: {{release: {release}}}}}}}"
    assert says in plain(explain(load(f"version: 1\n{work}\nfaults: [{rule}]\n")))
