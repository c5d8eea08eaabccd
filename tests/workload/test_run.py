"""A producer's process from start to end, with no broker: closed ports, missing libraries, early deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
import trio

from ackdrop import clients
from ackdrop.errors import ProducerError
from ackdrop.workload import child, run
from ackdrop.workload.outcome import Progress
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.run import run_producer

MakePlan = Callable[..., ProducerPlan]


BEFORE: set[psutil.Process] = set()


@pytest.fixture(autouse=True)
def others() -> None:
    """Processes that are not this test's: the session's broker, and what other tests have started."""
    BEFORE.clear()
    BEFORE.update(psutil.Process().children(recursive=True))


def our_children() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if process not in BEFORE]


def gone(pid: int) -> bool:
    """True once the process has ended. Only the kernel knows, so it is asked until it says so, for 10 s at most."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def fake_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in the place of confluent-kafka's driver; the real drivers' folder leads its path."""

    def put(script: str) -> None:
        path = tmp_path / "fake_driver.py"
        path.write_text(f"import sys\nsys.path.insert(0, {str(clients.DRIVERS)!r})\n" + dedent(script))
        monkeypatch.setitem(
            clients.CLIENTS,
            "confluent-kafka",
            clients.Client("confluent-kafka", "confluent-kafka", "confluent_kafka", path),
        )

    return put


# It could not be started


async def test_a_missing_library_is_named_with_its_remedy(
    make_plan: MakePlan, bare_python: str, tmp_path: Path
) -> None:
    with pytest.raises(ProducerError, match=f"aiokafka is not installed in {bare_python}") as caught:
        await run_producer(make_plan(client="aiokafka"), python=bare_python, folder=tmp_path, label="on")
    assert caught.value.remedy == f"{bare_python} -m pip install aiokafka"
    assert (tmp_path / "producer-on.log").read_text() == ""


async def test_a_missing_interpreter(make_plan: MakePlan, tmp_path: Path) -> None:
    with pytest.raises(ProducerError, match="no-such-python cannot be started: No such file"):
        await run_producer(make_plan(), python="/no-such-python", folder=tmp_path, label="on")


@pytest.mark.parametrize("program", ["true", "false"])
async def test_a_program_that_is_no_python(make_plan: MakePlan, tmp_path: Path, program: str) -> None:
    with pytest.raises(ProducerError, match=f"interpreter {program} did not start the driver: it ended with exit"):
        await run_producer(make_plan(), python=program, folder=tmp_path, label="on")


async def test_a_program_that_waits_for_ever(
    make_plan: MakePlan, tmp_path: Path, fake_driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "HELLO", 0.3)
    fake_driver("print('What is your name?', flush=True); sys.stdin.read()")
    with pytest.raises(ProducerError, match="it was ended by SIGKILL"):
        await run_producer(make_plan(), python=None, folder=tmp_path, label="on")
    assert our_children() == []


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ("confluent-kafka", 'No such configuration property: "no_such_word"'),
        ("aiokafka", "unexpected keyword argument 'no_such_word'"),
        ("kafka-python", "Unrecognized configs"),
    ],
)
async def test_a_setting_that_the_client_refuses(
    make_plan: MakePlan, tmp_path: Path, client: str, message: str
) -> None:
    plan = make_plan(client=client, client_config={"no_such_word": 1})
    with pytest.raises(ProducerError, match=f"{client} refused to start: .*{message}"):
        await run_producer(plan, python=None, folder=tmp_path, label="on")
    assert "Traceback" not in (tmp_path / "producer-on.log").read_text()


async def test_idempotence_that_contradicts_the_settings(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(config={"acks": 1})
    with pytest.raises(ProducerError, match=r"`acks` must be set to `all` when `enable.idempotence` is true"):
        await run_producer(plan, python=None, folder=tmp_path, label="on")


async def test_strict_refuses_a_word_that_the_client_does_not_have(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(client="aiokafka", config={"retries": 5}, strict=True)
    with pytest.raises(ProducerError, match="aiokafka refused to start: it has no retries"):
        await run_producer(plan, python=None, folder=tmp_path, label="on")


@pytest.fixture
def python_with(tmp_path: Path) -> Callable[[dict[str, str]], str]:
    """Makes an interpreter in which some modules are others than here."""

    def make(modules: dict[str, str]) -> str:
        for name, text in modules.items():
            (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "site" / name).write_text(text)
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}/site exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        return str(python)

    return make


async def test_a_library_without_idempotence_cannot_have_it_on(
    make_plan: MakePlan, tmp_path: Path, python_with: Callable[[dict[str, str]], str]
) -> None:
    """kafka-python before 2.1, of which all that matters here is that it lacks the setting."""
    old = "__version__ = '2.0.2'\nclass KafkaProducer:\n    DEFAULT_CONFIG = {'acks': 1}\n"
    python = python_with({"kafka/errors.py": "", "kafka/__init__.py": old})
    with pytest.raises(ProducerError, match=f"kafka-python refused to start in {python}: this version has no idemp"):
        await run_producer(make_plan(client="kafka-python"), python=python, folder=tmp_path, label="on")


async def test_a_library_that_cannot_be_imported(
    make_plan: MakePlan, tmp_path: Path, python_with: Callable[[dict[str, str]], str]
) -> None:
    """As kafka-python 2.0.2 on Python 3.12, whose copy of `six` is too old."""
    python = python_with({"kafka/__init__.py": "import kafka.vendor.six"})
    with pytest.raises(ProducerError, match=r"kafka-python cannot be imported in .*: .*No module named 'kafka.vendor'"):
        await run_producer(make_plan(client="kafka-python"), python=python, folder=tmp_path, label="on")


# It runs


@pytest.mark.parametrize("client", ["kafka-python", "aiokafka"])
async def test_no_broker_is_reported_by_those_who_connect_first(
    make_plan: MakePlan, tmp_path: Path, client: str
) -> None:
    plan = make_plan(client=client, deadline=2.0, idempotence=False)
    report = await run_producer(plan, python=None, folder=tmp_path, label="off")
    assert (report.sends, report.finished) == ([], False)
    assert (report.error or "").startswith("could not start: Kafka")
    assert report.version is not None
    assert report.config["enable_idempotence"] is False


async def test_no_broker_leaves_every_send_unknown_at_the_deadline(make_plan: MakePlan, tmp_path: Path) -> None:
    seen: list[Progress] = []
    report = await run_producer(
        make_plan(deadline=3.0), python=None, folder=tmp_path, label="a/b", on_progress=seen.append
    )
    assert [(send.record, send.outcome) for send in report.sends] == [(n, "unknown") for n in range(5)]
    assert report.error == "the deadline came after 5 of 5 sends, 5 without an answer"
    assert (report.exit_code, report.finished) == (0, False)
    assert seen[-1] == Progress(planned=5, begun=5, acked=0, failed=0, unknown=0)
    assert "Connection refused" in (tmp_path / "producer-a_b.log").read_text()


async def test_a_delivery_timeout_is_the_clients_verdict(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(config={"acks": "all", "delivery_timeout": 0.5, "linger": 0})
    report = await run_producer(plan, python=None, folder=tmp_path, label="on")
    assert {(send.outcome, send.error) for send in report.sends} == {
        ("failed", "_MSG_TIMED_OUT: Local: Message timed out")
    }
    assert report.finished


async def test_what_stands_in_the_users_folder_cannot_shadow(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("confluent_kafka", "driving", "words", "json", "plan"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    plan = make_plan(config={"acks": "all", "delivery_timeout": 0.5, "linger": 0})
    report = await run_producer(plan, python=None, folder=tmp_path, label="on")
    assert len(report.sends) == 5
    assert (report.version or "").startswith("2.")


# It ends


async def test_stopped_it_reports_what_it_knew(make_plan: MakePlan, tmp_path: Path) -> None:
    stop = trio.Event()

    def stop_once_begun(progress: Progress) -> None:
        if progress.begun >= 5:
            stop.set()

    plan = make_plan(records=1000, rate=50.0)
    with trio.fail_after(20):
        report = await run_producer(
            plan, python=None, folder=tmp_path, label="on", on_progress=stop_once_begun, stop=stop
        )
    assert 5 <= len(report.sends) < 1000
    assert (
        report.error == f"it was stopped after {len(report.sends)} of 1000 sends, {len(report.sends)} without an answer"
    )
    assert our_children() == []


async def test_one_that_does_not_stop_is_ended(
    make_plan: MakePlan, tmp_path: Path, fake_driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "GENTLY", 0.2)
    fake_driver(
        """
        import signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print('{"hello": "ackdrop"}', flush=True)
        print('{"order": 0, "record": 0, "send": 0, "outcome": "acked", "partition": 0, "offset": 0, "error": null}')
        sys.stdout.flush()
        time.sleep(60)
        """
    )
    stop = trio.Event()

    def stop_once_acked(progress: Progress) -> None:
        if progress.acked:
            stop.set()

    report = await run_producer(
        make_plan(), python=None, folder=tmp_path, label="on", on_progress=stop_once_acked, stop=stop
    )
    assert (report.exit_code, report.error) == (
        -signal.SIGKILL,
        "the producer was ended by SIGKILL (see producer-on.log)",
    )


async def test_one_that_is_stuck_in_its_client_ends_itself(
    make_plan: MakePlan, tmp_path: Path, fake_driver: Callable[[str], None]
) -> None:
    fake_driver(
        """
        import driving, threading
        driving.STUCK = 0.1
        def drive(job):
            job.ready()
            job.begin()
            threading.Event().wait()
        driving.run(drive)
        """
    )
    report = await run_producer(make_plan(deadline=0.3), python=None, folder=tmp_path, label="on")
    assert report.error == "the deadline came after 1 of 5 sends, 1 without an answer"


async def test_one_that_outstays_its_deadline_is_killed(
    make_plan: MakePlan, tmp_path: Path, fake_driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "GRACE", 0.1)
    fake_driver('import time; print(\'{"hello": "ackdrop"}\', flush=True); time.sleep(60)')
    report = await run_producer(make_plan(deadline=0.1), python=None, folder=tmp_path, label="on")
    assert report.error == "the producer was still running after 1 s and was killed (see producer-on.log)"
    assert our_children() == []


async def test_one_that_crashes_leaves_its_last_words(
    make_plan: MakePlan, tmp_path: Path, fake_driver: Callable[[str], None]
) -> None:
    fake_driver(
        """
        import driving
        def drive(job):
            job.ready()
            job.answer(job.begin(), 0, 4)
            job.begin()
            raise OSError("out of luck")
        driving.run(drive)
        """
    )
    report = await run_producer(make_plan(), python=None, folder=tmp_path, label="on")
    assert report.error == "the producer ended with exit code 1: OSError: out of luck (see producer-on.log)"
    assert [send.outcome for send in report.sends] == ["acked", "unknown"]


async def test_killed_its_begun_sends_are_still_counted(make_plan: MakePlan, tmp_path: Path) -> None:
    def kill_once_begun(progress: Progress) -> None:
        for producer in our_children() if progress.begun >= 3 else []:
            os.kill(producer.pid, signal.SIGKILL)

    plan = make_plan(config={"delivery_timeout": 0.2, "linger": 0}, records=1000, rate=10.0)
    report = await run_producer(plan, python=None, folder=tmp_path, label="on", on_progress=kill_once_begun)
    assert report.exit_code == -signal.SIGKILL
    assert 3 <= len(report.sends) < 1000
    assert [send.order for send in report.sends] == list(range(len(report.sends)))
    assert report.sends[-1].outcome == "unknown"


async def test_cancelled_it_is_gone(make_plan: MakePlan, tmp_path: Path) -> None:
    with trio.fail_after(10):
        with trio.CancelScope() as scope:
            await run_producer(
                make_plan(), python=None, folder=tmp_path, label="on", on_progress=lambda _: scope.cancel()
            )
        assert scope.cancelled_caught
    assert our_children() == []


def test_it_does_not_outlive_a_killed_parent(make_plan: MakePlan, tmp_path: Path) -> None:
    script = dedent(
        f"""
        import pathlib, trio
        from ackdrop.workload.plan import ProducerPlan
        from ackdrop.workload.run import run_producer

        async def main():
            await run_producer({make_plan()!r}, python=None, folder=pathlib.Path({str(tmp_path)!r}), label="on",
                               on_progress=lambda progress: print(progress.begun, flush=True))
        trio.run(main)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            assert any(line.strip() == "5" for line in parent.stdout)
            (producer,) = psutil.Process(parent.pid).children()
            assert os.getsid(producer.pid) == producer.pid != os.getsid(parent.pid)
        finally:
            parent.kill()
    assert gone(producer.pid)
