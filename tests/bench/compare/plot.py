"""The figures as SVG: for each number in flight and of connections a small chart, ratios to Toxiproxy over the size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from . import figures

WIDTH, HEIGHT, LEFT, TOP = 260, 190, 60, 70
INSIDE = (190, 120)
LOW, HIGH = 0.03, 30.0
COLORS = {
    "haproxy": "#8a8a8a",
    "relay-tcp": "#b59f3b",
    "ackdrop-bare": "#6fa8dc",
    "ackdrop": "#c0392b",
    "ackdrop-faults": "#8e44ad",
    "ackdrop-elsewhere": "#27ae60",
}


def svg(found: dict[str, Any]) -> str:
    """Throughput above, CPU a frame below; on a line of 1 a proxy is as Toxiproxy."""
    cells = [raw for raw in found["cells"] if not raw["rate"] and raw["partitions"] is None]
    kinds = sorted({(raw["window"], raw["connections"]) for raw in cells})
    sizes = sorted({raw["size"] for raw in cells})
    drawn = []
    for row, (title, what) in enumerate((("throughput", figures.rate), ("CPU a frame", figures.cpu))):
        for column, (window, connections) in enumerate(kinds):
            mine = {raw["size"]: raw for raw in cells if (raw["window"], raw["connections"]) == (window, connections)}
            where = (LEFT + column * WIDTH, TOP + row * HEIGHT)
            name = f"{title}: {window} in flight, {connections} conn."
            drawn.append(_chart(name, where, sizes, mine, what))
    width, height = LEFT + WIDTH * max(1, len(kinds)), TOP + 2 * HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11"><rect width="{width}" height="{height}" fill="white"/>'
        f'<text x="{LEFT}" y="20" font-size="14">Ratios to Toxiproxy in the same run</text>{_legend(cells)}'
        f"{''.join(drawn)}</svg>\n"
    )


def _legend(cells: Sequence[dict[str, Any]]) -> str:
    there = {run["peer"] for raw in cells for run in raw["runs"]}
    names = [name for name in COLORS if name in there]
    return "".join(
        f'<rect x="{LEFT + 130 * n}" y="32" width="12" height="4" fill="{COLORS[name]}"/>'
        f'<text x="{LEFT + 130 * n + 16}" y="38">{escape(name)}</text>'
        for n, name in enumerate(names)
    )


def _chart(
    title: str,
    where: tuple[int, int],
    sizes: Sequence[int],
    cells: dict[int, dict[str, Any]],
    what: Callable[[figures.Run], float],
) -> str:
    left, top = where
    wide, high = INSIDE
    parts = [f'<text x="{left}" y="{top - 6}">{escape(title)}</text>']
    for line in (0.1, 1.0, 10.0):
        y = top + _height(line)
        parts.append(
            f'<line x1="{left}" x2="{left + wide}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{"#333" if line == 1 else "#ddd"}"/>'
            f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{line:g}</text>'
        )
    places = {size: left + wide * (n + 0.5) / len(sizes) for n, size in enumerate(sizes)}
    for size, x in places.items():
        label = f"{size >> 20}M" if size >= 1 << 20 else f"{size >> 10}K" if size >= 1024 else str(size)
        parts.append(f'<text x="{x:.1f}" y="{top + high + 14}" text-anchor="middle">{label}</text>')
    for peer, color in COLORS.items():
        points = []
        for size in sizes:
            if size in cells and (ratio := figures.ratio(figures.runs_of(cells[size]), peer, what)) is not None:
                points.append(f"{places[size]:.1f},{top + _height(ratio.median):.1f}")
        if points:
            parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2"/>')
            parts += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="2.5" fill="{color}"/>' for p in points]
    return "".join(parts)


def _height(ratio: float) -> float:
    """On a logarithmic scale, from above; what lies beyond it is drawn at its edge."""
    part = math.log(min(HIGH, max(LOW, ratio)) / LOW) / math.log(HIGH / LOW)
    return INSIDE[1] * (1 - part)
