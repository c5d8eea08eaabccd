"""The embedded broker's properties and commands."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ackdrop.broker.layout import Layout, Node, Wish
from ackdrop.broker.listener import Certificate, Listener, every_mechanism
from ackdrop.broker.settings import cluster_id, commands, files, properties
from ackdrop.errors import UsageError

USERS = {"alice": "alice-secret"}


def alone(extra: dict[str, str] | None = None) -> tuple[Layout, Node]:
    layout = Layout.of(Wish(extra=extra or {}), [20001, 20002])
    return layout, layout.nodes[0]


def parsed(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_traps_of_a_one_node_broker_are_avoided() -> None:
    values = parsed(properties(*alone()))
    assert values["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20001"
    assert values["controller.quorum.voters"] == "1@127.0.0.1:20002"
    assert values["log.retention.ms"] == "-1"
    assert values["auto.create.topics.enable"] == "false"
    assert {value for name, value in values.items() if name.endswith(".replication.factor")} == {"1"}
    assert "0.0.0.0" not in values["listeners"]


def test_extra_properties_win_and_are_escaped() -> None:
    values = parsed(properties(*alone({"log.dirs": "a\\b ü🎈", "more": "yes"})))
    assert values["log.dirs"] == "a\\\\b \\u00fc\\ud83c\\udf88"
    assert values["more"] == "yes"


def test_its_log_goes_where_the_supervisor_looks() -> None:
    assert "SYSTEM_OUT" in files(*alone())["log4j2.xml"]


def test_it_is_formatted_and_run_with_the_pinned_jars_alone() -> None:
    format_it, run_it = commands(Path("/java"), [Path("/a.jar"), Path("/b.jar")], Path("/folder"), "id", {})
    assert format_it[-6:] == ["kafka.tools.StorageTool", "format", "-t", "id", "-c", "server.properties"]
    assert run_it[-2:] == ["kafka.Kafka", "server.properties"]
    assert run_it[run_it.index("-cp") + 1] == "/a.jar:/b.jar"
    assert "-Djava.io.tmpdir=/folder" in run_it


def test_users_are_made_with_the_cluster_for_both_mechanisms() -> None:
    format_it, _ = commands(Path("/java"), [], Path("/folder"), "id", USERS)
    assert format_it[-4:] == [
        *("--add-scram", "SCRAM-SHA-256=[name=alice,password=alice-secret]"),
        *("--add-scram", "SCRAM-SHA-512=[name=alice,password=alice-secret]"),
    ]


def test_three_brokers_know_each_other_and_keep_three_copies() -> None:
    layout = Layout.of(Wish(3), range(1, 7))
    first, second, third = (parsed(properties(layout, node)) for node in layout.nodes)
    assert [one["node.id"] for one in (first, second, third)] == ["1", "2", "3"]
    assert first["controller.quorum.voters"] == "1@127.0.0.1:4,2@127.0.0.1:5,3@127.0.0.1:6"
    assert second["controller.quorum.voters"] == first["controller.quorum.voters"]
    assert third["listeners"] == "PLAINTEXT://127.0.0.1:3,CONTROLLER://127.0.0.1:6"
    assert {value for name, value in first.items() if name.endswith(".replication.factor")} == {"3"}
    assert {value for name, value in first.items() if name.endswith(".min.isr")} == {"2"}


def test_beyond_three_a_broker_is_no_controller_and_of_two_one_is() -> None:
    layout = Layout.of(Wish(4), range(1, 8))
    fourth = parsed(properties(layout, layout.nodes[3]))
    assert (fourth["process.roles"], fourth["listeners"]) == ("broker", "PLAINTEXT://127.0.0.1:4")
    assert len(fourth["controller.quorum.voters"].split(",")) == 3
    pair = Layout.of(Wish(2), range(1, 4))
    assert parsed(properties(pair, pair.nodes[1]))["controller.quorum.voters"] == "1@127.0.0.1:3"


def test_more_brokers_than_a_machine_should_carry_are_refused() -> None:
    with pytest.raises(UsageError, match="10 brokers are asked for, and ackdrop starts 9 at most"):
        Wish(10)


def test_more_listeners_are_told_to_clients_with_what_they_need() -> None:
    tls, sasl = Listener("SECURE", Certificate("chain", "key", "ca")), every_mechanism("ASKS", USERS)
    wish = Wish(listeners=[tls, sasl])
    assert wish.ports == 4
    layout = Layout.of(wish, [1, 2, 3, 4])
    values = parsed(properties(layout, layout.nodes[0]))
    assert values["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1,SECURE://127.0.0.1:3,ASKS://127.0.0.1:4"
    assert values["listener.security.protocol.map"].endswith(",SECURE:SSL,ASKS:SASL_PLAINTEXT")
    assert values["listener.name.secure.ssl.client.auth"] == "required"
    assert values["listener.name.asks.sasl.enabled.mechanisms"] == "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
    assert layout.nodes[0].more == {"SECURE": 3, "ASKS": 4}


def test_a_password_cannot_end_its_place() -> None:
    login = Listener("X", mechanisms=("PLAIN",), users={"eve": 'a"; b\\'}).properties()
    assert login["listener.name.x.plain.sasl.jaas.config"].endswith(' required user_eve="a\\"; b\\\\";')


def test_no_secret_is_shown() -> None:
    wish = Wish(listeners=[Listener("X", Certificate("chain", "the key"), users=USERS)], users=USERS)
    assert "alice" not in repr(wish)
    assert "the key" not in repr(wish)


def test_a_cluster_id_is_sixteen_bytes_and_no_option() -> None:
    ids = {cluster_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(base64.urlsafe_b64decode(f"{text}==")) == 16 and not text.startswith("-") for text in ids)
