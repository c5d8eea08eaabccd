"""The ledger: the store of what happened on the wire, in the producer and in the log, one folder a run.

schema.py   the tables of `ledger.db`, documented column by column
rows.py     observations turned into rows, merged by attempt before they are written
writer.py   the thread that writes, off the event loop and bounded in memory
events.py   `events.jsonl`: the fault engine's decisions, in order
reading.py  rows turned back into `ArmWire`, `Send`, `LogRecord`, `Finding`
store.py    `Ledger` and `ArmWriter`, all that the other rooms need
"""

from __future__ import annotations

from .store import ArmWriter, Ledger

__all__ = ["ArmWriter", "Ledger"]
