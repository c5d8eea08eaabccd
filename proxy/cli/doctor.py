"""`ackdrop doctor`: what is installed and found, for bug reports."""

from __future__ import annotations

from typing import Any

import click

from .options import Wanted, option

EPILOG = """\b
Examples:
  ackdrop doctor
  ackdrop doctor --json > doctor.json        for a bug report
  ackdrop doctor --bootstrap localhost:9092  this broker, too
"""


@click.command(epilog=EPILOG)
@option("--bootstrap", "--upstream", metavar="HOST:PORT", help="A broker to look at, too. Nothing is written to it.")
@option(
    "--json",
    "json_file",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    envvar=None,
    help="All of it as JSON, on standard output or in a file.",
)
@option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")
def doctor(bootstrap: str | None, json_file: str | None, no_color: bool) -> int:
    """Say what is installed and found: ackdrop, Python, extras, brokers, producers, Java, Docker, ports, limits.

    Nothing is started, written or sent but the question who a broker is, and it takes some seconds at most. Passwords,
    tokens and values of variables are not in it. The exit code is 0, whatever is missing: warnings say what to do.
    """
    import trio

    from ..experiment.doctor.examine import examine
    from .output import Output

    files = {} if json_file is None else {"json": json_file}
    output = Output(Wanted(files=files, no_color=no_color))
    found = trio.run(examine, bootstrap)
    if json_file is None:
        output.page(lambda console: _render(found, console))
        return 0
    import json

    output.keep(json_file, json.dumps(found.to_json(), indent=2) + "\n", "name another file")
    return 0


def _render(found: Any, console: Any) -> None:
    from ..report.doctor import render

    render(found.checks, found.next, console)
