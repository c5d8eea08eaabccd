"""What a broker is asked, in the order in which it is asked.

repeats.py       duplicates: of the last batch, of each of the last ten, with another payload, on another connection
sequences.py     gaps, overlaps, and the end of the numbers at 2^31 - 1
identities.py    epochs, and producer ids that the broker does not know
flight.py        duplicates while the original is on its way, and with other acks
transactions.py  fencing, and batches outside of a transaction
restarts.py      what is remembered after the broker was away

Each case has partitions and a producer id of its own, so that none sees what another one did.
"""

from __future__ import annotations

from .case import Case
from .flight import FLIGHT
from .identities import IDENTITIES
from .repeats import REPEATS
from .restarts import RESTARTS
from .sequences import SEQUENCES
from .transactions import TRANSACTIONS

CASES: tuple[Case, ...] = (*REPEATS, *SEQUENCES, *IDENTITIES, *FLIGHT, *TRANSACTIONS, *RESTARTS)

__all__ = ["CASES", "Case"]
