"""The command line that does the same again."""

from __future__ import annotations

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

from ackdrop.cli.again import again
from ackdrop.cli.options import ADDRESS, DURATION, MAPPING, NamingType, option, report_options

Again = Callable[..., tuple[str, ...]]


@pytest.fixture
def typed() -> Again:
    """What is made of a command line of the verb `watch` and an environment."""
    seen: list[tuple[str, ...]] = []

    @click.command("watch")
    @option("--listen", type=ADDRESS, default="127.0.0.1:1")
    @option("--map", "mapping", type=MAPPING, multiple=True)
    @option("--for", "seconds", type=DURATION)
    @option("--identity", "naming", type=NamingType())
    @option("--verify/--no-verify", default=True)
    @option("--keep", is_flag=True)
    @option("--set", "sets", multiple=True)
    @option("--arm", "arms", multiple=True)
    @option("--seed", type=int)
    @report_options
    @click.pass_context
    def watch(context: click.Context, **_: object) -> None:
        seen.append(again(context))

    def call(line: str = "", **environment: str) -> tuple[str, ...]:
        result = CliRunner().invoke(watch, line.split(), env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return seen.pop()

    return call


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--listen [::1]:9092",
        "--map a:1=b:2 --map [::1]:3=d:4",
        "--for 90s",
        "--identity header:order-id",
        "--no-verify --keep --seed 0",
    ],
)
def test_what_was_typed_comes_back(typed: Again, line: str) -> None:
    assert typed(line) == ("ackdrop", "watch", *line.split())


def test_what_the_environment_said_is_typed_the_next_time(typed: Again) -> None:
    assert typed("--seed 3", ACKDROP_SEED="4", ACKDROP_FOR="1500ms") == (
        *("ackdrop", "watch", "--for", "1.5s"),
        *("--seed", "3"),
    )


def test_where_a_report_goes_is_no_part_of_it(typed: Again) -> None:
    line = "--out x --json a --junit b --markdown c --html d --quiet --verbose --no-color"
    assert typed(line) == ("ackdrop", "watch")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("--set workload.client_config.sasl_plain_password=a=b", "workload.client_config.sasl_plain_password=***"),
        ("--set workload.records=5", "workload.records=5"),
        ("--set value=password", "value=password"),
        ("--arm off=API_TOKEN=a=b", "off=API_TOKEN=***"),
        ("--arm off=IDEMPOTENCE=false", "off=IDEMPOTENCE=false"),
    ],
)
def test_a_secret_is_not_kept(typed: Again, line: str, kept: str) -> None:
    assert typed(line)[-1] == kept


def test_an_address_may_be_called_secret(typed: Again) -> None:
    assert typed("--map secret:1=token:2")[-1] == "secret:1=token:2"
