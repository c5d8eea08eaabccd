"""What does a proxy cost? The same load past several of them, side by side in one run: `docs/speed.md` is its guide.

../wire/      the load and the sink, in C
wire.py       builds and runs them
processes.py  CPU, memory and cores of a process
peers.py      the proxies that are compared
hosts.py      two of them that are made of Python: a bare TCP relay, and ackdrop's relay without a ledger
cells.py      one cell after the other: the raw figures
memory.py     what idle connections take
producers.py  real producers before a real broker
figures.py    medians, spreads, ratios and targets, out of raw figures
shown.py      tables for a terminal and for Markdown
plot.py       the same as SVG
"""
