"""The ledger: the store of what happened on the wire, in the producer and in the log, one folder a run.

schema.py    the tables of `ledger.db`, documented column by column; `README.md` is their guide
views.py     its views
planning.py  what sqlite3's query planner is told of them
limits.py    how much a ledger holds
rows.py      observations turned into rows, merged by attempt before they are written
blocks.py    attempts by which nothing happened, packed
settling.py  blocks turned into rows
bulk.py      many rows a statement
folding.py   the limit on attempts: old ones of whom there is nothing to tell become ranges of offsets
quiet.py     what is asked of a block before it is folded
ranges.py    those ranges, and the limit on them
trimming.py  the limits on all else
database.py  the file that is being written: its transactions, limits and write-ahead log
writer.py    the thread that writes, off the event loop and bounded in memory
events.py    `events.jsonl`: the fault engine's decisions, in order
stories.py   the attempts as verification wants them: the youngest, and all of whom there is something to tell
reading.py   rows turned back into `ArmWire`, `Send`, `LogRecord`, `LogBatch`, `Finding`
store.py     `Ledger` and `ArmWriter`, all that the other rooms need
"""

from __future__ import annotations

from .limits import Limits
from .store import ArmWriter, Ledger

__all__ = ["ArmWriter", "Ledger", "Limits"]
