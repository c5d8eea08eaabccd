"""Every reason that a report can give, by a real run that is broken in exactly that way.

Each test names all reasons that its run may have, so that none comes beside the one that is meant. Where the fault of a
run is in the arm `on` alone, the arm `off` is the other half: the same, unbroken, and passed. `Run.end` looks at what
holds for all of them: the exit code, the shown reason, and that it says what to do.

Runs that need no company are started together, a few at a time.
"""

from __future__ import annotations

import copy
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from ackdrop.kafka.bodies import encode_request

from .past_the_proxy import DEADLINE, Hand, OwnBroker
from .runs import BASE, HOLD, MANY, Ended, Start, scenario

pytestmark = pytest.mark.integration

SIDE_BY_SIDE = 3

PASSED = (0, "passed")
FAILED = (1, "failed")
INCONCLUSIVE = (3, "inconclusive")
ERROR = (4, "error")

CLEAN_CONTROL = [("off", "control-clean"), ("off", "expectation-failed")]
"""The reasons that a control arm without a duplicate gives."""


def second(**rule: Any) -> dict[str, Any]:
    """The base's fault, and another one."""
    return {"faults": [*copy.deepcopy(BASE["faults"]), {**BASE["faults"][0], "name": "another", **rule}]}


CASES: dict[str, tuple[str, str]] = {
    "deadline": (scenario(workload={"records": 2000, "rate": "20/s", "deadline": "10s"}), ""),
    "whole": (scenario(), ""),
    "whole-many": (scenario(workload=MANY), ""),
    "whole-hold": (scenario(**HOLD), ""),
    "delayed": (scenario(fault={"do": {"delay": {"for": "50ms"}}}), ""),
    "given-up": (
        scenario(
            fault={"do": {"drop": {"then": "hold"}}},
            workload={"records": 3, "config": {"request_timeout": "4s", "delivery_timeout": "4s"}},
        ),
        "",
    ),
    "idempotent-after-all": (scenario(workload={"client_config": {"enable_idempotence": True}}), ""),
    "not-idempotent": (scenario(workload={"client_config": {"enable_idempotence": False}}), ""),
    "never-matches": (scenario(**second(match={"topic": "another*"})), ""),
    "never-fires": (scenario(**second(when={"nth": 99})), ""),
    "control-misses": (scenario(expect={"off": {"duplicates": 5}}), ""),
    "on-misses": (scenario(expect={"on": {"retries": 7}}), ""),
    "refused": (scenario(workload={"client_config": {"no_such_setting": 1}}), ""),
    "small-ledger": (
        scenario(workload={"records": 36}),
        "from ackdrop.ledger import store\n"
        "from ackdrop.ledger.limits import Limits\n"
        "store.Ledger.create.__func__.__kwdefaults__['limits'] = Limits(waiting=5)",
    ),
    "small-index": (
        scenario(**HOLD),
        "from ackdrop.core.wire import IndexLimits, WireSettings\n"
        "made = WireSettings.__init__\n"
        "WireSettings.__init__ = lambda self, **given: made(self, **{**given, 'index': IndexLimits(attempts=0)})",
    ),
    "no-port": (
        scenario(),
        "from ackdrop.errors import ListenerError\n"
        "from ackdrop.relay import listeners\n"
        "def taken(host, port): raise ListenerError('the port is taken', remedy='name another one')\n"
        "listeners._listen = taken",
    ),
    "full-disk": (
        scenario(workload=MANY),
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))",
    ),
    "defect": (
        scenario(),
        "from ackdrop.experiment import arm\n"
        "def broken(evidence): raise ZeroDivisionError('of all things')\n"
        "arm.judge_arm = broken",
    ),
}

Ran = Callable[[str], Ended]


@pytest.fixture(scope="module")
def ran(start_many: Start) -> Iterator[Ran]:
    """`ran(name)` is how the case of this name ended; all of them are started by the first call."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs: dict[str, Future[Ended]] = {
            name: pool.submit(lambda text, before: start_many(text, before=before).end(), *case)
            for name, case in CASES.items()
        }
        yield lambda name: runs[name].result(3 * DEADLINE)


# The other half


@pytest.mark.parametrize("name", ["whole", "whole-many", "whole-hold"])
def test_unbroken_it_passes(ran: Ran, name: str) -> None:
    done = ran(name)
    assert (done.verdict, done.reasons) == (PASSED, [])
    assert (done.arm("off")["log"]["duplicates"], done.arm("on")["log"]["duplicates"]) == (1, 0)
    assert "With idempotence on, the retry left no duplicate; with it off, it left 1." in " ".join(done.out.split())


# Nothing was put to the test


def test_nothing_produced(start: Start, hand: Hand, waiting_producer: Any) -> None:
    """The broker refuses all of it; the fault fires on its answer all the same."""
    run = start(scenario(fault={"when": {"nth": 1}}), "--producer-python", waiting_producer.python)
    waiting_producer.go("off")
    hand.refuse_everything(run.topic("on"))
    waiting_producer.go("on")
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "nothing-produced")])
    on = done.arm("on")
    assert (on["records"]["failed"], on["log"]["records"], on["wire"]["faults"][0]["fired"]) == (6, 0, 1)
    assert "the broker appended none" in done.text("nothing-produced")


def test_no_lost_ack(ran: Ran) -> None:
    done = ran("delayed")
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == sorted([*CLEAN_CONTROL, ("off", "no-lost-ack"), ("on", "no-lost-ack")])
    assert done.arm("on")["wire"]["acks_delayed"] == 1


def test_no_retry(ran: Ran) -> None:
    """The producer gives a record up in the moment in which it might have sent it again."""
    done = ran("given-up")
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == sorted([*CLEAN_CONTROL, ("off", "no-retry"), ("on", "no-retry")])
    assert [arm["log"]["unacked_present"] for arm in done.result["arms"]] == [1, 1]


def test_retry_refused(start: Start, hand: Hand) -> None:
    """Only one copy is in the log, but not because the broker knew the retry again."""
    run = start(scenario(**HOLD))
    with run.held("on", records=3) as topic:
        hand.refuse_everything(topic)
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "retry-refused")])
    assert "MESSAGE_TOO_LARGE" in done.text("retry-refused")
    assert (done.arm("on")["wire"]["retries"], done.arm("on")["log"]["duplicates"]) == (1, 0)


def test_control_clean(start: Start, hand: Hand) -> None:
    run = start(scenario(**HOLD))
    with run.held("off", records=3) as topic:
        hand.refuse_everything(topic)
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, sorted([*CLEAN_CONTROL, ("off", "retry-refused")]))
    assert done.arm("on")["verdict"] == "passed"


def test_idempotent_though_it_should_not_be(ran: Ran) -> None:
    done = ran("idempotent-after-all")
    assert (done.verdict, done.reasons) == (
        INCONCLUSIVE,
        sorted([*CLEAN_CONTROL, ("off", "idempotence-not-as-claimed")]),
    )
    assert done.arm("on")["verdict"] == "passed"


def test_not_idempotent_though_it_should_be_and_a_violation_counts_whatever_gate_fails(ran: Ran) -> None:
    done = ran("not-idempotent")
    assert (done.verdict, done.reasons) == (
        FAILED,
        [("on", "expectation-failed"), ("on", "idempotence-not-as-claimed")],
    )
    assert "With idempotence on" not in done.out


@pytest.mark.parametrize("name", ["never-matches", "never-fires"])
def test_fault_never_fired(ran: Ran, name: str) -> None:
    done = ran(name)
    assert (done.verdict, done.reasons) == (
        INCONCLUSIVE,
        [("off", "fault-never-fired"), ("on", "fault-never-fired")],
    )
    matched = {"never-matches": 0, "never-fires": 6}[name]
    assert done.arm("on")["wire"]["faults"][1] == {"name": "another", "matched": matched, "fired": 0}
    assert '"another"' in done.text("fault-never-fired", "on")


# Something was not seen


def test_went_past_proxy(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.write(topic, (b"past", run.header(topic, "p9/0/0/0")))
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "went-past-proxy")])
    assert (done.arm("on")["log"]["past_proxy"], done.arm("on")["log"]["duplicates"]) == (1, 0)


def test_a_copy_that_went_past_the_proxy_is_a_violation(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.write(topic, (b"past", run.header(topic, "p1/1/0/1")))
    done = run.end()
    assert (done.verdict, done.reasons) == (FAILED, [("on", "expectation-failed"), ("on", "went-past-proxy")])
    (found,) = (found for found in done.arm("on")["findings"] if found["kind"] == "duplicate")
    assert (found["cause"], found["record"]) == ("unexplained", "p1/1")


def test_all_of_it_went_past_the_proxy(start: Start, embedded_broker: str) -> None:
    """A producer that knows the broker's own address, and takes it."""
    text = scenario(workload={"client_config": {"bootstrap_servers": embedded_broker}})
    done = start(text).end()
    codes = ("fault-never-fired", "nothing-produced", "went-past-proxy")
    both = [(arm, code) for arm in ("off", "on") for code in codes]
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, sorted([*both, *CLEAN_CONTROL]))
    assert [arm["log"]["past_proxy"] for arm in done.result["arms"]] == [6, 6]


def by_hand(port: int, frame: bytes) -> bytes:
    """Sends a frame to a listener of a run's own proxy, and gives the beginning of the answer."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as sock:
        sock.sendall(frame)
        return sock.recv(1024)


def test_undecoded(start: Start) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        data = [{"name": topic, "partition_data": [{"index": 0, "records": b"no batch at all" * 9}]}]
        fields = {"transactional_id": None, "acks": -1, "timeout_ms": 1000, "topic_data": data}
        assert by_hand(run.proxy_port(), encode_request("produce", 9, 1, "by hand", **fields))
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "undecoded")])
    assert "produce version 9" in done.text("undecoded")
    assert done.arm("on")["wire"]["undecoded"] == 1


def test_log_gone_and_figure_unknown(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.delete_records(topic, 4)
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "figure-unknown"), ("on", "log-gone")])
    assert "starts at 4: 4 records are gone" in done.text("log-gone")
    assert "duplicates 0, lost 0, out_of_order 0" in done.text("figure-unknown")
    log = done.arm("on")["log"]
    assert (log["records"], log["duplicates"], log["lost"], log["out_of_order"]) == (32, None, None, None)


def test_a_control_whose_duplicate_is_gone_is_not_called_clean(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="off")
    with run.paused() as topic:
        hand.delete_records(topic, 4)
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("off", "figure-unknown"), ("off", "log-gone")])


def test_a_topic_that_was_made_anew_is_gone_and_not_lost(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.make_anew(topic)
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "figure-unknown"), ("on", "log-gone")])
    assert "was removed and made anew" in done.text("log-gone")


def test_log_not_read_where_the_topic_is_removed(start: Start, hand: Hand) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused() as topic:
        hand.delete_topic(topic)
        run.producer().terminate()
    done = run.end()
    assert done.verdict == ERROR
    assert done.reasons == sorted(
        [(None, "broker-error"), ("on", "log-not-read"), ("on", "producer-died")],
        key=str,
    )
    assert "there is no topic" in done.text("broker-error")
    assert set(done.arm("on")["log"].values()) == {None}


IMPATIENT = """
import functools
from ackdrop.experiment import arm
arm.BARRIER = 0.1
arm.wait_quiet = functools.partial(arm.wait_quiet, settle=3.0)
"""
"""The run waits for no log to come to rest, and compares two readings between which any writer writes something."""


def test_not_settled_where_the_log_still_grows(start: Start, hand: Hand) -> None:
    """Another writer does not come to rest, until the run has removed its topic. Half a minute of waiting is cut."""
    run = start(scenario(workload=MANY), before=IMPATIENT, stops="on")
    with run.paused() as topic, hand.writing(topic):
        run.resume()
        done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [("on", "figure-unknown"), ("on", "not-settled")])
    assert "still grew" in done.text("not-settled")
    assert done.arm("on")["log"]["past_proxy"] > 0


@pytest.mark.parametrize(("name", "records"), [("small-ledger", 36), ("small-index", 3)])
def test_ledger_incomplete(ran: Ran, name: str, records: int) -> None:
    """Which observations are let go is the clock's choice: what is missing is not told as what never was."""
    done = ran(name)
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == [("off", "ledger-incomplete"), ("on", "ledger-incomplete")]
    assert [arm["log"]["records"] for arm in done.result["arms"]] == [records + 1, records]


# The run did not come to its end


@pytest.mark.parametrize("arm", ["off", "on"])
def test_producer_died(start: Start, arm: str) -> None:
    run = start(scenario(workload=MANY), stops=arm)
    with run.paused():
        run.producer().kill()
    done = run.end()
    assert (done.verdict, done.reasons) == (INCONCLUSIVE, [(arm, "producer-died")])
    assert "was ended by SIGKILL" in done.text("producer-died")
    found = done.arm(arm)
    assert found["log"]["records"] >= 5, "the copy that the lost ack left is one of them"
    assert 4 <= found["log"]["distinct"] <= found["records"]["sent"] < 36
    assert found["log"]["lost"] == 0


def test_producer_died_by_its_deadline(ran: Ran) -> None:
    done = ran("deadline")
    assert done.verdict == INCONCLUSIVE
    assert done.reasons == [("off", "producer-died"), ("on", "producer-died")]
    assert "the deadline came after" in done.text("producer-died", "on")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(start: Start, number: signal.Signals) -> None:
    run = start(scenario(workload=MANY), stops="on")
    with run.paused():
        run.process.send_signal(number)
        run.until(run.has_told_its_producer_to_end)
    done = run.end()
    assert (done.verdict, done.reasons) == ((130, "interrupted"), [(None, "interrupted")])
    off, on = done.result["arms"]
    assert (off["verdict"], off["log"]["duplicates"]) == ("passed", 1)
    assert 5 <= on["log"]["distinct"] < 36


def test_broker_error(start: Start, own_broker: Callable[..., OwnBroker]) -> None:
    """The broker is killed in the middle; what was seen until then is reported."""
    broker = own_broker()
    run = start(scenario(workload=MANY), broker=broker.bootstrap, stops="on")
    with run.paused():
        broker.kill()
        run.producer().terminate()
    done = run.end()
    assert done.verdict == ERROR
    assert done.reasons == sorted(
        [(None, "broker-error"), ("on", "log-not-read"), ("on", "producer-died")],
        key=str,
    )
    off, on = done.result["arms"]
    assert (off["verdict"], off["log"]["duplicates"]) == ("passed", 1)
    assert on["records"]["acked"] >= 4
    assert on["wire"]["retries"] >= 1
    assert set(on["log"].values()) == {None}


def test_no_broker(start: Start) -> None:
    done = start(scenario(), broker="127.0.0.1:1").end()
    assert (done.verdict, done.reasons) == (ERROR, [(None, "no-broker")])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("refused", "producer-not-started"),
        ("no-port", "port-not-opened"),
        ("full-disk", "environment"),
    ],
)
def test_the_environment(ran: Ran, name: str, code: str) -> None:
    done = ran(name)
    assert done.verdict == ERROR
    assert done.reasons == [("off", "arm-not-run"), ("on", "arm-not-run"), (None, code)]


def test_internal_error(ran: Ran) -> None:
    done = ran("defect")
    assert done.verdict == ERROR
    assert done.reasons == [("off", "arm-not-run"), ("on", "arm-not-run"), (None, "internal-error")]
    assert "ZeroDivisionError: of all things" in done.text("internal-error")


# An expectation did not hold


def test_expectation_failed_in_the_control(ran: Ran) -> None:
    done = ran("control-misses")
    assert (done.verdict, done.reasons) == (FAILED, [("off", "expectation-failed")])
    assert done.arm("on")["verdict"] == "passed"


def test_expectation_failed(ran: Ran) -> None:
    done = ran("on-misses")
    assert (done.verdict, done.reasons) == (FAILED, [("on", "expectation-failed")])
    assert "Expected retries 7, counted 1" in done.text("expectation-failed")
