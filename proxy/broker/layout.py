"""Which brokers an embedded cluster has, and on which ports each of them listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import UsageError
from .listener import Listener

MOST_CONTROLLERS = 3
MOST_BROKERS = 9
"""Each of them is a Java of some 400 MB."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: so many brokers; more `listeners` on each, beside the plaintext one; `users` for SCRAM (name
    to password); `extra` properties, which win over ours."""

    brokers: int = 1
    listeners: Sequence[Listener] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises UsageError for more brokers than one machine should carry."""
        if self.brokers > MOST_BROKERS:
            raise UsageError(
                f"{self.brokers} brokers are asked for, and ackdrop starts {MOST_BROKERS} at most",
                remedy="ask for fewer (of a scenario's topic: fewer replicas), or give a cluster with --bootstrap",
            )

    @property
    def controllers(self) -> int:
        """How many of the brokers are controllers too: three, so that any one may die; with two brokers the first alone
        is one, since neither of two can go on without the other."""
        return MOST_CONTROLLERS if self.brokers >= MOST_CONTROLLERS else 1

    @property
    def ports(self) -> int:
        """How many ports that takes."""
        return self.brokers * (1 + len(self.listeners)) + self.controllers


@dataclass(frozen=True, slots=True)
class Node:
    """One broker. `port` is that of its plaintext listener, `controller` None where it is no controller, `more` those
    of the other listeners by name."""

    id: int
    port: int
    controller: int | None
    more: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """All brokers of one cluster, and what they have in common."""

    wish: Wish
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, wish: Wish, ports: Sequence[int]) -> Layout:
        """Hand out `wish.ports` ports; the plaintext listeners get the first ones, in the order of their brokers."""
        left = iter(ports)
        plain = [next(left) for _ in range(wish.brokers)]
        controllers: list[int | None] = [next(left) for _ in range(wish.controllers)]
        controllers += [None] * (wish.brokers - wish.controllers)
        nodes = [
            Node(number, port, controller, {listener.name: next(left) for listener in wish.listeners})
            for number, (port, controller) in enumerate(zip(plain, controllers, strict=True), 1)
        ]
        return cls(wish, tuple(nodes))
