"""The data path on trio: listeners, sessions, and the commands of the core performed on sockets.

proxy.py      one arm's proxy: ties wire, listeners and sessions together
listeners.py  a listener for every broker that the cluster tells of
poller.py     waits for all sockets of sessions at once, and calls whoever one is ready for
epoll.pyx     what it waits with on Linux: looks again for a moment before it sleeps
session.py    one client's connection: two sockets, and what goes from the one to the other
end.py        one side of it: what is done for each event, compiled
straight.py   reading and sending past socket objects
kernel.pyx    the same in C, and pipes by which bytes go on without being read
copying.py    a connection of our own, for a copy of a request
authenticating.py  who we are on it (SASL)
dialing.py    connections to brokers, with TLS where they want it
peer.py       one socket: reads, non-blocking sends, FIN, RST
tls_peer.py   the same behind TLS
limits.py     what clients may take: how many there are, and how long one may be silent
tap.py        whoever listens to what passes
descriptors.py  the file descriptors that there are for them
reach.py      what is said of brokers that cannot be reached
"""

from __future__ import annotations

from .proxy import Proxy, ProxySettings

__all__ = ["Proxy", "ProxySettings"]
