"""ackdrop from Python: a proxy is started, faults are armed, what happens is observed, and the log is verified.

    from ackdrop.api import Proxy

    with Proxy.start(bootstrap="localhost:9092", out="runs") as proxy:
        proxy.arm({"at": "produce.response", "when": {"nth": 3}, "do": {"drop": {}}})
        produce_to(proxy.bootstrap)
        proxy.retried()
        proxy.no_duplicates()

`Proxy` is for programs of any kind: it runs in a thread of its own. `open_proxy` is the same on a trio loop of the
caller's. `Broker.start()` keeps an embedded broker for several proxies. The pytest plugin is this, as a fixture.

    proxy.py        `Proxy` and `Broker`, for programs without trio
    aio.py          `open_proxy`, `open_broker`: on the caller's own trio loop
    options.py      what may be said of a proxy, and the settings that it makes
    evidence.py     `Observed` and `Report`: what there is to know of it
    claims.py       what is claimed of these, and why it does not hold
    words.py        the texts of that: the chain of attempts, from the record to the fault
    thread.py       a trio loop in a thread

Errors are those of `ackdrop.errors`: `UsageError` for what the caller got wrong (`ScenarioError` with every problem of
a fault or a scenario), `SurroundingsError` for what is missing around (`BrokerError`: no broker). A claim that does
not hold is an AssertionError: `Violated`, or `Inconclusive` where nothing is proved either way.
"""

from __future__ import annotations

from ..errors import AckdropError, BrokerError, ScenarioError, SurroundingsError, UsageError
from ..security import Sasl, Security, UpstreamTls
from .aio import AsyncProxy, open_broker, open_proxy
from .claims import ClaimFailed, Inconclusive, Violated
from .evidence import Observed, Report
from .options import FutileFault, Options
from .proxy import Broker, Proxy

__all__ = [
    "AckdropError",
    "AsyncProxy",
    "Broker",
    "BrokerError",
    "ClaimFailed",
    "FutileFault",
    "Inconclusive",
    "Observed",
    "Options",
    "Proxy",
    "Report",
    "Sasl",
    "ScenarioError",
    "Security",
    "SurroundingsError",
    "UpstreamTls",
    "UsageError",
    "Violated",
    "open_broker",
    "open_proxy",
]
