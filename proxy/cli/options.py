"""Options that several verbs share. Each can be given by the environment as ACKDROP_..., too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from .hosts import FormatType, Telling, told

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..identity import Naming

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

    @staticmethod
    def text(value: tuple[str, int]) -> str:
        """The value as it is typed."""
        host, port = value
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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

    @staticmethod
    def text(value: tuple[tuple[str, int], tuple[str, int]]) -> str:
        """The value as it is typed."""
        return "=".join(map(AddressType.text, value))


class PortsType(_ParamType):
    """FIRST-LAST, a range of ports with both ends in it; or a single port."""

    name = "FIRST-LAST"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> range:
        if isinstance(value, range):
            return value
        first, dash, last = str(value).strip().partition("-")
        try:
            ports = range(int(first), int(last if dash else first) + 1)
        except ValueError:
            ports = range(0)
        if not ports or ports[0] < 1 or ports[-1] > 65535:
            self.fail(f"{value!r} is not FIRST-LAST, as in 19093-19099", param, ctx)
        return ports

    @staticmethod
    def text(value: range) -> str:
        """The value as it is typed."""
        return f"{value[0]}-{value[-1]}"


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

    @staticmethod
    def text(value: float) -> str:
        """The value as it is typed."""
        return f"{value:g}s"


class SizeType(_ParamType):
    """A number of bytes with its unit: 64KiB, 100MiB."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from ..scenario.units import size

        if isinstance(value, int):
            return value
        try:
            return size(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    @staticmethod
    def text(value: int) -> str:
        """The value as it is typed."""
        return f"{value}B"


class ProducerType(_ParamType):
    """The name of a client library that can be put under test."""

    name = "NAME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ..clients import CLIENTS

        if value not in CLIENTS:
            near = get_close_matches(str(value).lower(), CLIENTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}? " if near else ""
            self.fail(f"there is no producer {value!r}; {hint}There are: {', '.join(CLIENTS)}.", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from ..clients import CLIENTS

        return [CompletionItem(name) for name in CLIENTS if name.startswith(incomplete)]


class NamingType(_ParamType):
    """What a record is known by: `header:NAME`, `key`, `value` or `json:PATH`."""

    name = "WHAT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Naming:
        from ..identity import Naming

        if isinstance(value, Naming):
            return value
        try:
            return Naming.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


ADDRESS, MAPPING, DURATION, PRODUCER, PORTS, SIZE = (
    AddressType(),
    MappingType(),
    DurationType(),
    ProducerType(),
    PortsType(),
    SizeType(),
)


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """A click option that the environment can set as well: --bootstrap is ACKDROP_BOOTSTRAP."""
    word = next(name for name in names if name.startswith("--"))[2:].split("/")[0].replace("-", "_").upper()
    settings.setdefault("envvar", f"ACKDROP_{word}")
    return click.option(*names, **settings)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of the report: the folder of runs, a file for each format (`-` is standard output), what a code
    host is told, and how much is said on the way."""

    out: Path = HERE_BY_DEFAULT
    files: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    telling: Telling | None = None


def report_options(command: Command) -> Command:
    """Where the result goes, and how much is said on the way; the command gets them as `wanted`."""
    return output_options(cast(Command, _each(command, _OUT, _VERBOSE)))


def output_options(command: Command) -> Command:
    """The formats of a result alone; the command gets them as `wanted`."""

    @wraps(command)
    def collected(*arguments: Any, **options: Any) -> Any:
        files = {word: options.pop(f"{word}_file") for word in FORMATS}
        wanted = Wanted(
            out=options.pop("out", HERE_BY_DEFAULT),
            files={word: file for word, file in files.items() if file is not None},
            quiet=options.pop("quiet"),
            verbose=options.pop("verbose", False),
            no_color=options.pop("no_color"),
            telling=options.pop("telling"),
        )
        with told(wanted.telling):
            return command(*arguments, wanted=wanted, **options)

    formats = [
        option(f"--{word}", f"{word}_file", metavar="FILE", help=help_text) for word, help_text in FORMATS.items()
    ]
    return cast(Command, _each(collected, *reversed(formats), _FORMAT, _QUIET, _NO_COLOR))


def _each(command: Any, *options: Callable[[Any], Any]) -> Any:
    for one in reversed(options):
        command = one(command)
    return command


FORMATS = {
    "json": "Write the result as JSON; - is standard output.",
    "junit": "Write it as JUnit XML, for CI.",
    "markdown": "Write it as Markdown, for a CI summary.",
    "html": "Write it as one HTML page.",
}
"""What a result can be written as, with the help text of its option."""

_OUT = option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=HERE_BY_DEFAULT,
    show_default=True,
    metavar="DIR",
    help="Where each run gets its folder.",
)
_FORMAT = option(
    "--format",
    "telling",
    type=FormatType(),
    metavar=FormatType.name,
    help="Tell a code host: github prints annotations on the scenario's lines, and adds to $GITHUB_STEP_SUMMARY; "
    "gitlab writes gl-code-quality-report.json. =FILE behind it: there instead; - is standard output.",
)
_QUIET = option("--quiet", is_flag=True, help="Only errors, and the exit code.")
_VERBOSE = option("--verbose", is_flag=True, help="Say what was tried and passed over.")
_NO_COLOR = option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")


def capture_options(command: Command) -> Command:
    """Where what passes is written; the command gets it as `capture`. A file that is there and is no capture is refused
    before anything is run, and so is one that cannot be written."""

    @wraps(command)
    def collected(*arguments: Any, **options: Any) -> Any:
        file, size, files = (options.pop(f"capture_{word}") for word in ("file", "size", "files"))
        capture = None
        if file is not None:
            from ..capture.writing.writer import CaptureSettings
            from .output import check_writable

            capture = CaptureSettings(file, size, files)
            capture.check()
            check_writable(capture.path)
        return command(*arguments, capture=capture, **options)

    return cast(Command, _each(collected, *_CAPTURE))


_CAPTURE = (
    option(
        "--capture",
        "capture_file",
        type=click.Path(path_type=Path),
        metavar="FILE.pcapng",
        help="Write what passes on both sides of the proxy, for Wireshark; credentials are blanked.",
    ),
    option(
        "--capture-size",
        type=SIZE,
        default="100MiB",
        show_default=True,
        help="Go on in another file, named by number and time, once one is so large.",
    ),
    option(
        "--capture-files",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        metavar="N",
        help="Keep so many files of a capture; the oldest is removed.",
    ),
)


def set_option(command: Command) -> Command:
    """Values for a scenario, by path or by variable; the command gets them as `sets`."""
    one = option(
        "--set",
        "sets",
        multiple=True,
        metavar="PATH=VALUE",
        envvar=None,
        help="Change a value of the scenario, as in faults[0].when.nth=5, or give a variable its value.",
    )
    return cast(Command, _each(command, one))


def log_options(command: Command) -> Command:
    """How the log is looked at."""
    identity = option(
        "--identity",
        "naming",
        type=NamingType(),
        help="What makes two records copies of one: header:NAME, key, value or json:PATH. Otherwise key, value, "
        "headers and create time together.",
    )
    isolation = option(
        "--isolation",
        type=click.Choice(["read_uncommitted", "read_committed"]),
        help="Whether records of transactions that were aborted, or are open, count.",
    )
    return cast(Command, _each(command, identity, isolation))


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
        option(
            "--bootstrap",
            "--upstream",
            metavar="HOST:PORT",
            help="The broker to stand in front of; several of a cluster with commas between.",
        ),
    ):
        command = one(command)
    return command


def source_option(command: Command) -> Command:
    """Where the broker comes from when none is named; the command gets it as `broker`."""
    one = option(
        "--broker",
        type=click.Choice(["auto", "found", "docker", "embedded"]),
        default="auto",
        show_default=True,
        help="Where the broker comes from when --bootstrap names none.",
    )
    return cast(Command, _each(command, one))
