"""Raw figures as tables: for a terminal, for Markdown, and two runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import figures
from .cells import Cell
from .figures import Figure, Target

COLUMNS = ("peer", "frames/s", "MB/s", "× tox", "p50 +µs", "p99 +µs", "CPU µs/frame", "ms/MB", "user", "× tox", "busy")


def cell_of(raw: dict[str, Any]) -> Cell:
    """What was sent in a cell of the raw figures."""
    return Cell(raw["size"], raw["window"], raw["connections"], raw["rate"], raw["partitions"])


def show(found: dict[str, Any], console: Console) -> None:
    """All of it on a terminal."""
    for raw in found["cells"]:
        table = Table(*COLUMNS, title=cell_of(raw).said(), title_justify="left", box=None, padding=(0, 1))
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows(raw):
            table.add_row(*row)
        console.print(table, Text.assemble(*_told(figures.targets(raw))), "")
    for title, wanted in (
        ("Memory", figures.of_memory(found["memory"])),
        ("Real producers", figures.of_producers(found["producers"])),
    ):
        if wanted:
            console.print(title, Text.assemble(*_told(wanted)), "")
    console.print(_sum(found))


def rows(raw: dict[str, Any]) -> list[list[str]]:
    """A row for each peer of a cell, as COLUMNS name them."""
    runs = figures.runs_of(raw)
    told = []
    for peer in runs:
        user = Figure.of(run["user"] for run in runs[peer].values() if run.get("user") is not None)
        gone = figures.let_go(runs, peer)
        told.append(
            [
                peer + (f" ({gone:,} let go)" if gone else ""),
                _spread(figures.of(runs, peer, figures.rate), "{:,.0f}"),
                _said(figures.of(runs, peer, figures.megabytes), "{:,.1f}"),
                _times(figures.ratio(runs, peer, figures.rate)),
                _said(figures.added(runs, peer, "p50"), "{:,.0f}"),
                _said(figures.added(runs, peer, "p99"), "{:,.0f}"),
                _spread(figures.of(runs, peer, figures.cpu), "{:,.2f}"),
                _said(figures.of(runs, peer, figures.cpu_of_megabyte), "{:.2f}"),
                "" if user is None else f"{user.median:.0%}",
                "" if peer == "direct" else _times(figures.ratio(runs, peer, figures.cpu)),
                _said(figures.of(runs, peer, figures.busy), "{:.0%}"),
            ]
        )
    return told


def _said(figure: Figure | None, form: str) -> str:
    return "" if figure is None else form.format(figure.median)


def _times(figure: Figure | None) -> str:
    """A ratio, with two digits that say something however small it is."""
    if figure is None:
        return ""
    value = figure.median
    if value >= 10:
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _spread(figure: Figure | None, form: str) -> str:
    if figure is None:
        return ""
    return f"{form.format(figure.median)} ({form.format(figure.least)}–{form.format(figure.most)})"


def _told(targets: Iterable[Target]) -> list[tuple[str, str]]:
    """Each target as a part of a line."""
    parts = []
    for target in targets:
        style = {True: "green", False: "red", None: "dim"}[target.met]
        word = {True: "met", False: "missed", None: "not measured"}[target.met]
        found = "" if target.found is None else f"{target.found:,.2f}, "
        parts.append((f"  {target.name} {found}wanted {target.wanted}: {word}\n", style))
    return parts


def _sum(found: dict[str, Any]) -> str:
    """How many targets are met."""
    every = _every(found)
    met = sum(target.met is True for target in every)
    return f"{met} of {len(every)} targets met"


def _every(found: dict[str, Any]) -> list[Target]:
    each = [target for raw in found["cells"] for target in figures.targets(raw)]
    each += figures.of_memory(found["memory"]) + figures.of_producers(found["producers"])
    return [target for target in each if target.met is not None]


def missed(found: dict[str, Any]) -> bool:
    """Whether any target is missed."""
    return any(target.met is False for target in _every(found))


def markdown(found: dict[str, Any]) -> str:
    """The tables of the documentation: one of all cells, one of memory, one of real producers."""
    about = found["about"]
    versions = ", ".join(f"{name} {_short(text)}" for name, text in about["versions"].items())
    machine = about["machine"]
    parts = [f"{about['date']}, {machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}; {versions}."]
    if found["cells"]:
        parts += ["", *_cells(found["cells"])]
    if found["memory"]:
        parts += ["", *_memory(found["memory"])]
    if found["producers"]:
        parts += ["", *_producers(found["producers"])]
    return "\n".join([*parts, "", f"{_sum(found)}.", ""])


def _short(text: str) -> str:
    """`2.6.12` of what HAProxy says of itself."""
    words = text.split()
    return words[words.index("version") + 1].partition("-")[0] if "version" in words else text


def _cells(cells: Sequence[dict[str, Any]]) -> list[str]:
    """A line a cell: the ratios of each proxy, and the targets of ours in words."""
    peers = [peer for peer in figures.runs_of(cells[0]) if peer not in ("direct", figures.MEASURE)]
    peers.sort(key=_rank)
    head = ["size × in flight × connections", "Toxiproxy: frames/s, µs a frame"]
    lines = [_line([*head, *peers, "missed"]), _line(["---"] + ["---:"] * (len(peers) + 1) + ["---"])]
    for raw in cells:
        runs = figures.runs_of(raw)
        base = f"{_said(figures.of(runs, figures.MEASURE, figures.rate), '{:,.0f}')}, "
        base += _said(figures.of(runs, figures.MEASURE, figures.cpu), "{:.2f}")
        lines.append(_line([cell_of(raw).said(), base, *(_ratios(runs, peer) for peer in peers), _missed(raw)]))
    return lines


def _ratios(runs: figures.RunsOf, peer: str) -> str:
    """Throughput and CPU a frame, as ratios to Toxiproxy's; a star where the ledger let something go."""
    words = [_times(figures.ratio(runs, peer, what)) for what in (figures.rate, figures.cpu)]
    return " / ".join(words) + ("*" if figures.let_go(runs, peer) else "")


def _missed(raw: dict[str, Any]) -> str:
    found = [(each.name, each.found) for each in figures.targets(raw) if each.met is False and each.found is not None]
    return ", ".join(name if "added" not in name else f"{name} +{value:,.0f} µs" for name, value in found)


def _rank(peer: str) -> tuple[bool, str]:
    return peer.startswith("ackdrop"), peer


def _memory(entries: Sequence[dict[str, Any]]) -> list[str]:
    lines = [_line(["idle connections", "KB each", "MB before", "MB with them"]), _line(["---", *["---:"] * 3])]
    for entry in entries:
        kind = "after one request" if entry["each"] else "silent"
        sizes = [entry[when]["rss"] / 1e6 for when in ("before", "with")]
        name = f"{entry['peer']}, {entry['connections']:,}, {kind}"
        lines.append(_line([name, f"{figures.per_connection(entry) / 1e3:.1f}", *(f"{size:.0f}" for size in sizes)]))
    return lines


def _producers(entries: Sequence[dict[str, Any]]) -> list[str]:
    peers = sorted({peer for entry in entries for peer in figures.runs_of(entry)} - {"direct"}, key=_rank)
    head = ["producer", "direct: records/s", *(f"{peer}: × direct" for peer in peers)]
    lines = [_line(head), _line(["---", *["---:"] * (1 + len(peers))])]
    for entry in entries:
        runs = figures.runs_of(entry)
        parts = [_spread(figures.ratio(runs, peer, figures.rate, to="direct"), "{:.3f}") for peer in peers]
        name = f"{entry['producer']}, {entry['record']:,} B"
        lines.append(_line([name, _spread(figures.of(runs, "direct", figures.rate), "{:,.0f}"), *parts]))
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def compare(old: dict[str, Any], new: dict[str, Any], peer: str, console: Console) -> None:
    """Two runs side by side: the ratios of a peer to Toxiproxy, which the machine's speed does not change."""
    table = Table("cell", "× tox: old", "new", "change", "CPU × tox: old", "new", "change", box=None, padding=(0, 1))
    for column in table.columns[1:]:
        column.justify = "right"
    before = {cell_of(raw): figures.runs_of(raw) for raw in old["cells"]}
    for raw in new["cells"]:
        if (cell := cell_of(raw)) in before:
            runs = figures.runs_of(raw)
            pairs = [_pair(before[cell], runs, peer, what) for what in (figures.rate, figures.cpu)]
            table.add_row(cell.said(), *pairs[0], *pairs[1])
    console.print(f"{peer}: {old['about']['versions'].get('commit')} → {new['about']['versions'].get('commit')}", table)


def _pair(old: figures.RunsOf, new: figures.RunsOf, peer: str, what: Callable[[figures.Run], float]) -> list[str]:
    then, now = figures.ratio(old, peer, what), figures.ratio(new, peer, what)
    change = "" if then is None or now is None else f"{now.median / then.median - 1:+.0%}"
    return [_times(then), _times(now), change]
