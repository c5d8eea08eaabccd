"""`ackdrop scenario new`: a scenario of one's own, from a few answers or from options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...report.folding import say

if TYPE_CHECKING:
    from ...scenario.sketch import Sketch

EPILOG = """\b
Examples:
  ackdrop scenario new                      asks, on a terminal
  ackdrop scenario new mine.yaml --fault drop --at produce.response --nth 3
  ackdrop scenario new --list               which faults there are, and where
"""


@click.command(epilog=EPILOG)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--fault", metavar="WORD", help="What is done, such as drop, delay, error, late.")
@click.option("--at", metavar="PLACE", help="Where on the path, such as produce.response or connection.")
@click.option("--nth", type=click.IntRange(1, 1_000_000), metavar="N", help="At the n-th that matches.")
@click.option("--producer", metavar="NAME", help="The client library under test.")
@click.option("--records", type=click.IntRange(1, 10_000_000), metavar="N", help="How many records it writes.")
@click.option("--title", metavar="TEXT", help="One line: what happens.")
@click.option("--list", "listed", is_flag=True, help="List the faults and where they are possible.")
def new(
    file: Path | None,
    fault: str | None,
    at: str | None,
    nth: int | None,
    producer: str | None,
    records: int | None,
    title: str | None,
    listed: bool,
) -> None:
    """Write a commented, valid scenario to FILE (my-scenario.yaml); a file that is there is never overwritten."""
    from ...scenario.sketch import Sketch

    if listed:
        _list()
        return
    given = {"fault": fault, "at": at, "nth": nth, "producer": producer, "records": records, "title": title}
    asked = all(value is None for value in given.values()) and at_terminal()
    file = file or Path("my-scenario.yaml")
    _refuse_overwriting(file)
    sketch = _asked() if asked else Sketch(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    _write(file, _text(sketch))
    click.echo(f"{file} is written. What comes next:\n")
    click.echo(f"  ackdrop scenario explain {file}    what will happen, in plain English")
    click.echo(f"  ackdrop scenario validate {file}   after every change")
    click.echo(f"  ackdrop run {file}")


def at_terminal() -> bool:
    """Whether somebody is there to answer questions."""
    return sys.stdin.isatty()


def _list() -> None:
    from ...scenario.actions import ACTIONS

    width = max(len(action.word) for action in ACTIONS)
    for action in ACTIONS:
        places = ", ".join(at.replace("*", "API") for at in action.at)
        say([f"{action.word:{width}}  {places}", f"{'':{width}}  {' '.join((action.__doc__ or '').split())}"])


def _asked() -> Sketch:
    """The answers of a person at a terminal. Every question has a default."""
    from ...scenario.pages import example_place
    from ...scenario.sketch import WORDS, Sketch
    from ...scenario.vocabulary import PRODUCERS

    say([f"What can be done: {', '.join(WORDS)}"])
    fault = click.prompt("What is done", type=click.Choice(WORDS), default="drop", show_choices=False)
    usual = example_place(Sketch(fault).action)
    at = click.prompt("Where on the path", default=usual)
    moment = at in ("connection", "broker", "workload")
    nth = None if moment else click.prompt("At which that matches", type=click.IntRange(1, 1_000_000), default=3)
    producer = click.prompt("Which client library", type=click.Choice(PRODUCERS), default=PRODUCERS[0])
    records = click.prompt("How many records", type=click.IntRange(1, 10_000_000), default=20)
    title = click.prompt("What happens, in one line", default=f"{fault} at {at}")
    return Sketch(fault, at, nth, producer, title, records)


def _text(sketch: Sketch) -> str:
    """The scenario, proven to be valid. Raises UsageError and ScenarioError."""
    from ...errors import UsageError
    from ...scenario.load import load
    from ...scenario.sketch import sketched, wrong

    found = wrong(sketch)
    if found is not None:
        raise UsageError(found[0], remedy=found[1])
    text = sketched(sketch)
    load(text)
    return text


def _refuse_overwriting(file: Path) -> None:
    from ...errors import UsageError

    if file.exists() or file.is_symlink():
        raise UsageError(f"{file} is there already", remedy="name another file; nothing is overwritten")


def _write(file: Path, text: str) -> None:
    from ...errors import UsageError

    _refuse_overwriting(file)
    try:
        with file.open("x", encoding="utf-8") as new_file:
            new_file.write(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", remedy="name another file") from error
