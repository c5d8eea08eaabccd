"""`ackdrop ctl`: look at a proxy that runs, and change its faults."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..report.folding import say
from .group import Group
from .options import option

if TYPE_CHECKING:
    from ..control.client import Client
    from ..errors import UsageError

EPILOG = """\b
Examples:
  ackdrop proxy --bootstrap localhost:9092 --control 127.0.0.1:9191 &
  ackdrop ctl status
  ackdrop ctl faults add lose-it.yaml
  ackdrop ctl faults disarm "lose it"
  ackdrop ctl findings
"""


@dataclass(frozen=True)
class Asked:
    """Which proxy is meant, and how its answers are shown."""

    control: str | None
    token_file: Path | None
    format: str

    @cached_property
    def client(self) -> Client:
        """The API of the proxy that is named, else of the only one of this user. Raises UsageError."""
        from ..control import found, token
        from ..control.address import address_of
        from ..control.client import Client

        running = found.running()
        if self.control is None:
            if len(running) != 1:
                raise _which([f"{one.control} (process {one.pid}, {one.listen})" for one in running])
            (one,) = running
            address, made = address_of(one.control), one.token_file
        else:
            address = address_of(self.control)
            made = next((one.token_file for one in running if one.control == str(address)), None)
        if self.token_file is not None:
            text: str | None = token.read(self.token_file)
        elif token.VARIABLE in os.environ:
            text = token.checked(os.environ[token.VARIABLE], token.VARIABLE)
        else:
            text = None if made is None else token.read(Path(made))
        return Client(address, text)

    def show(self, found: Any, lines: list[str]) -> None:
        """The answer as JSON, or these lines."""
        from ..report.clean import clean

        if self.format == "json":
            click.echo(json.dumps(found, indent=2))
        else:
            say(map(clean, lines))


def _which(running: list[str]) -> UsageError:
    from ..errors import UsageError

    if running:
        return UsageError(
            f"{len(running)} proxies run: {', '.join(running)}", remedy="name one of them with --control ADDRESS"
        )
    return UsageError(
        "no proxy of yours with a control API runs",
        remedy="start one with: ackdrop proxy --control 127.0.0.1:9191 ..., or name it with --control ADDRESS",
    )


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@option(
    "--control",
    metavar="HOST:PORT|unix:PATH",
    help="The control API of the proxy; without it, the only one of yours that runs.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="ACKDROP_CONTROL_TOKEN_FILE",
    help="The file of its token; without it ACKDROP_CONTROL_TOKEN, else the token that the proxy has made.",
)
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.pass_context
def ctl(context: click.Context, control: str | None, token_file: Path | None, format: str) -> None:
    """Look at a proxy that runs with --control, and change its faults.

    Exit codes: 0 done; 2 refused, with the reason; 4 nobody answers.
    """
    context.obj = Asked(control, token_file, format)


@ctl.command()
@click.pass_obj
def status(asked: Asked) -> None:
    """Show what it does: listeners, connections, rates, retries, faults, and what happened last."""
    from .ctl_text import status_lines

    found = asked.client.get("/v1/state")
    asked.show(found, status_lines(found))


@ctl.command()
@click.option("--last", type=click.IntRange(0, 1000), default=20, show_default=True, help="Retries that are told.")
@click.pass_obj
def findings(asked: Asked, last: int) -> None:
    """Show what the wire has shown so far: retries, whether they were protected, what became of them."""
    from .ctl_text import findings_lines

    found = asked.client.get(f"/v1/findings?last={last}")
    asked.show(found, findings_lines(found))


@ctl.command()
@click.pass_obj
def metrics(asked: Asked) -> None:
    """Print the metrics, as Prometheus would get them."""
    found = asked.client.get("/metrics")
    asked.show(found, str(found).splitlines())


@ctl.command()
@click.pass_obj
def health(asked: Asked) -> None:
    """Say whether it runs, and its ledger keeps up."""
    found = asked.client.get("/health")
    losing = "" if found["status"] == "ok" else ": its ledger has let observations go, and the run will prove nothing"
    asked.show(found, [f"{found['status']}{losing}; ackdrop {found['version']}, for {found['seconds']:.0f} s"])


@ctl.group(cls=Group)
def faults() -> None:
    """List the faults; add, remove, arm, disarm and reset them."""


@faults.command("list")
@click.pass_obj
def list_faults(asked: Asked) -> None:
    """List them, in the order in which they are asked."""
    from .ctl_text import fault_lines

    found = asked.client.get("/v1/faults")
    asked.show(found, fault_lines([each["state"] for each in found]))


@faults.command()
@click.argument("file")
@click.pass_obj
def add(asked: Asked, file: str) -> None:
    """Add the faults in FILE (- is standard input), armed and behind the others.

    FILE is one fault as it stands in a scenario's `faults`, a list of them, or a scenario of which only the faults are
    taken; YAML or JSON. The name of a shipped scenario will do as well.
    """
    from .ctl_text import fault_lines

    found = asked.client.ask("POST", "/v1/faults", _content(file))
    lines = fault_lines([each["state"] for each in found["faults"]]) if found["faults"] else ["nothing to add"]
    asked.show(found, [*found["warnings"], *lines])


def _content(file: str) -> bytes:
    """What is to be added. Raises UsageError where there is nothing of that name."""
    from ..errors import UsageError
    from ..scenario.files import find
    from ..scenario.reading import content_of

    if file == "-":
        return sys.stdin.buffer.read()
    paths = find(file)
    if len(paths) > 1:
        raise UsageError(f"{file} holds {len(paths)} files", remedy="name one of them")
    return content_of(paths[0], file)


@faults.command()
@click.argument("name")
@click.pass_obj
def remove(asked: Asked, name: str) -> None:
    """Take the fault NAME out."""
    from ..control.client import fault_path

    asked.client.ask("DELETE", fault_path(name))
    asked.show({"removed": name}, [f'removed "{name}"'])


@faults.command()
@click.argument("name")
@click.pass_obj
def arm(asked: Asked, name: str) -> None:
    """Ask the fault NAME again."""
    _done(asked, name, "arm")


@faults.command()
@click.argument("name")
@click.pass_obj
def disarm(asked: Asked, name: str) -> None:
    """Let the fault NAME rest: it neither counts nor fires."""
    _done(asked, name, "disarm")


@faults.command()
@click.argument("name", required=False)
@click.pass_obj
def reset(asked: Asked, name: str | None) -> None:
    """Let the fault NAME count from nothing, or all of them."""
    from .ctl_text import fault_lines

    if name is not None:
        _done(asked, name, "reset")
        return
    found = asked.client.ask("POST", "/v1/faults/reset")
    asked.show(found, fault_lines([each["state"] for each in found]))


def _done(asked: Asked, name: str, what: str) -> None:
    from ..control.client import fault_path
    from .ctl_text import fault_lines

    found = asked.client.ask("POST", fault_path(name, f"/{what}"))
    asked.show(found, fault_lines([found["state"]]))
