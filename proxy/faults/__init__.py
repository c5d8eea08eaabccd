"""What can be done on the path, and when: one small file a fault, and the engine that asks the rules in order.

A fault never touches a socket. It gives a *verdict*; the core turns the verdict into commands, and the relay, or for
brokers and producers the experiment, performs them. A fault is a frozen dataclass with `word` and `verdict()` in a
file of its own. Which ones there are in scenarios says `ACTIONS` in the scenario room: docs/adding-a-fault.md.
"""

from __future__ import annotations

from .blackhole import Blackhole
from .corrupt import Corrupt
from .delay import Delay
from .disconnect import Disconnect
from .drop import Drop
from .duplicate import Duplicate
from .error import Error
from .kill import Kill
from .late import Late
from .latency import Latency
from .pause import Pause
from .refuse import RefuseConnection
from .reorder import Reorder
from .reset import Reset
from .restart import Restart
from .rewrite import Rewrite
from .slice import Slice
from .throttle import Throttle
from .transfer_leadership import TransferLeadership
from .truncate import Truncate

__all__ = [
    "Blackhole",
    "Corrupt",
    "Delay",
    "Disconnect",
    "Drop",
    "Duplicate",
    "Error",
    "Kill",
    "Late",
    "Latency",
    "Pause",
    "RefuseConnection",
    "Reorder",
    "Reset",
    "Restart",
    "Rewrite",
    "Slice",
    "Throttle",
    "TransferLeadership",
    "Truncate",
]
