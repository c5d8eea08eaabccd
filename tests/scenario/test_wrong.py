"""Wrong scenarios, and what is said of them: place, text and hint, all of a file at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Read = Callable[[str], list[str]]

TOP = (
    "version, title, description, seed, workload, arms, control, identity, isolation, repeat, faults, expect, "
    "variables, matrix, include"
)
WORKLOAD = "producer, records, sends, resend_failed, rate, pipelined, value, topic, config, client_config, deadline"
ARMS = "arms: [{name: a, idempotence: false}, {name: b, idempotence: true}]"


def rule(text: str) -> str:
    """One rule; its text begins in column 12 of line 2."""
    return f"version: 1\nfaults: [ {{{text}}} ]\n"


def work(text: str) -> str:
    """A workload; its text begins in column 12 of line 2."""
    return f"version: 1\nworkload: {{{text}}}\n"


def does(text: str) -> str:
    """One rule whose `do` begins in column 35 of line 2."""
    return rule(f"at: produce.response, do: {text}")


CORPUS = [
    # the top
    ("title: x", "1:1: the key 'version' is missing", "for example: version: 1"),
    (
        "version: 2",
        "1:10: version: expected 1, not the number 2",
        "this version of ackdrop reads scenarios of version 1",
    ),
    ("version: '1'", "1:10: version: expected 1, not the text '1'", "a number stands without quotes"),
    ("version: !!int 1", "1:10: a scenario has no YAML tags", None),
    ("version: 1\ntitle: 'a", "2:8: not YAML: this quote is never closed", "its end is missing: '"),
    ("version: 1\nfaults: [{a: 1}\n", "2:9: not YAML: this bracket is never closed", "its end is missing: ]"),
    ("version: 1\ntitle: a: b", "2:9: not YAML", 'a text with ": " in it needs quotes'),
    ("version: 1\n title: a", "2:7: not YAML", "keys of one mapping begin in one column, each with its colon"),
    ("version: 1\ntitle: *", "2:9: not YAML", 'a text that begins with * needs quotes: "*"'),
    ("version: 1\ntitle: @a", "2:8: not YAML", "a text that begins with @, `, % or & needs quotes"),
    ("version: 1\nseed: 1e3", "2:7: seed: expected a whole number", "did you mean 1000?"),
    ("version: 1\nseed: 1_000", "2:7: seed: expected a whole number", "did you mean 1000?"),
    ("version: 1\nversion : 1", "2:1: duplicate key 'version'", "it stands on line 1 already"),
    ("version: true", "1:10: version: expected 1, not true", None),
    ("version: 1\ntitel: x", "2:1: unknown key 'titel'", f"did you mean 'title'? expected one of: {TOP}"),
    ("version: 1\nzzz: x", "2:1: unknown key 'zzz'", f"expected one of: {TOP}"),
    ("version: 1\n<<: {}", "2:1: unknown key '<<'", "merge keys do not work: write the keys out, or include a part"),
    ("version: 1\nversion: 1", "2:1: duplicate key 'version'", "it stands on line 1 already"),
    ("version: 1\ntitle: 3", "2:8: title: expected a text, not the number 3", "put it in quotes"),
    ("version: 1\ntitle: ''", "2:8: title: expected one line of text, not an empty text", None),
    ("version: 1\ntitle: |\n a\n b", "2:8: title: expected one line of text, not the text 'a\\nb'", None),
    ("version: 1\ntitle:", "2:1: the key 'title' has no value", "give it one, or leave it out"),
    (
        "version: 1\nseed: -1",
        "2:7: seed: expected a whole number from 0 to 9223372036854775807, not the number -1",
        None,
    ),
    (
        "version: 1\nseed: 1.5",
        "2:7: seed: expected a whole number from 0 to 9223372036854775807, not the number 1.5",
        None,
    ),
    (
        "version: 1\nfaults: {}",
        "2:9: faults: expected a list, not a mapping",
        'for example: [{"at": "produce.response", ',
    ),
    (
        "version: 1\nworkload: 3",
        "2:11: workload: expected a mapping, not the number 3",
        'for example: {"records": 200}',
    ),
    ("version: 1\nworkload:", "2:1: the key 'workload' has no value", None),
    ("version: 1\ncontrol: off", "2:10: control: expected none, not the text 'off'", "leave the key out"),
    ("version: 1\ncontrol: null", "2:1: the key 'control' has no value", None),
    ("version: 1\nfaults: [,]", "2:10: not YAML", None),
    ("version: 1\nfaults:\n  - ~", "3:5: this item of the list has no value", None),
    (work("producer: [a]"), "2:22: workload.producer: a command as the producer is not in this version", None),
    # what names a record, which records count, how often
    (
        "version: 1\nidentity: order-id",
        "2:11: identity: 'order-id' names no part of a record: header:NAME, key, value and json:PATH do",
        "one of: header:NAME, key, value, json:PATH",
    ),
    ("version: 1\nidentity: 'header:'", "2:11: identity: header: needs the name of a header", None),
    (
        "version: 1\nidentity: json:$.",
        "2:11: identity: '$.' is no JSONPath (RFC 9535): expected a shorthand selector",
        "one of: header:NAME",
    ),
    ("version: 1\nidentity: {header: x}", "2:11: identity: expected what names a record, not a mapping", "one of:"),
    ("version: 1\nidentity: 5", "2:11: identity: expected what names a record, not the number 5", "one of:"),
    ("version: 1\nidentity:", "2:1: the key 'identity' has no value", None),
    (
        "version: 1\nisolation: read_comitted",
        "2:12: isolation: unknown isolation level 'read_comitted'",
        "did you mean 'read_committed'? expected one of: read_uncommitted, read_committed",
    ),
    ("version: 1\nrepeat: 0", "2:9: repeat: expected a whole number from 1 to 1000000, not the number 0", None),
    ("version: 1\nrepeat: 2.5", "2:9: repeat: expected a whole number from 1 to 1000000, not the number 2.5", None),
    ("version: 1\nrepeat: true", "2:9: repeat: expected a whole number from 1 to 1000000, not true", None),
    # workload
    (
        work("recrods: 9"),
        "2:12: workload: unknown key 'recrods'",
        f"did you mean 'records'? expected one of: {WORKLOAD}",
    ),
    (work("records: 0"), "2:21: workload.records: expected a whole number from 1 to 10000000, not the number 0", None),
    (
        work("records: '9'"),
        "2:21: workload.records: expected a whole number from 1 to 10000000, not the text '9'",
        "a number stands without quotes",
    ),
    (work("records: true"), "2:21: workload.records: expected a whole number from 1 to 10000000, not true", None),
    (work("sends: [3]"), "2:19: workload.sends: expected a whole number from 1 to 1000000, not a list", None),
    (
        work("resend_failed: -1"),
        "2:27: workload.resend_failed: expected a whole number from 0 to 1000, not the number -1",
        None,
    ),
    (
        work("resend_failed: true"),
        "2:27: workload.resend_failed: expected a whole number from 0 to 1000, not true",
        None,
    ),
    (
        work("resend_failed: once"),
        "2:27: workload.resend_failed: expected a whole number from 0 to 1000, not the text 'once'",
        None,
    ),
    (
        work("resend_failed: 1001"),
        "2:27: workload.resend_failed: expected a whole number from 0 to 1000, not the number 1001",
        None,
    ),
    (
        work("resend_faild: 1"),
        "2:12: workload: unknown key 'resend_faild'",
        f"did you mean 'resend_failed'? expected one of: {WORKLOAD}",
    ),
    (
        work("producer: kafka-pyhton"),
        "2:22: workload.producer: unknown producer 'kafka-pyhton'",
        "did you mean 'kafka-python'? expected one of: kafka-python, confluent-kafka, aiokafka",
    ),
    (
        work("producer: java"),
        "2:22: workload.producer: the producer 'java' is not in this version of ackdrop",
        "this version has: kafka-python, confluent-kafka, aiokafka",
    ),
    (
        work("producer: ./mine --now"),
        "2:22: workload.producer: a command as the producer is not in this version of ackdrop",
        "this version has: kafka-python, confluent-kafka, aiokafka",
    ),
    (work("pipelined: flase"), "2:23: workload.pipelined: expected true or false", "did you mean 'false'?"),
    (work("config: {acks: al}"), "2:27: workload.config.acks: expected all, 0 or 1", "did you mean 'all'?"),
    (work("deadline: .nan"), "2:22: workload.deadline: expected a duration such as 250ms, 3s or 2m, not the num", None),
    (work("deadline: -3"), "2:22: workload.deadline: expected a duration such as 250ms, 3s or 2m, not the numb", None),
    ("version: 1\nisolation: [a]", "2:12: isolation: expected an isolation level, not a list", "one of: read_unc"),
    (
        rule("at: \u0440roduce.request, do: {drop: {}}"),
        "2:16: faults[0].at: unknown place '\u0440roduce.request'",
        "did you mean 'produce.request'? ('\u0440' is CYRILLIC SMALL LETTER ER) expected one of: produce.request, ",
    ),
    (
        'version: 1\nexpect: {"on": {"\\n\\e": 1}}',
        "2:17: expect.on: unknown figure '\\n\\x1b'",
        "expected one of: records",
    ),
    ("version: 1\ns\u0435ed: 1", "2:1: unknown key", "did you mean 'seed'? ('\u0435' is CYRILLIC SMALL LETTER IE) exp"),
    (
        rule("at: connections, do: {disconnect: {}}"),
        "2:16: faults[0].at: unknown place 'connections'",
        "did you mean 'connection'? expected one of: produce.request, produce.response, connection, broker, workload, ",
    ),
    (
        rule("at: produce.response, match: {attempt: frist}, do: {drop: {}}"),
        "2:51: faults[0].match.attempt: expected any, first, retry or the attempt's number",
        "did you mean 'first'?",
    ),
    (
        rule("at: broker, do: {pause: {for: 1s, command: []}}"),
        "2:55: faults[0].do.pause.command: an empty list",
        "a command is a list such as [docker, restart, redpanda]",
    ),
    (work("producer: 3"), "2:22: workload.producer: expected a producer, not the number 3", "one of: kafka-python"),
    (
        work("rate: 100"),
        "2:18: workload.rate: expected a rate such as 100/s, not the number 100",
        "did you mean 100/s?",
    ),
    (
        work("rate: 2MiB/s"),
        "2:18: workload.rate: expected a rate such as 100/s, not the text '2MiB/s'",
        "a rate counts",
    ),
    (work("pipelined: maybe"), "2:23: workload.pipelined: expected true or false, not the text 'maybe'", None),
    (work("pipelined: 1"), "2:23: workload.pipelined: expected true or false, not the number 1", None),
    (
        work("value: [.nan]"),
        "2:19: workload.value: holds an infinity or a NaN, which JSON cannot say",
        "put it in quotes",
    ),
    (work("topic: {partitions: 0}"), "2:32: workload.topic.partitions: expected a whole number from 1 to 10000", None),
    (
        work("topic: orders"),
        "2:19: workload.topic: expected a mapping, not the text 'orders'",
        'for example: {"partitions"',
    ),
    (work("topic: {name: x}"), "2:20: workload.topic: unknown key 'name'", "expected one of: partitions, replication"),
    (work("config: {acks: al}"), "2:27: workload.config.acks: expected all, 0 or 1, not the text 'al'", None),
    (work("config: {acks: true}"), "2:27: workload.config.acks: expected all, 0 or 1, not true", None),
    (work("config: {linger: 5}"), "2:29: workload.config.linger: expected a duration such as 250ms, 3s", "mean 5s?"),
    (
        work("config: {batch_size: 64KB}"),
        "2:33: workload.config.batch_size: expected a size such as",
        "the units are B",
    ),
    (work("config: {compression: gz}"), "2:34: workload.config.compression: unknown compression 'gz'", "mean 'gzip'?"),
    (work("config: {retires: 5}"), "2:21: workload.config: unknown key 'retires'", "did you mean 'retries'?"),
    (work("client_config: [a]"), "2:27: workload.client_config: expected a mapping, not a list", "for example: "),
    (work("deadline: 0s"), "2:22: workload.deadline: a duration above zero is needed here", "expected a duration"),
    # arms
    ("version: 1\narms: []", "2:7: arms: an empty list", "leave the key out for the default"),
    (
        "version: 1\narms: [off]",
        "2:8: arms[0]: expected a mapping, not the text 'off'",
        'for example: {"name": "off", ',
    ),
    (
        "version: 1\narms: [{name: a/b, idempotence: false}]",
        "2:15: arms[0].name: 'a/b' cannot name a folder and a topic",
        "at most 40 letters, digits, dots, underscores and hyphens",
    ),
    (
        "version: 1\narms: [{name: 1, idempotence: no}]",
        "2:15: arms[0].name: expected a name, not the number 1",
        "quotes",
    ),
    ("version: 1\narms: [{idempotence: false}]", "2:8: arms[0]: the key 'name' is missing", 'for example: name: "off"'),
    (
        "version: 1\narms: [{name: A, idempotence: no}, {name: a, idempotence: yes}]",
        "2:43: arms[1].name: a second arm 'a'",
        "upper and lower case",
    ),
    (
        "version: 1\narms: [{name: a, idempotence: yes}]",
        "2:1: no arm without idempotence, so nothing is the control",
        "or say 'control: none'",
    ),
    # faults
    (rule("do: {drop: {}}"), "2:11: faults[0]: the key 'at' is missing", 'for example: at: "produce.response"'),
    (
        rule("at: produce.response"),
        "2:11: faults[0]: the key 'do' is missing",
        'for example: do: {"drop": {"then": "hold"}}',
    ),
    (
        rule("at: produce.response, do: {rewrite: {acks: 1}}"),
        "2:39: faults[0].do: 'rewrite' is not possible at produce.response",
        "rewrite is possible at: produce.request",
    ),
    (
        rule("at: broker, do: {drop: {}}"),
        "2:29: faults[0].do: 'drop' is not possible at broker",
        "drop is possible at: API.request, API.response",
    ),
    (
        rule("at: produce.respnse, do: {drop: {}}"),
        "2:16: faults[0].at: unknown place 'produce.respnse'",
        "did you mean 'produce.response'? expected one of: ",
    ),
    (
        rule("at: 3, do: {drop: {}}"),
        "2:16: faults[0].at: expected a place such as produce.request, not the number 3",
        None,
    ),
    (
        does("drop"),
        "2:38: faults[0].do: expected a mapping, not the text 'drop'",
        'for example: {"drop": {"then": "hold"}}',
    ),
    (does("{}"), "2:38: faults[0].do: no fault is named", "give one of: drop, delay, error, duplicate"),
    (does("{drop: }"), "2:39: the key 'drop' has no value", None),
    (
        does("{dorp: {}}"),
        "2:39: faults[0].do: unknown key 'dorp'",
        "did you mean 'drop'? expected one of: drop, delay, error, duplicate",
    ),
    (
        rule("at: metadata.request, do: {late: {}}"),
        "2:45: faults[0].do.late.release: at metadata.request there are requests without batches, so the release must",
        "for example: late: {release: 5s}",
    ),
    (
        rule("at: '*.request', do: {late: {release: {acked_batches: 6}}}"),
        "2:50: faults[0].do.late.release: at *.request there are requests without batches, so the release must be a ti",
        "for example: late: {release: 5s}",
    ),
    (
        does("{late: {release: retried}}"),
        "2:39: faults[0].do: 'late' is not possible at produce.response",
        "late is possible at: API.request",
    ),
    (
        does("{duplicate: {times: 2}}"),
        "2:39: faults[0].do: 'duplicate' is not possible at produce.response",
        "duplicate is possible at: API.request",
    ),
    (
        rule("at: produce.request, do: {duplicate: {times: 0}}"),
        "2:57: faults[0].do.duplicate.times: expected a whole number from 1 to 100, not the number 0",
        None,
    ),
    (
        rule("at: produce.request, do: {duplicate: {connection: another}}"),
        "2:62: faults[0].do.duplicate.connection: unknown word 'another'",
        "expected one of: same, new",
    ),
    (
        rule("at: produce.request, do: {duplicate: {after: 5}}"),
        "2:57: faults[0].do.duplicate.after: expected a duration such as 250ms, 3s or 2m, not the number 5",
        "did you mean 5s?",
    ),
    (
        rule("at: produce.request, do: {duplicate: {for: 5s}}"),
        "2:50: faults[0].do.duplicate: unknown key 'for'",
        "expected one of: times, connection, after",
    ),
    (
        does("{drop: {}, delay: {for: 1s}}"),
        "2:49: faults[0].do: 'delay' beside 'drop': a rule has exactly one fault",
        "write a second rule for the second fault",
    ),
    (
        does("{drop: {then: skipp}}"),
        "2:52: faults[0].do.drop.then: unknown word 'skipp'",
        "did you mean 'skip'? expected one of: hold, disconnect, reset, skip",
    ),
    (does("{drop: {then: rest}}"), "2:52: faults[0].do.drop.then: unknown word 'rest'", "did you mean 'reset'?"),
    (
        does("{drop: {for: 3s, then: reset}}"),
        "2:46: faults[0].do.drop: 'for' has no meaning with 'then: reset'",
        "hold",
    ),
    (does("{delay: {}}"), "2:46: faults[0].do.delay: the key 'for' is missing", 'for example: for: "5s"'),
    (
        does("{delay: {for: 5}}"),
        "2:52: faults[0].do.delay.for: expected a duration such as 250ms, 3s or 2m",
        "mean 5s?",
    ),
    (
        does("{error: {code: 7}}"),
        "2:53: faults[0].do.error.code: expected the name of a Kafka error, not the number 7",
        "did you mean 'REQUEST_TIMED_OUT'?",
    ),
    (
        does("{error: {code: request_timeout}}"),
        "2:53: faults[0].do.error.code: unknown Kafka error 'request_timeout'",
        "did you mean 'REQUEST_TIMED_OUT'?",
    ),
    (
        rule("at: metadata.request, do: {error: {code: REQUEST_TIMED_OUT}}"),
        "2:46: faults[0].do.error: metadata answers have no error code of their own, so ackdrop can make none up",
        "possible instead: metadata.response, where the broker's answer gets the error; or drop",
    ),
    (
        rule("at: push_telemetry.response, do: {error: {code: REQUEST_TIMED_OUT}}"),
        "2:53: faults[0].do.error: ackdrop can write no error into push_telemetry answers",
        "possible instead: drop, delay, truncate or corrupt",
    ),
    (does("{error: {code: NONE}}"), "2:53: faults[0].do.error.code: unknown Kafka error 'NONE'", "expected one of: "),
    (
        rule("at: produce.response, do: {drop: {}}, name: x").rstrip(" ]}\n")
        + "},\n{name: x, at: produce.response, do: {drop: {}}}]",
        "3:8: faults[1].name: a second fault 'x'",
        "names must differ",
    ),
    (does("{error: {code: [7]}}"), "2:53: faults[0].do.error.code: expected the name of a Kafka error such as", None),
    (does("{error: {code: 999}}"), "2:53: faults[0].do.error.code: expected the name of a Kafka error, not", None),
    (
        rule("at: produce.response, do: {drop: {}}").replace("faults: [", "faults: [7,"),
        "2:10: faults[0]: expected",
        None,
    ),
    # match and when
    (
        rule("at: produce.response, do: {drop: {}}, match: {partition: [0, 1]}"),
        "2:73: faults[0].match.partition[1]: no partition 1: the topic has partition 0 alone",
        "workload.topic.partitions says how many there are",
    ),
    (
        rule("at: produce.response, do: {drop: {}}, match: {partition: -1}"),
        "2:69: faults[0].match.partition: expected a whole number from 0 to 1000000, not the number -1",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, match: {topic: []}"),
        "2:65: faults[0].match.topic: an empty list",
        "leave the key out",
    ),
    (
        rule("at: produce.response, do: {drop: {}}, match: {idempotent: some}"),
        "2:70: faults[0].match.idempotent: expected any, true or false, not the text 'some'",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, match: {attempt: second}"),
        "2:67: faults[0].match.attempt: expected any, first, retry or the attempt's number, from 1, not the text",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {nth: 0}"),
        "2:62: faults[0].when.nth: expected a whole number from 1 to 1000000, not the number 0",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {nth: [3, x]}"),
        "2:66: faults[0].when.nth[1]: expected a whole number from 1 to 1000000, not the text 'x'",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {nth: 3, first: 2}"),
        "2:65: faults[0].when: 'first' beside 'nth': a rule has at most one of nth, first, every and probability",
        "write a second rule for the second",
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {probability: 1.5}"),
        "2:70: faults[0].when.probability: expected a probability above 0 and up to 1, not the number 1.5",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {probability: 0}"),
        "2:70: faults[0].when.probability: expected a probability above 0 and up to 1, not the number 0",
        None,
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {after: 3s, until: 2s}"),
        "2:75: faults[0].when.until: until must be later than after",
        "this rule could never fire",
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {per: conection}"),
        "2:62: faults[0].when.per: unknown word 'conection'",
        "did you mean 'connection'? expected one of: run, connection, partition, producer",
    ),
    (
        rule("at: produce.response, do: {drop: {}}, when: {following: x}"),
        "2:68: faults[0].when.following: no fault 'x'",
        "there is no other fault",
    ),
    (
        "version: 1\narms:" + "".join(f"\n- {{name: a{n}, idempotence: false}}" for n in range(17)),
        "3:1: arms: more than 16 items",
        None,
    ),
    # expect
    ("version: 1\nexpect: {of: {}}", "2:10: expect: no arm 'of'", "did you mean 'off'? the arms are: off, on"),
    (f"version: 1\n{ARMS}\nexpect: {{off: {{}}}}", "3:10: expect: no arm 'off'", "the arms are: a, b"),
    ("version: 1\nexpect: {off: {}, false: {}}", "2:19: duplicate key 'off'", "it stands on line 2 already"),
    ("version: 1\nexpect: {off: 1}", "2:15: expect.off: expected a mapping, not the number 1", None),
    ("version: 1\nexpect: {on: {lots: 0}}", "2:15: expect.on: unknown figure 'lots'", "did you mean 'lost'?"),
    ("version: 1\nexpect: {on: {lost: '>> 1'}}", "2:21: expect.on.lost: expected a whole number or a comparison", None),
    ("version: 1\nexpect: {on: {lost: -1}}", "2:21: expect.on.lost: expected a whole number or a comparison", None),
    ("version: 1\nexpect: {on: {lost: >= 1}}", "2:21: not YAML", 'a comparison needs quotes: ">= 1"'),
    (
        "version: 1\nexpect: {on: {lost: != 1}}",
        "2:21: a scenario has no YAML tags",
        'a comparison needs quotes: "!= 0"',
    ),
]


@pytest.mark.parametrize(("text", "said", "hint"), CORPUS)
def test_one_error(text: str, said: str, hint: str | None, problems: Read) -> None:
    (problem,) = problems(text)
    heading, line, caret, *hints = problem.split("\n")
    assert heading.startswith(said)
    number, column = map(int, heading.split(":")[:2])
    assert line == "    " + text.split("\n")[number - 1]
    assert caret == " " * (column + 3) + "^"
    assert hint is None or hint in " ".join(part.strip() for part in hints)


def test_every_error_of_a_file_comes_at_once(problems: Read) -> None:
    text = """\
version: 2
titel: x
workload:
  producer: jaba
  topic: {partitions: 2, partitions: 3}
  config: {acks: al, linger: }
arms:
  - {name: off, idempotence: false}
  - {name: Off, idempotence: true}
faults:
  - name: x
    match: {partition: 9, attempt: 0}
    when: {nth: 3, first: 2, evry: 1, after: 3s, until: 2s}
    do: {drop: {then: skpi, for: 3}}
  - name: x
    at: produce.respnse
    do: {delay: {}, drop: {then: reset, for: 3s}}
expect:
  off: {duplicates: ">> 1", lst: 0}
  false: {}
  onn: {lost: 0}
"""
    places = [":".join(problem.split(":")[:2]) for problem in problems(text)]
    assert places == [
        *("1:10", "2:1", "4:13", "5:26", "6:18", "6:22", "9:12"),
        *("11:5", "12:36", "13:20", "13:30", "13:57", "14:23", "14:34"),
        *("15:11", "16:9", "17:10", "17:17", "17:41", "19:21", "19:29", "20:3", "21:3"),
    ]


def test_an_error_that_another_one_causes_is_not_shown(problems: Read) -> None:
    assert len(problems(does("{dorp: {}}"))) == 1
    assert len(problems(rule("at: , do: {drop: {}}"))) == 1
    assert len(problems("version: 1\narms: [{name: /, idempotence: no}, {name: on, idempotence: yes}]")) == 1
    assert len(problems("version:\n")) == 1
    assert len(problems("versoin: 1\n")) == 1
    assert len(problems("version: 1\narms: [{nam: off, idempotence: no}]")) == 1
    assert len(problems(rule("at: produces, do: {kill: {}}"))) == 1
    assert len(problems(rule("at: connection"))) == 1
    assert len(problems(rule("at: produce.response, match: {topic: ['']}, do: {drop: {}}"))) == 1
    assert len(problems(rule("at: produce.request, do: {rewrite: {}}"))) == 1
    assert len(problems(rule("at: produce.request, do: {rewrite: {acks: 9}}"))) == 1
    assert len(problems(rule("at: broker, do: {pause: {for: 1s, command: ['']}}"))) == 1
    assert len(problems("version: !!int 1\n")) == 1
    assert len(problems('version: 1\ntitle: "\\ud800"\n')) == 1
    assert len(problems("version: 1\ntitle: ${t}\nworkload: {records: '${t}'}\n")) == 2
    assert len(problems("version: 1\nvariables: {t: [1]}\nworkload: {records: '${t}'}\n")) == 1
    assert len(problems("version: 1\nvariables: []\nworkload: {records: '${t}'}\n")) == 1
    assert len(problems("version: ${v}\n")) == 1


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


def test_a_title_that_is_too_long(problems: Read) -> None:
    assert problems("version: 1\ntitle: " + "x" * 121)[0].startswith("2:8: title: longer than 120 characters")


@pytest.mark.parametrize("number", [".nan", "-3"])
def test_a_number_that_no_unit_makes_a_duration_is_offered_none(problems: Read, number: str) -> None:
    (problem,) = problems(work(f"deadline: {number}"))
    assert "without a unit" not in problem
    assert "did you mean" not in problem


def test_a_key_in_a_place_does_nothing_to_a_terminal(problems: Read) -> None:
    found = problems('version: 1\nexpect: {"on": {"\\n\\e[31m": false}}')
    assert found[1].startswith(
        "2:29: expect.on.\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m: expected a whole"
    )
    (_, long) = problems(f'version: 1\nexpect: {{"on": {{"{"x" * 900}": false}}}}')
    assert len(long.split("\n")[0]) < 200
