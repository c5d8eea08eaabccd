"""What does a proxy cost? The same load past several of them, side by side.

    python -m tests.bench.compare --quick                    # some cells, some minutes
    python -m tests.bench.compare --json speed.json          # all cells
    python -m tests.bench.compare --show speed.json [--plot speed.svg] [--markdown docs/speed.md]
    python -m tests.bench.compare --compare old.json new.json

`docs/speed.md` says what is measured, and how. Ends with 1 where a target is missed and --strict is given.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from . import cells, figures, peers, plot, processes, shown, wire

WIDTH = 150
"""Of tables that go to no terminal."""
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def main() -> int:
    options = _options()
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    if options.compare:
        old, new = (json.loads(Path(name).read_text()) for name in options.compare)
        shown.compare(old, new, options.peer, console)
        return 0
    found = json.loads(Path(options.show).read_text()) if options.show else _measured(options, console)
    shown.show(found, console)
    if options.plot:
        Path(options.plot).write_text(plot.svg(found))
    if options.markdown:
        _insert(Path(options.markdown), shown.markdown(found))
    return 1 if options.strict and shown.missed(found) else 0


def _measured(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure, and keep what is there after each cell: a long run that is broken off is not lost."""
    processes.raise_limit()
    chosen = {name: peers.named(name) for name in options.peers.split(",")}
    programs = wire.built()
    found: dict[str, Any] = {"format": 1, "about": _about(options), "cells": [], "memory": [], "producers": []}
    if options.add:
        kept = json.loads(Path(options.json).read_text())
        found |= {part: kept[part] for part in ("cells", "memory", "producers") if part not in options.parts}
    if "cells" in options.parts:
        wanted = cells.grid(options.sizes, options.windows, options.connections, options.rate)
        wanted = [dataclasses.replace(cell, partitions=options.partitions) for cell in wanted]
        for number, cell in enumerate(wanted, 1):
            runs = cells.measure(
                cell,
                chosen,
                programs,
                repetitions=options.repetitions,
                seconds=options.seconds,
                warmup=options.warmup,
                tell=lambda line, number=number: _tell(f"{number}/{len(wanted)}  {line}"),  # type: ignore[misc]
            )
            found["cells"].append({**dataclasses.asdict(cell), "runs": runs})
            _keep(options.json, found)
    if "memory" in options.parts:
        for entry in cells.idle(chosen, programs, options.idle, processes.memory):
            _tell(f"memory  {entry['peer']}")
            found["memory"].append(entry)
            _keep(options.json, found)
    if "producers" in options.parts:
        from .producers import measure

        def keep(entry: dict[str, Any]) -> None:
            found["producers"].append(entry)
            _keep(options.json, found)

        measure(list(chosen), options.repetitions, _tell, keep)
    return found


def _about(options: argparse.Namespace) -> dict[str, Any]:
    for_proxy, for_load, for_sink = processes.cores()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "machine": processes.machine(),
        "versions": peers.versions(),
        "cores": {"proxy": for_proxy, "load": for_load, "sink": for_sink},
        "repetitions": options.repetitions,
        "seconds": options.seconds,
        "warmup": options.warmup,
    }


def _keep(path: str | None, found: dict[str, Any]) -> None:
    if path:
        Path(path).write_text(json.dumps(found, indent=1) + "\n")


def _insert(path: Path, text: str) -> None:
    """Between the markers of a document; at the end of one without, and into a new one."""
    before, _, rest = (path.read_text() if path.exists() else "").partition(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--peers", default=",".join(peers.USUAL), help=f"of {', '.join(peers.PEERS)}, and ackdrop:N with N faults"
    )
    parser.add_argument("--sizes", type=_numbers, help="bytes of a frame, with commas between")
    parser.add_argument("--windows", type=_numbers, help="requests in flight on a connection")
    parser.add_argument("--connections", type=_numbers)
    parser.add_argument("--quick", action="store_true", help="fewer cells, and less of each")
    parser.add_argument("--repetitions", type=int)
    parser.add_argument("--seconds", type=float, help="how long a repetition is")
    parser.add_argument("--warmup", type=float, default=0.3)
    parser.add_argument("--rate", type=float, default=0, help="requests a second in all, instead of as many as go")
    parser.add_argument("--partitions", type=int, help="each request goes to the next one of so many")
    parser.add_argument("--parts", default="cells,memory", help="of cells, memory, producers")
    parser.add_argument("--idle", type=int, default=2000, help="connections for the figures of memory")
    parser.add_argument("--json", metavar="FILE", help="keep the raw figures there")
    parser.add_argument("--add", action="store_true", help="keep the parts that stand there and are not measured now")
    parser.add_argument("--show", metavar="FILE", help="measure nothing: show what a file has")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"), help="two files side by side")
    parser.add_argument("--peer", default=figures.OURS, help="whose ratios --compare shows")
    parser.add_argument("--plot", metavar="FILE", help="an SVG of the ratios")
    parser.add_argument(
        "--markdown", metavar="FILE", help="put the tables between the markers of this document, or make it"
    )
    parser.add_argument("--strict", action="store_true", help="end with 1 where a target is missed")
    options = parser.parse_args()
    options.parts = options.parts.split(",")
    quick = options.quick
    options.sizes = options.sizes or ([200, 1024, 16384, 102400] if quick else list(cells.SIZES))
    options.windows = options.windows or ([1, 100] if quick else list(cells.WINDOWS))
    options.connections = options.connections or ([1, 8] if quick else list(cells.CONNECTIONS))
    options.repetitions = options.repetitions or (3 if quick else 5)
    options.seconds = options.seconds or (0.5 if quick else 1.0)
    return options


if __name__ == "__main__":
    sys.exit(main())
