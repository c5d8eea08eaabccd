"""Options that several verbs share. Each can be given by the environment as ACKDROP_..., too."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType

Command = TypeVar("Command", bound=Callable[..., Any])

HERE_BY_DEFAULT = Path("ackdrop-runs")

_ADDRESS = re.compile(r"(?:\[(?P<bracketed>[^\[\]\s]+)\]|(?P<host>[^\[\]:,\s]+)):(?P<port>[0-9]{1,5})")


class AddressType(_ParamType):
    """HOST:PORT, with brackets around an IPv6 host."""

    name = "HOST:PORT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        match = _ADDRESS.fullmatch(str(value).strip())
        if match is None or int(match["port"]) > 65535:
            self.fail(f"{value!r} is not HOST:PORT, as in localhost:9092 or [::1]:9092", param, ctx)
        return match["bracketed"] or match["host"], int(match["port"])


class MappingType(_ParamType):
    """HOST:PORT=HOST:PORT, from an advertised address to one that can be reached from here."""

    name = "HOST:PORT=HOST:PORT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[str, int], tuple[str, int]]:
        if isinstance(value, tuple):
            return value
        told, equals, reached = str(value).partition("=")
        if not equals:
            self.fail(f"{value!r} is not HOST:PORT=HOST:PORT, as in redpanda:9092=localhost:9092", param, ctx)
        address = AddressType()
        return address.convert(told, param, ctx), address.convert(reached, param, ctx)


class DurationType(_ParamType):
    """A duration with its unit: 250ms, 3s, 2m, 1h. The value is in seconds."""

    name = "DURATION"
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}  # noqa: RUF012

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        unit = next((unit for unit in self.units if text.endswith(unit)), None)
        try:
            seconds = float(text.removesuffix(unit or "?")) * self.units[unit or "?"]
        except (ValueError, KeyError):
            self.fail(f"{value!r} is not a duration with its unit, as in 250ms, 30s or 2m", param, ctx)
        if not 0 < seconds < float("inf"):
            self.fail(f"{value!r} is not longer than nothing", param, ctx)
        return seconds


class ProducerType(_ParamType):
    """The name of a client library that can be put under test."""

    name = "NAME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..workload.clients import CLIENTS

        if value not in CLIENTS:
            near = get_close_matches(str(value).lower(), CLIENTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            self.fail(f"there is no producer {value!r}; {hint}There are: {', '.join(CLIENTS)}.", param, ctx)
        return str(value)


ADDRESS, MAPPING, DURATION, PRODUCER = AddressType(), MappingType(), DurationType(), ProducerType()


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """A click option that the environment can set as well: --bootstrap is ACKDROP_BOOTSTRAP."""
    word = next(name for name in names if name.startswith("--"))[2:].split("/")[0].replace("-", "_").upper()
    settings.setdefault("envvar", f"ACKDROP_{word}")
    return click.option(*names, **settings)


def report_options(command: Command) -> Command:
    """Where the result goes, and how much is said on the way."""
    for one in (
        option("--no-color", is_flag=True, help="No colour, whatever the terminal can do."),
        option("--verbose", is_flag=True, help="Say what was tried and passed over."),
        option("--quiet", is_flag=True, help="Only errors, and the exit code."),
        option("--json", "json_file", metavar="FILE", help="Write the result as JSON; - is standard output."),
        option(
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            default=HERE_BY_DEFAULT,
            show_default=True,
            metavar="DIR",
            help="Where each run gets its folder.",
        ),
    ):
        command = one(command)
    return command


def broker_options(command: Command) -> Command:
    """What stands behind the proxy."""
    for one in (
        option(
            "--map",
            "mapping",
            type=MAPPING,
            multiple=True,
            help="An advertised address that cannot be reached from here, and the one that can.",
        ),
        option("--allow-remote", is_flag=True, help="Allow a broker that is not on this machine."),
        option("--bootstrap", "--upstream", metavar="HOST:PORT", help="The broker to stand in front of."),
    ):
        command = one(command)
    return command
