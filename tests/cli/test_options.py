"""Options that several verbs share: what they take, what they refuse, and where the environment speaks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ackdrop.cli.options import (
    ADDRESS,
    DURATION,
    PRODUCER,
    Wanted,
    broker_options,
    log_options,
    option,
    report_options,
)
from ackdrop.identity import Naming


@click.command()
@broker_options
@log_options
@report_options
@option("--address", type=ADDRESS)
@option("--lasting", type=DURATION)
@option("--producer", type=PRODUCER)
@click.pass_obj
def verb(taken: dict[str, Any], **given: Any) -> None:
    """A verb that has them all."""
    taken.update(given)


def call(*arguments: str, env: dict[str, str] | None = None) -> tuple[dict[str, Any], Result]:
    taken: dict[str, Any] = {}
    return taken, CliRunner().invoke(verb, arguments, obj=taken, env=env)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:9092", ("localhost", 9092)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:9092", ("::1", 9092)),
        ("[fe80::1%lo]:65535", ("fe80::1%lo", 65535)),
        (" broker-1.example_a:1 ", ("broker-1.example_a", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    taken, result = call("--address", text)
    assert (result.exit_code, taken["address"]) == (0, address)


NOT_ADDRESSES = ["", ":", "localhost", "localhost:", ":9092", "localhost:port", "localhost:65536", "localhost:-1"]
NOT_ADDRESSES += ["localhost:²", "a:٣", "a:123456", "::1:9092", "[::1:9092", "::1]:9092", "[]:9092", "[::1]9092"]
NOT_ADDRESSES += ["a:1,b:2", "a b:1"]


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_wrong_addresses_name_the_option(text: str) -> None:
    taken, result = call("--address", text)
    assert (result.exit_code, taken) == (2, {})
    assert "Invalid value for '--address'" in result.output
    assert "localhost:9092" in result.output


def test_mappings() -> None:
    taken, result = call("--map", "redpanda:9092=localhost:9092", "--map", "[::2]:1=[::1]:2")
    assert result.exit_code == 0
    assert dict(taken["mapping"]) == {("redpanda", 9092): ("localhost", 9092), ("::2", 1): ("::1", 2)}


@pytest.mark.parametrize("text", ["redpanda:9092", "redpanda=localhost:9092", "a:1=", "=a:1", "a:1=b:2=c:3"])
def test_wrong_mappings_name_the_option(text: str) -> None:
    _, result = call("--map", text)
    assert result.exit_code == 2
    assert "Invalid value for '--map'" in result.output


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("3s", 3.0), ("2m", 120.0), ("1h", 3600.0), ("1.5 s", 1.5), (" 1ms ", 0.001)]
)
def test_durations(text: str, seconds: float) -> None:
    taken, result = call("--lasting", text)
    assert result.exit_code == 0
    assert math.isclose(taken["lasting"], seconds)


@pytest.mark.parametrize("text", ["", "3", "s", "3 d", "0s", "-1s", "infs", "nans", "1e999s", "three s"])
def test_wrong_durations_name_the_option(text: str) -> None:
    taken, result = call("--lasting", text)
    assert (result.exit_code, taken) == (2, {})
    assert "Invalid value for '--lasting'" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka_python", "did you mean kafka-python?"),
        ("Confluent", "did you mean confluent-kafka?"),
        ("zzz", "There are: kafka-python, confluent-kafka, aiokafka."),
    ],
)
def test_an_unknown_producer_is_told_the_nearest(text: str, said: str) -> None:
    _, result = call("--producer", text)
    assert result.exit_code == 2
    assert "Invalid value for '--producer'" in result.output
    assert said in " ".join(result.output.split())


def test_every_option_can_be_given_by_the_environment() -> None:
    env = {
        "ACKDROP_BOOTSTRAP": "a:1",
        "ACKDROP_ALLOW_REMOTE": "1",
        "ACKDROP_MAP": "a:1=b:2 c:3=d:4",
        "ACKDROP_OUT": "there",
        "ACKDROP_JSON": "-",
        "ACKDROP_JUNIT": "run.xml",
        "ACKDROP_IDENTITY": "header:order-id",
        "ACKDROP_ISOLATION": "read_committed",
        "ACKDROP_QUIET": "true",
        "ACKDROP_VERBOSE": "yes",
        "ACKDROP_NO_COLOR": "1",
        "ACKDROP_ADDRESS": "e:5",
        "ACKDROP_LASTING": "2s",
        "ACKDROP_PRODUCER": "aiokafka",
    }
    taken, result = call(env=env)
    assert result.exit_code == 0, result.output
    assert taken == {
        "bootstrap": "a:1",
        "allow_remote": True,
        "mapping": ((("a", 1), ("b", 2)), (("c", 3), ("d", 4))),
        "naming": Naming.parse("header:order-id"),
        "isolation": "read_committed",
        "wanted": Wanted(Path("there"), {"json": "-", "junit": "run.xml"}, quiet=True, verbose=True, no_color=True),
        "address": ("e", 5),
        "lasting": 2.0,
        "producer": "aiokafka",
    }


def test_the_command_line_wins_over_the_environment() -> None:
    taken, _ = call("--upstream", "b:2", env={"ACKDROP_BOOTSTRAP": "a:1"})
    assert taken["bootstrap"] == "b:2"


def test_nothing_given_is_nothing_asked_for() -> None:
    taken, _ = call(env=dict.fromkeys(("ACKDROP_BOOTSTRAP", "ACKDROP_OUT", "ACKDROP_JSON")))
    assert taken["wanted"] == Wanted(Path("ackdrop-runs"))
    assert [name for name, value in taken.items() if value] == ["wanted"]


@pytest.mark.parametrize("text", ["order-id", "header:", "json:id", ""])
def test_wrong_identities_name_the_option(text: str) -> None:
    _, result = call("--identity", text)
    assert result.exit_code == 2
    assert "Invalid value for '--identity'" in result.output
