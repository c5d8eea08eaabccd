"""`ackdrop capture`: what a capture of Kafka's traffic tells, ackdrop's own or tcpdump's."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .group import Group
from .options import option
from .streams import writing

if TYPE_CHECKING:
    from ..capture.reading.events import Event
    from ..capture.reading.filters import Filter
    from ..capture.reading.reader import Summary
    from ..report.capture.as_json import Document
    from ..report.capture.retries import Stories

EPILOG = """\b
Examples:
  ackdrop capture show run.pcapng                a sequence, by connection
  ackdrop capture show --retries tcpdump.pcap    is a lost ack my duplicate?
"""

SHOW_EPILOG = """\b
Examples:
  ackdrop capture show capture.pcapng
  ackdrop capture show tcpdump.pcap --retries
  ackdrop capture show tcpdump.pcap --api produce --topic 'orders*' --errors
  ackdrop capture show tcpdump.pcap --connection 2 --from 1.5 --decode
  ackdrop capture show run.pcapng --connection 2 --faults
  ackdrop capture show big.pcap.gz --from 12.5 --until 13 --format json
  tcpdump -i any -s 0 -U -w - tcp port 9092 | ackdrop capture show - --by time

\b
Exit codes:
  0 shown; with --retries: no retry, or none left a duplicate
  1 with --retries: a retry left a duplicate, as two offsets show
  2 usage, or a file that is no capture
  3 no Kafka in it; with --retries: it cannot be told, or a part is missing
  130 interrupted; what was read until then is told
"""

_HARMLESS, _DUPLICATE, _OPEN, _INTERRUPTED = 0, 1, 3, 130


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
def capture() -> None:
    """Read captures of Kafka's traffic: ackdrop's own (--capture), and those of tcpdump, Wireshark and dumpcap."""


@capture.command(epilog=SHOW_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--retries", is_flag=True, help="Tell retries and lost acks alone, and what each retry left in the log.")
@click.option("--decode", is_flag=True, help="Print every field of each packet, records and all, as scapy shows it.")
@option("--by", type=click.Choice(["connection", "time"]), default="connection", show_default=True, help="The order.")
@option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="The form.")
@click.option("--connection", "connections", type=int, multiple=True, metavar="N", help="Of this connection alone.")
@click.option("--api", "apis", multiple=True, metavar="NAME", help="Of this API alone: produce, init_producer_id, …")
@click.option("--topic", metavar="TOPIC", help="What names this topic; * and ? stand for anything.")
@click.option("--partition", type=int, metavar="N", help="What names this partition.")
@click.option("--client-id", metavar="ID", help="Of this client; * and ? stand for anything.")
@click.option("--producer-id", type=int, metavar="ID", help="Of this producer id, its produce answers too.")
@click.option("--errors", is_flag=True, help="Answers with an error alone.")
@click.option("--faults", is_flag=True, help="What a fault of ackdrop's was about alone.")
@click.option("--from", "since", type=float, metavar="SECONDS", help="From then on, since the first packet.")
@click.option("--until", type=float, metavar="SECONDS", help="Until then.")
def show(
    files: tuple[Path, ...],
    retries: bool,
    decode: bool,
    by: str,
    form: str,
    connections: tuple[int, ...],
    apis: tuple[str, ...],
    topic: str | None,
    partition: int | None,
    client_id: str | None,
    producer_id: int | None,
    errors: bool,
    faults: bool,
    since: float | None,
    until: float | None,
) -> int:
    """Decode captures: requests and answers by connection, with producer ids, sequences, acks, errors and faults.

    FILE is pcap or pcapng, also packed with gzip; - is standard input. Several are read as one, in their order.
    Connections are known as Kafka's by what they say, on any port. Times are seconds since the first packet.
    """
    from ..capture.reading.filters import Filter
    from ..errors import UsageError

    wanted = Filter(
        connections=frozenset(connections),
        apis=frozenset(map(_api, apis)),
        topic=topic,
        partition=partition,
        client_id=client_id,
        producer_id=producer_id,
        errors=errors,
        faults=faults,
        since=since,
        until=until,
    )
    if decode and (retries or form == "json"):
        raise UsageError("--decode is for text, and not for --retries", remedy="leave one of them out")
    sources = [None if str(file) == "-" else file for file in files]
    with writing(sys.stdout):
        if form == "json":
            return _as_json(sources, wanted, retries=retries)
        return _as_stories(sources, wanted) if retries else _as_sequence(sources, wanted, by=by, decode=decode)
    return _HARMLESS


def _as_sequence(files: list[Path | None], wanted: Filter, *, by: str, decode: bool) -> int:
    from ..capture.reading.events import Frame, Opened
    from ..capture.reading.reader import Reading
    from ..report.capture.closing import closing
    from ..report.capture.lines import LEGEND
    from ..report.capture.sequence import ByConnection, ByTime, is_news

    say, width, takes = _say_at_once if None in files else _say, _width(), wanted.takes()
    shown = ByTime(say, width) if by == "time" else ByConnection(say, width, only_frames=wanted.of_frames)
    frames = 0

    def tell(told: Event) -> None:
        nonlocal frames
        if isinstance(told, Frame):
            frames += 1
        if takes(told) and is_news(told) and not (by == "time" and wanted.of_frames and isinstance(told, Opened)):
            shown.tell(told)

    with _progress() as progress:
        summary = Reading(tell, lambda _: None, keep_raw=decode).run(files, progress=progress)
    shown.finish()
    if summary.kafka:
        say("")
    if summary.own:
        say(LEGEND)
    for line in closing(summary, frames, width):
        say(line)
    return _of_reading(summary)


def _as_stories(files: list[Path | None], wanted: Filter) -> int:
    from ..capture.reading.events import Frame
    from ..capture.reading.reader import Reading
    from ..report.capture.closing import closing
    from ..report.capture.retries import Stories

    width, frames = _width(), 0
    stories = Stories(_say, width, wanted.of_chain)

    def tell(told: Event) -> None:
        nonlocal frames
        frames += isinstance(told, Frame)

    with _progress() as progress:
        summary = Reading(tell, stories.closed).run(files, progress=progress)
    for line in (*stories.summary(summary.tally), *closing(summary, frames, width)):
        _say(line)
    return _exit_code(summary, stories)


def _as_json(files: list[Path | None], wanted: Filter, *, retries: bool) -> int:
    from ..capture.reading.events import Frame
    from ..capture.reading.reader import Reading
    from ..report.capture.as_json import Document

    document = Document(
        sys.stdout.write, [str(file or "-") for file in files], frames=not retries, wants=wanted.of_chain
    )
    takes = wanted.takes()

    def tell(told: Event) -> None:
        if not isinstance(told, Frame) or takes(told):
            document.tell(told)

    with _progress() as progress:
        summary = Reading(tell, document.closed).run(files, progress=progress)
    code = _exit_code(summary, document) if retries else _of_reading(summary)
    document.finish(summary, code)
    return code


def _exit_code(summary: Summary, found: Stories | Document) -> int:
    """What is shown comes first; then what is not known: a part that the capture lacks may hide anything."""
    if summary.interrupted:
        return _INTERRUPTED
    if found.words["duplicate"]:
        return _DUPLICATE
    gaps = summary.missing or summary.let_go or summary.tally.let_go or summary.tally.unread or not summary.kafka
    return _OPEN if found.words["cannot-tell"] or gaps else _HARMLESS


def _of_reading(summary: Summary) -> int:
    return _INTERRUPTED if summary.interrupted else _HARMLESS if summary.kafka else _OPEN


def _api(name: str) -> str:
    """An API by Kafka's name for it, however it is written. Raises UsageError."""
    import re
    from difflib import get_close_matches

    from ..errors import UsageError
    from ..kafka.apis import API_NAMES

    known = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
    if known in API_NAMES.values():
        return known
    near = get_close_matches(known, API_NAMES.values(), n=1)
    raise UsageError(f"--api {name}: no such API", remedy=f"did you mean {near[0]}?" if near else "as in --api produce")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _say_at_once(line: str) -> None:
    """What comes through a pipe is told as it comes."""
    _say(line)
    sys.stdout.flush()


def _width() -> int:
    return max(50, shutil.get_terminal_size((100, 24)).columns)


class _progress:
    """Tells on a terminal how far the reading is, where that takes longer."""

    def __enter__(self) -> Callable[[int], None]:
        self._said = False
        return self._tell

    def _tell(self, packets: int) -> None:
        if sys.stderr.isatty() and not packets % 65536:
            self._said = True
            click.echo(f"\r{packets:,} packets read", nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        if self._said:
            click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
