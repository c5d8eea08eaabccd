"""`ackdrop broker up | status | down | prepare`: the embedded Apache Kafka, for use by hand."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from ..broker.running import Progress
from ..errors import AckdropError
from .group import Group

if TYPE_CHECKING:
    from ..broker.background import Brokers

Result = TypeVar("Result")

PLAIN_STEP = 0.25
"""Where there is no terminal, a line is written for each such part of the download."""


@click.group(cls=Group, epilog="Example:  ackdrop broker up")
def broker() -> None:
    """An embedded Apache Kafka, for use by hand: on loopback ports, with an empty log."""


UP = """\b
Examples:
  ackdrop broker up --port 29092
  ackdrop broker up --brokers 3
"""


@broker.command(epilog=UP)
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on [29092, or a free one].")
@click.option(
    "--brokers",
    type=click.IntRange(1),
    metavar="N",
    help="How many brokers [1]. Three survive the end of any one; each takes about 400 MB of memory.",
)
def up(port: int | None, brokers: int | None) -> None:
    """Start it and leave it running.

    It outlives this command, until `ackdrop broker down`. Standard output has one line to paste:
    export ACKDROP_BOOTSTRAP=127.0.0.1:PORT

    With several brokers --port is the first one's, and the others have those after it.
    """
    import trio

    from ..broker import background

    with download_progress() as progress:
        running, new = trio.run(_interruptible, functools.partial(background.up, port, brokers, progress))
    verb = "runs" if new else "runs already"
    click.echo(f"{_named(running)} {verb} at {running.bootstrap}; end it: ackdrop broker down", err=True)
    click.echo(f"export ACKDROP_BOOTSTRAP={running.bootstrap}")


@broker.command(epilog="Example:  ackdrop broker status")
def status() -> None:
    """Say whether it runs, where, and where its log is."""
    from ..broker import background

    running = background.status()
    if running is None:
        click.echo("No broker runs. Start one with: ackdrop broker up")
        return
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(running.nodes[0].started))
    click.echo(f"{_named(running)} runs at {running.bootstrap}, since {since}")
    click.echo(f"export ACKDROP_BOOTSTRAP={running.bootstrap}")
    if len(running.nodes) == 1:
        click.echo(f"its log: {running.nodes[0].log_file}")
        return
    for number, node in enumerate(running.nodes, 1):
        click.echo(f"broker {number} at {node.address}: " + (f"its log: {node.log_file}" if node.runs else "has ended"))


@broker.command(epilog="Example:  ackdrop broker down")
def down() -> None:
    """End it, and remove all it wrote."""
    import trio

    from ..broker import background

    ended = trio.run(background.down)
    if ended is None:
        click.echo("No broker runs.")
    else:
        addresses = ", ".join(node.address for node in ended.nodes)
        click.echo(f"Ended the broker{'s' if len(ended.nodes) > 1 else ''} at {addresses}.")


@broker.command(epilog="Example:  ackdrop broker prepare")
def prepare() -> None:
    """Fetch it, and make it start in half the time from now on.

    It is started once, and Java keeps what it has loaded: 65 MB in ACKDROP_CACHE, or where this system keeps caches.
    That takes some ten seconds, and the download of 45 MB. Worth it where it is started often, or kept in an image.
    """
    import trio

    from ..broker import archives, preparing
    from ..broker.jars import cache_folder, pinned

    with download_progress() as progress:
        done = trio.run(_interruptible, functools.partial(preparing.prepare, progress))
    here = f"Apache Kafka {pinned().kafka} is in {cache_folder()}"
    if done.archive is None:
        click.echo(f"{here}. Java {done.java} keeps nothing of what it loads; {archives.OLDEST} and newer does.")
    else:
        click.echo(f"{here}, and starts quickly from now on." if done.new else f"{here}, and starts quickly already.")


def _named(running: Brokers) -> str:
    count = len(running.nodes)
    return f"Apache Kafka {running.kafka}" + (f" ({count} brokers)" if count > 1 else "")


async def _interruptible(work: Callable[[], Awaitable[Result]]) -> Result:
    """The work's result; Ctrl-C and SIGTERM cancel it, and end the command once it has cleaned up."""
    import signal

    import trio

    results: list[Result] = []
    errors: list[AckdropError] = []

    async def until_signal() -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(until_signal)
        try:
            results.append(await work())
        except AckdropError as error:  # not through the nursery, which would wrap it
            errors.append(error)
        nursery.cancel_scope.cancel()
    if errors:
        raise errors[0]
    if not results:
        raise click.Abort
    return results[0]


@contextmanager
def download_progress(quiet: bool = False) -> Iterator[Progress]:
    """The display of the jars' download, on standard error: a bar on a terminal, a line now and then elsewhere.

    Nothing is shown until the first call: there is none when no jar is missing.
    """
    if quiet:
        yield lambda done, total: None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield _plain_lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from ..report.colours import console

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    bar = Progress(*columns, console=console(stderr=True))
    task = bar.add_task("Apache Kafka, once", total=None)

    def show(done: int, total: int) -> None:
        bar.start()  # again and again does no harm
        bar.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()


def _plain_lines() -> Progress:
    shown = -1.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        part = done / total if total else 1.0
        if part >= shown + PLAIN_STEP or (part == 1.0 and shown < 1.0):
            shown = part
            click.echo(f"Downloading Apache Kafka, once: {done / 1e6:.0f} of {total / 1e6:.0f} MB", err=True)

    return show
