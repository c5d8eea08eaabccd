"""The report as one HTML file: no network, no other file, light and dark, on a screen, a phone and paper.

    page.py         a run as the templates want it
    findings.py     its findings; sequence.py, steps.py, canvas.py: their diagrams
    timeline.py     the run over time; latency.py, marks.py, plot.py: its parts
    attempts.py     attempts as tables; tables.py: tables as values
    wires.py        what the run's ledger has of the wire
    svg.py          elements of SVG, and the room that words take
    environment.py  Jinja2, escaping, the style and the script with their hashes
    templates/      the page itself

Everything that came from outside is cleaned and escaped where it is printed: in `environment.py` for the templates, in
`svg.py` for the diagrams. Sorting, filtering and copying need the script; all else works without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..finished import Finished


def text(runs: Sequence[Finished]) -> str:
    """The document: one run by itself; of several an index, and a section for each."""
    from ..combinations import tables
    from .environment import environment
    from .page import page

    pages = [page(run, f"r{n}") for n, run in enumerate(runs, 1)]
    return environment().get_template("document.html").render(pages=pages, combinations=tables(runs))


__all__ = ["text"]
