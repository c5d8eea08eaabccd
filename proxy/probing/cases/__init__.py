"""What a broker is asked, in the order in which it is asked.

repeats.py       duplicates: of the last batch, of each of the last ten, with another payload, on another connection
sequences.py     gaps, overlaps, and the end of the numbers at 2^31 - 1
identities.py    epochs, and producer ids that the broker does not know
flight.py        duplicates while the original is on its way, and with other acks
transactions.py  fencing, and batches outside of a transaction
restarts.py      what is remembered after the broker was away, or another one leads

Each case has partitions and a producer id of its own, so that none sees what another one did.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ...errors import UsageError
from .case import Case
from .flight import FLIGHT
from .identities import IDENTITIES
from .repeats import REPEATS
from .restarts import RESTARTS
from .sequences import SEQUENCES
from .transactions import TRANSACTIONS

CASES: tuple[Case, ...] = (*REPEATS, *SEQUENCES, *IDENTITIES, *FLIGHT, *TRANSACTIONS, *RESTARTS)


def named(names: Sequence[str]) -> Sequence[Case]:
    """The cases with these names, in their own order; all of them where none is named. Raises UsageError."""
    known = {case.name: case for case in CASES}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise UsageError(f"there is no case {name!r}", remedy=hint)
    return [case for case in CASES if case.name in names] or CASES


__all__ = ["CASES", "Case", "named"]
