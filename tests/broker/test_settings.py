"""The embedded broker's properties and commands."""

from __future__ import annotations

import base64
from pathlib import Path

from ackdrop.broker.settings import cluster_id, commands, files, properties


def parsed(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_traps_of_a_one_node_broker_are_avoided() -> None:
    values = parsed(properties(20001, 20002, {}))
    assert values["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20001"
    assert values["controller.quorum.voters"] == "1@127.0.0.1:20002"
    assert values["log.retention.ms"] == "-1"
    assert values["auto.create.topics.enable"] == "false"
    assert {value for name, value in values.items() if name.endswith(".replication.factor")} == {"1"}
    assert "0.0.0.0" not in values["listeners"]


def test_extra_properties_win_and_are_escaped() -> None:
    values = parsed(properties(1, 2, {"log.dirs": "a\\b ü🎈", "more": "yes"}))
    assert values["log.dirs"] == "a\\\\b \\u00fc\\ud83c\\udf88"
    assert values["more"] == "yes"


def test_its_log_goes_where_the_supervisor_looks() -> None:
    assert "SYSTEM_OUT" in files(1, 2, {})["log4j2.xml"]


def test_it_is_formatted_and_run_with_the_pinned_jars_alone() -> None:
    format_it, run_it = commands(Path("/java"), [Path("/a.jar"), Path("/b.jar")], Path("/folder"))
    assert format_it[-6:-3] == ["kafka.tools.StorageTool", "format", "-t"]
    assert run_it[-2:] == ["kafka.Kafka", "server.properties"]
    assert run_it[run_it.index("-cp") + 1] == "/a.jar:/b.jar"
    assert "-Djava.io.tmpdir=/folder" in run_it


def test_a_cluster_id_is_sixteen_bytes_and_no_option() -> None:
    ids = {cluster_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(base64.urlsafe_b64decode(f"{text}==")) == 16 and not text.startswith("-") for text in ids)
