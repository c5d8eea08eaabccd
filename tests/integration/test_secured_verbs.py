"""`ackdrop` before brokers that want TLS and want to know who is speaking: its own producers, programs that say
themselves who they are, and nobody to be named; and no secret anywhere afterwards."""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import trio

from ackdrop.direct.cluster import Cluster

from .test_direct_secured import token

pytestmark = pytest.mark.integration

DEADLINE = 90.0
SCENARIO = {
    "version": 1,
    "title": "A test",
    "workload": {
        "records": 6,
        "pipelined": False,
        "config": {"retries": 5, "request_timeout": "4s", "delivery_timeout": "20s", "retry_backoff": "20ms"},
        "deadline": "40s",
    },
    "faults": [
        {
            "name": "the fault",
            "at": "produce.response",
            "match": {"attempt": "first"},
            "when": {"nth": 3},
            "do": {"drop": {"then": "disconnect"}},
        }
    ],
}
COPY = [
    {
        "name": "a copy",
        "at": "produce.request",
        "match": {"attempt": "first"},
        "when": {"nth": 3},
        "do": {"duplicate": {"connection": "new"}},
    }
]


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str
    folder: Path
    seen: bytes
    """The command lines and environments of all its processes, as they were seen while it ran."""

    @property
    def result(self) -> Any:
        return json.loads((self.folder / "result.json").read_text())

    @property
    def codes(self) -> list[str]:
        return [reason["code"] for reason in self.result["reasons"]]

    def holds(self, secret: str) -> list[str]:
        """Where the secret stands, in any of the forms in which a mechanism may write it."""
        forms = [secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1], secret.encode().hex().encode()]
        places = {"stdout": self.out.encode(), "stderr": self.err.encode(), "a process": self.seen}
        places |= {str(file): file.read_bytes() for file in self.folder.rglob("*") if file.is_file()}
        return [place for place, content in places.items() if any(form in content for form in forms)]


class _Watcher(threading.Thread):
    """Collects what anybody can see of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self._seen: set[str] = set()

    def run(self) -> None:
        while not self._over.wait(0.1):
            try:
                root = psutil.Process(self._pid)
                for process in (root, *root.children(recursive=True)):
                    self._seen.update(process.cmdline())
                    self._seen.update(f"{name}={value}" for name, value in process.environ().items())
            except psutil.Error:
                continue

    def end(self) -> bytes:
        self._over.set()
        self.join()
        return "\n".join(sorted(self._seen)).encode()


Ackdrop = Callable[..., Ended]


@pytest.fixture
def ackdrop(tmp_path: Path) -> Ackdrop:
    """`ackdrop(verb, *arguments)`, run to its end; `behind` is called with the address on which a proxy listens."""

    def run(verb: str, *arguments: str, behind: Callable[[str], object] | None = None) -> Ended:
        words = [verb, "--out", str(tmp_path / "runs"), "--json", str(tmp_path / "result.json"), *arguments]
        process = subprocess.Popen(
            [sys.executable, "-m", "ackdrop", *words],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        watcher, err, failed = _Watcher(process.pid), [], []

        def listen() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                err.append(line)
                if behind is not None and "point your producers at" in line:
                    try:
                        behind(line.split()[-1])
                    except AssertionError as error:
                        failed.append(error)
                    process.terminate()

        listener = threading.Thread(target=listen)
        watcher.start()
        listener.start()
        try:
            assert process.stdout is not None
            out = process.stdout.read()
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()
            listener.join()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            seen = watcher.end()
        if failed:
            raise failed[0]
        return Ended(process.returncode, out, "".join(err), tmp_path, seen)

    return run


@pytest.fixture
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """`secret_file(text)` is the path of a file with it, which is in no folder of a run."""

    def make(text: str) -> str:
        file = tmp_path_factory.mktemp("secret") / "password"
        file.write_text(text + "\n")
        return str(file)

    return make


@dataclass(frozen=True, slots=True)
class Who:
    secret: str
    options: tuple[str, ...]


@pytest.fixture
def who(secured_broker: Any, secret_file: Callable[[str], str]) -> Callable[[str], Who]:
    """`who(mechanism)`: the secret, and the options that say who ackdrop is."""

    def say(mechanism: str) -> Who:
        secret = token() if mechanism == "OAUTHBEARER" else secured_broker.users["alice"]
        options = ["--upstream-sasl-mechanism", mechanism, "--upstream-sasl-password-file", secret_file(secret)]
        if mechanism != "OAUTHBEARER":
            options += ["--upstream-sasl-username", "alice"]
        return Who(secret, tuple(options))

    return say


@pytest.fixture
def topic(secured_broker: Any) -> Iterator[str]:
    name = "ackdrop-secured-verbs"

    async def make() -> None:
        async with Cluster.connect(secured_broker.bootstrap) as cluster:
            await cluster.create_topic(name)

    async def remove() -> None:
        async with Cluster.connect(secured_broker.bootstrap) as cluster:
            await cluster.delete_topic(name)

    trio.run(make)
    yield name
    trio.run(remove)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
@pytest.mark.parametrize("producer", ["kafka-python", "confluent-kafka", "aiokafka"])
def test_our_own_producers_say_who_they_are(
    ackdrop: Ackdrop, secured_broker: Any, who: Callable[[str], Who], tmp_path: Path, mechanism: str, producer: str
) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps(SCENARIO))
    alice = who(mechanism)
    address = secured_broker.addresses("SASL")[0]
    captured = "--capture", "capture.pcapng"
    ended = ackdrop("run", str(file), "--bootstrap", address, "--producer", producer, *alice.options, *captured)
    assert ended.code == 0, ended.out + ended.err
    assert [arm["log"]["duplicates"] for arm in ended.result["arms"]] == [1, 0]
    assert ended.result["broker"]["kind"] == "kafka"
    assert ended.holds("--upstream-sasl-mechanism") != []
    assert ended.holds(alice.secret) == []
    assert_blank(ended.folder / "capture.pcapng")


def test_a_copy_on_a_connection_of_its_own_says_who_it_is(
    ackdrop: Ackdrop, secured_broker: Any, who: Callable[[str], Who], tmp_path: Path
) -> None:
    """Behind TLS, too."""
    file = tmp_path / "scenario.yaml"
    file.write_text(json.dumps({**SCENARIO, "faults": COPY}))
    alice = who("SCRAM-SHA-512")
    tls = "--upstream-tls", "--upstream-ca", str(secured_broker.certificates.ca)
    address = secured_broker.addresses("SASL_TLS")[0]
    ended = ackdrop("run", str(file), "--bootstrap", address, *tls, *alice.options, "--capture", "capture.pcapng")
    off, on = ended.result["arms"]
    assert off["log"]["duplicates"] == 1, ended.out + ended.err
    assert off["findings"][0]["cause"] == "injected"
    assert on["log"]["duplicates"] == 0
    assert ended.holds(alice.secret) == []
    assert b'side "broker", node 1, peer "ackdrop", tls 1' in assert_blank(ended.folder / "capture.pcapng")


def assert_blank(capture: Path) -> bytes:
    """What its clients said in the clear inside TLS is there, what they authenticated with is not."""
    content = capture.read_bytes()
    assert content.count(b"ackdrop: blanked") >= 4
    for said in (b"n,,n=alice", b"n,,\1auth", b"biws,r=", b"\0alice\0", b"eyJhbGciOi"):
        assert said not in content
    for said in (rb",s=[A-Za-z0-9+/=]{8}", rb"v=[A-Za-z0-9+/=]{28}"):  # what the server says of SCRAM
        assert re.search(said, content) is None
    return content


class TestNobodyIsNamed:
    """What ackdrop itself would have to ask cannot be asked; clients' own SASL passes."""

    @pytest.fixture
    def produce(self, library: Callable[[str], ModuleType], secured_broker: Any, topic: str) -> Callable[[str], None]:
        confluent = library("confluent_kafka")

        def produce(address: str) -> None:
            errors: list[Any] = []
            producer = confluent.Producer(
                {
                    "bootstrap.servers": address,
                    "security.protocol": "sasl_plaintext",
                    "sasl.mechanism": "PLAIN",
                    "sasl.username": "alice",
                    "sasl.password": secured_broker.users["alice"],
                    "message.timeout.ms": 30_000,
                    "error_cb": errors.append,
                }
            )
            told: list[Any] = []
            for number in range(5):
                producer.produce(topic, str(number), on_delivery=lambda error, message: told.append(error))
            assert producer.flush(30) == 0, errors
            assert told == [None] * 5, errors

        return produce

    def test_the_proxy_starts_all_the_same_and_says_what_to_add(
        self, ackdrop: Ackdrop, secured_broker: Any, produce: Callable[[str], None]
    ) -> None:
        address = secured_broker.addresses("SASL")[0]
        ended = ackdrop("proxy", "--bootstrap", address, "--listen", "127.0.0.1:0", behind=produce)
        assert ended.code == 3, ended.err
        assert ended.codes[0] == "no-credentials"
        assert "log-not-read" not in ended.codes
        assert "--upstream-sasl-mechanism" in ended.result["reasons"][0]["text"]
        assert "--upstream-sasl-mechanism" in ended.err
        assert ended.result["arms"][0]["log"]["records"] is None
        assert ended.holds(secured_broker.users["alice"]) == []

    def test_faults_at_sasl_keep_no_token(
        self, ackdrop: Ackdrop, secured_broker: Any, produce: Callable[[str], None], tmp_path: Path
    ) -> None:
        """Each frame is read whole, told of, changed and answered in the broker's place; what it says is not kept."""
        faults = [
            {"name": name, "at": f"sasl_authenticate.{side}", "when": {"nth": nth}, "do": do}
            for name, side, nth, do in (
                ("slow", "request", 1, {"delay": {"for": "50ms"}}),
                ("twice", "request", 2, {"duplicate": {"times": 1}}),
                ("cut", "request", 3, {"truncate": {"bytes": "40B"}}),
                ("refused", "response", 1, {"error": {"code": "SASL_AUTHENTICATION_FAILED"}}),
            )
        ]
        file = tmp_path / "scenario.yaml"
        file.write_text(json.dumps({**SCENARIO, "faults": faults}))
        words = "--bootstrap", secured_broker.addresses("SASL")[0], "--listen", "127.0.0.1:0", "--scenario", str(file)
        ended = ackdrop("proxy", *words, behind=produce)
        assert ended.code == 3, ended.err
        fired = {tally["name"]: tally["fired"] for tally in ended.result["arms"][0]["wire"]["faults"]}
        assert fired["slow"] == fired["twice"] == fired["refused"] == 1, fired
        assert ended.holds("sasl_authenticate") != []
        assert ended.holds(secured_broker.users["alice"]) == []

    def test_with_somebody_to_name_the_log_is_read(
        self, ackdrop: Ackdrop, secured_broker: Any, produce: Callable[[str], None], who: Callable[[str], Who]
    ) -> None:
        address = secured_broker.addresses("SASL")[0]
        alice = who("SCRAM-SHA-256")
        ended = ackdrop("proxy", "--bootstrap", address, "--listen", "127.0.0.1:0", *alice.options, behind=produce)
        assert ended.codes == ["no-retry"], ended.err
        assert ended.result["arms"][0]["log"]["records"] == 5
        assert ended.holds(alice.secret) == []

    def test_exec_runs_the_program_all_the_same(self, ackdrop: Ackdrop, secured_broker: Any) -> None:
        address = secured_broker.addresses("SASL")[0]
        ended = ackdrop("exec", "--bootstrap", address, "--", sys.executable, "-c", "print('ran')")
        assert (ended.code, ended.out) == (3, "ran\n"), ended.err
        assert ended.codes[0] == "no-credentials"

    @pytest.mark.parametrize("words", [["run"], ["verify", "--topic", "a-topic"]])
    def test_run_and_verify_do_not_begin(self, ackdrop: Ackdrop, secured_broker: Any, words: list[str]) -> None:
        verb, *more = words
        ended = ackdrop(verb, *more, "--bootstrap", secured_broker.addresses("SASL")[0])
        assert ended.code == 4
        assert "wants to know who is speaking (SASL: " in ended.err
        assert "--upstream-sasl-mechanism" in ended.err
        assert "Traceback" not in ended.err


def test_kerberos_is_told_of_once(ackdrop: Ackdrop, secured_broker: Any) -> None:
    def shake(address: str) -> None:
        host, port = address.split(":")
        body = struct.pack(">hhi", 17, 1, 1) + struct.pack(">h", -1) + struct.pack(">h", 6) + b"GSSAPI"
        for _ in range(2):
            with socket.create_connection((host, int(port)), DEADLINE) as sock:
                sock.sendall(struct.pack(">i", len(body)) + body)
                assert sock.recv(4096)

    ended = ackdrop(
        "proxy", "--bootstrap", secured_broker.addresses("SASL")[0], "--listen", "127.0.0.1:0", behind=shake
    )
    assert ended.err.count("Kerberos") == 1
    assert sum("Kerberos" in note for note in ended.result["notes"]) == 1


def test_a_wrong_password_ends_the_proxy_at_once(
    ackdrop: Ackdrop, secured_broker: Any, secret_file: Callable[[str], str]
) -> None:
    words = ["--upstream-sasl-mechanism", "PLAIN", "--upstream-sasl-username", "alice"]
    words += ["--upstream-sasl-password-file", secret_file("a-marked-guess")]
    ended = ackdrop("proxy", "--bootstrap", secured_broker.addresses("SASL")[0], "--listen", "127.0.0.1:0", *words)
    assert ended.code == 4
    assert "does not let 'alice' with PLAIN in" in ended.err
    assert ended.holds("a-marked-guess") == []


def test_brokers_that_are_not_verified_are_said_loudly(ackdrop: Ackdrop, secured_broker: Any, topic: str) -> None:
    words = "--bootstrap", secured_broker.addresses("TLS")[0], "--upstream-tls", "--upstream-insecure"
    ended = ackdrop("verify", "--topic", topic, *words)
    assert "--upstream-insecure" in ended.err
    assert any("--upstream-insecure" in note for note in ended.result["notes"])


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_probe_says_who_it_is(
    secured_broker: Any, secret_file: Callable[[str], str], tmp_path: Path, mechanism: str
) -> None:
    """On every connection of its own, over TLS; and the password stands nowhere."""
    password = secured_broker.users["alice"]
    command = [sys.executable, "-m", "ackdrop", "probe", "--bootstrap", secured_broker.addresses("SASL_TLS")[0]]
    command += ["--upstream-tls", "--upstream-ca", str(secured_broker.certificates.ca)]
    command += ["--upstream-sasl-mechanism", mechanism, "--upstream-sasl-username", "alice"]
    command += ["--upstream-sasl-password-file", secret_file(password), "--json", str(tmp_path / "probe.json")]
    command += ["--case", "window", "--case", "txn-fencing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "probe.json").read_text()
    assert {case["state"] for case in json.loads(written)["cases"]} == {"measured"}
    assert "remembers the last 5 batches" in " ".join(done.stdout.split())
    assert password not in written + done.stdout + done.stderr
