"""`ackdrop capture show`: what it prints, in which order, and how it ends."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ackdrop.cli import ackdrop
from ackdrop.errors import UsageError

from ..capture.reading.reading_of import recorded, talks
from ..core.frames import Frames
from ..talks import Talk, write

FRAMES = Frames()
Show = Callable[..., Result]


@pytest.fixture
def show() -> Show:
    def run(*arguments: str | Path, exit_code: int = 0) -> Result:
        result = CliRunner(env={"COLUMNS": "80"}).invoke(
            ackdrop, ["capture", "show", *map(str, arguments)], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        assert result.return_value == exit_code
        return result

    return run


def produce(cid: int, producer: tuple[int, int, int] = (-1, -1, -1), topic: str = "orders") -> bytes:
    return FRAMES.produce(cid, (topic, 0, FRAMES.batch(FRAMES.record(b"v"), producer=producer)), client="shop")


def told(cid: int, offset: int, topic: str = "orders", error: int = 0) -> bytes:
    return FRAMES.produced(cid, (topic, 0, error, offset))


@pytest.fixture
def duplicate(tmp_path: Path) -> Path:
    """A lost ack, and the copy that its retry left."""
    lost = Talk().open().client(produce(5)).broker(told(5, 7), acked=False).rst(0)
    again = Talk(("10.0.0.2", 40001), at=2.0).open().client(produce(9)).broker(told(9, 8)).fin(0).fin(1)
    return write(tmp_path / "duplicate.pcap", lost, again)


def test_a_sequence_by_connection(show: Show, duplicate: Path) -> None:
    assert (
        show(duplicate).output
        == """\
connection 1  shop
  10.0.0.2:40000 → 10.0.0.1:9092
     0.001 s → produce v7 #5            acks all; orders-0: 1 record
     0.002 s ← produce #5               orders-0: offset 7; after 1.0 ms
     0.003 s ■ client resets the connection; never acknowledged by the client:
               the answer to produce #5

connection 2  shop
  10.0.0.2:40001 → 10.0.0.1:9092
     2.001 s → produce v7 #9            acks all; orders-0: 1 record, sent again
                                        after connection 1 #5
     2.002 s ← produce #9               orders-0: offset 8; after 1.0 ms
     2.004 s ■ client ends the connection

16 packets in 2.0 s: 2 connections with 4 frames of Kafka's.
"""
    )


def test_the_same_in_time(show: Show, duplicate: Path) -> None:
    assert show(duplicate, "--by", "time").output.splitlines()[:3] == [
        "1           0.000 s ┌ 10.0.0.2:40000 → 10.0.0.1:9092",
        "1          0.001 s → produce v7 #5            acks all; orders-0: 1 record",
        "1          0.002 s ← produce #5               orders-0: offset 7; after 1.0 ms",
    ]


def test_retries_are_a_story_with_a_verdict_and_an_exit_code(show: Show, duplicate: Path) -> None:
    assert (
        show(duplicate, "--retries", exit_code=1).output
        == """\
orders-0, 1 record, shop
    0.001 s  connection 1 #5  sent, no producer id; answered at 0.002 s with
                              offset 7, never acknowledged by the client; its
                              connection was reset at 0.003 s
    2.001 s  connection 2 #9  sent again, no producer id; answered at 2.002 s
                              with offset 8, acknowledged by the client
  DUPLICATE in the log: The records stand at offsets 7 and 8: two acks of the
  broker say so. Without a producer id it could not know them again.

2 produce attempts, 2 answered, 1 without an ack that the client is known to
have, 1 retry.
       1  DUPLICATE in the log
16 packets in 2.0 s: 2 connections with 4 frames of Kafka's.
"""
    )


@pytest.mark.parametrize(
    ("answer", "producer", "code"),
    [
        (told(9, 7), (7, 0, 3), 0),
        (told(9, 8), (7, 0, 3), 1),
        (told(9, 8), (-1, -1, -1), 1),
        (b"", (-1, -1, -1), 3),
    ],
)
def test_exit_codes_of_retries(
    show: Show, tmp_path: Path, answer: bytes, producer: tuple[int, int, int], code: int
) -> None:
    lost = Talk().open().client(produce(5, producer)).broker(told(5, 7), acked=False).rst(0)
    again = Talk(("10.0.0.2", 40001), at=2.0).open().client(produce(9, producer))
    file = write(tmp_path / "a.pcap", lost, again.broker(answer) if answer else again)
    show(file, "--retries", exit_code=code)
    document = json.loads(show(file, "--retries", "--format", "json", exit_code=code).output)
    assert document["summary"]["exit_code"] == code


def test_a_capture_with_a_hole_does_not_claim_that_there_was_no_duplicate(show: Show, tmp_path: Path) -> None:
    talk = Talk().open().client(produce(5)).broker(told(5, 7)).client(produce(6)).broker(told(6, 8))
    assert show(write(tmp_path / "a.pcap", talk), "--retries").return_value == 0
    del talk.packets[3:5]
    output = show(write(tmp_path / "b.pcap", talk), "--retries", exit_code=3).output
    assert "The capture lacks 1" in output


def test_json_is_one_document_of_all(show: Show, duplicate: Path) -> None:
    document = json.loads(show(duplicate, "--format", "json").output)
    assert document["schema"] == "ackdrop/capture/1"
    assert [(frame["at"], frame["connection"], frame["way"], frame["api"]) for frame in document["frames"]] == [
        (0.001, 1, "request", "produce"),
        (0.002, 1, "answer", "produce"),
        (2.001, 2, "request", "produce"),
        (2.002, 2, "answer", "produce"),
    ]
    assert document["frames"][2]["sent"] == [
        {
            "topic": "orders",
            "partition": 0,
            "producer_id": None,
            "producer_epoch": None,
            "base_sequence": None,
            "records": 1,
            "size": 69,
            "codec": "none",
            "attempt": 2,
            "retry_of": 1,
            "first": {"connection": 1, "correlation_id": 5},
            "ambiguous": False,
        }
    ]
    assert document["frames"][3]["told"] == [{"topic": "orders", "partition": 0, "error": None, "base_offset": 8}]
    first, second = document["connections"]
    assert (first["client"], first["broker"], first["ended_how"]) == ("10.0.0.2:40000", "10.0.0.1:9092", "reset")
    assert first["unacknowledged"] == [{"api": "produce", "correlation_id": 5}]
    assert (second["ended_by"], second["unacknowledged"]) == ("client", [])
    (retry,) = document["retries"]
    assert (retry["verdict"], retry["offsets"]) == ("duplicate", [7, 8])
    assert [attempt["ack"] for attempt in retry["attempts"]] == ["unacknowledged", "acknowledged"]
    assert document["summary"]["verdicts"] == {"duplicate": 1}
    assert document["summary"]["exit_code"] == 0


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Two clients on two connections, some topics, an error, a producer id."""
    one = Talk().open().client(FRAMES.request(3, 1, 1, client="web")).broker(FRAMES.answer(1, bytes(12)))
    one.client(produce(2, (7, 0, 0))).broker(told(2, 1)).client(produce(3, topic="t")).broker(told(3, -1, "t", 6))
    two = Talk(("10.0.0.2", 40001), at=1.0).open().client(produce(4)).broker(told(4, 2))
    return write(tmp_path / "many.pcap", one, two)


@pytest.mark.parametrize(
    ("arguments", "frames"),
    [
        ([], ["→1", "←1", "→2", "←2", "→3", "←3", "→4", "←4"]),
        (["--connection", "2"], ["→4", "←4"]),
        (["--api", "Metadata"], ["→1", "←1"]),
        (["--api", "produce", "--connection", "1"], ["→2", "←2", "→3", "←3"]),
        (["--topic", "ord*"], ["→2", "←2", "→4", "←4"]),
        (["--topic", "t", "--partition", "0"], ["→3", "←3"]),
        (["--partition", "1"], []),
        (["--client-id", "web"], ["→1", "←1"]),
        (["--producer-id", "7"], ["→2", "←2"]),
        (["--errors"], ["←3"]),
        (["--faults"], []),
        (["--from", "0.0025", "--until", "1"], ["→2", "←2", "→3", "←3"]),
    ],
)
def test_filters(show: Show, many: Path, arguments: list[str], frames: list[str]) -> None:
    lines = [line.split() for line in show(many, *arguments).output.splitlines()]
    shown = [
        line[2] + next(word for word in line if word[0] == "#")[1:] for line in lines if line[2:3] in (["→"], ["←"])
    ]
    assert shown == frames
    document = json.loads(show(many, *arguments, "--format", "json").output)
    ways = {"request": "→", "answer": "←"}
    assert [f"{ways[each['way']]}{each['correlation_id']}" for each in document["frames"]] == frames


def test_every_field_of_a_packet(show: Show, many: Path) -> None:
    output = show(many, "--connection", "2", "--decode").output
    for name, value in (("producer_id", "-1"), ("base_offset", "2"), ("value", "b'v'"), ("error_code", "NONE (0)")):
        assert re.search(rf"{name} *= {re.escape(value)}", output)
    with pytest.raises(UsageError, match="--decode is for text"):
        show(many, "--decode", "--format", "json")


def test_what_says_who_somebody_is_is_shown_nowhere(show: Show, tmp_path: Path) -> None:
    secret = b"\0alice\0wonderland-7"
    body = FRAMES.framed(secret)
    talk = Talk().open().client(FRAMES.request(36, 1, 1, body)).broker(FRAMES.answer(1, bytes(20)))
    raw = Talk(("10.0.0.2", 40001)).open().client(FRAMES.request(17, 0, 1, b"\0\5PLAIN"))
    raw.broker(FRAMES.answer(1, bytes(6))).client(FRAMES.framed(secret)).broker(FRAMES.framed(b""))
    raw.client(FRAMES.request(3, 1, 2)).broker(FRAMES.answer(2, bytes(12)))
    file = write(tmp_path / "a.pcap", talk, raw)
    for arguments in ([], ["--decode"], ["--format", "json"], ["--by", "time"]):
        output = show(file, *arguments).output
        assert "wonderland" not in output
        assert "PLAIN" in output
    tokens = [frame for frame in json.loads(show(file, "--format", "json").output)["frames"] if not frame["api"]]
    assert [frame["problem"] for frame in tokens] == ["a SASL token"] * 2


def test_an_api_that_is_none_is_told_with_the_nearest(show: Show, many: Path) -> None:
    with pytest.raises(UsageError, match="--api prduce: no such API") as found:
        show(many, "--api", "prduce")
    assert found.value.remedy == "did you mean produce?"


def test_a_capture_without_kafka_says_what_there_is_and_what_to_do(show: Show, tmp_path: Path) -> None:
    tls = Talk().open().client(b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3" + bytes(99)).fin(0).fin(1)
    output = " ".join(show(write(tmp_path / "a.pcap", tls), exit_code=3).output.split())
    assert "Not read: 1 connection with TLS." in output
    assert "Encrypted, and so not read: 10.0.0.1:9092." in output
    assert "--capture FILE.pcapng" in output
    web = Talk().open().client(b"GET / HTTP/1.1\r\n\r\n").fin(0).fin(1)
    output = " ".join(show(write(tmp_path / "b.pcap", web), "--retries", exit_code=3).output.split())
    assert "1 connection with HTTP" in output
    assert "No Kafka in it." in output
    assert "tcpdump -i any" in output


def test_a_file_that_is_cut_off_is_told_as_far_as_it_goes(show: Show, duplicate: Path) -> None:
    duplicate.write_bytes(duplicate.read_bytes()[:-5])
    output = show(duplicate).output
    assert "produce v7 #9" in output
    assert "duplicate.pcap ends early, at byte" in " ".join(output.split())


def test_names_from_outside_do_nothing_to_a_terminal(show: Show, tmp_path: Path) -> None:
    topic, client = "t\x1b]0;x\x07\u202e\n", "c\x1b[2J\r\n"
    batch = FRAMES.batch(FRAMES.record(b"v"))
    lost = Talk().open().client(FRAMES.produce(5, (topic, 0, batch), client=client)).rst(1)
    again = Talk(("10.0.0.2", 40001), at=2.0).open().client(FRAMES.produce(6, (topic, 0, batch), client=client))
    file = write(tmp_path / "a.pcap", lost, again)
    for arguments, code in (([], 0), (["--by", "time"], 0), (["--retries"], 3), (["--format", "json"], 0)):
        output = show(file, *arguments, exit_code=code).output
        assert all(char == "\n" or char.isprintable() for char in output)


def test_no_line_is_wider_than_the_terminal(show: Show, tmp_path: Path) -> None:
    file = write(tmp_path / "a.pcap", *talks(recorded("consumer-group")), *talks(recorded("transaction")))
    for arguments in ([], ["--by", "time"], ["--retries"]):
        result = CliRunner(env={"COLUMNS": "80"}).invoke(ackdrop, ["capture", "show", str(file), *arguments])
        assert max(map(len, result.output.splitlines())) <= 80


def test_several_files_and_standard_input(show: Show, tmp_path: Path, duplicate: Path) -> None:
    command = [sys.executable, "-m", "ackdrop", "capture", "show", "-", "--retries"]
    packed = gzip.compress(duplicate.read_bytes())
    done = subprocess.run(command, input=packed, capture_output=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"DUPLICATE" in done.stdout


def test_ctrl_c_tells_what_came_until_then(tmp_path: Path, duplicate: Path) -> None:
    command = [sys.executable, "-m", "ackdrop", "capture", "show", "-", "--by", "time"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(duplicate.read_bytes())
        process.stdin.flush()
        lines = [process.stdout.readline()]
        while b"produce #9" not in lines[-1]:  # its first lines come while the pipe is open
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 130
        assert b"interrupted: what came until then is told" in rest
        assert b"2 connections with 4 frames" in rest


def test_a_reader_who_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    rows = recorded("consumer-group")
    again: list[Any] = []
    for n in range(100):
        again += talks([row._replace(at=row.at + n, connection=row.connection + 1000 * (n % 20)) for row in rows])
    file = write(tmp_path / "a.pcap", *again)
    command = f"{sys.executable} -m ackdrop capture show {file} --by time | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout.splitlines()[1:], done.stderr) == (["0"], "")
