"""Another broker becomes the leader of partitions, by Kafka's own requests.

The same replicas are given in another order (AlterPartitionReassignments, KIP-455), so that no data moves, and the
first of them is elected (ElectLeaders, KIP-460). A partition that is being moved already is left alone: a new order
would end that. The order stays: an election of preferred replicas later on gives the same leader.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import BrokerError
from ..kafka.codes import error_code
from .nodes import Nodes
from .patience import PassingError, check, patiently

Place = tuple[str, int]
"""A topic's name and a partition."""

_PREFERRED = 0
_ALREADY = error_code("ELECTION_NOT_NEEDED")


@dataclass(frozen=True, slots=True)
class _Move:
    """`order` are the partition's replicas, the leader to be first."""

    place: Place
    order: tuple[int, ...]


async def move_leadership(nodes: Nodes, places: Iterable[Place], to: int | None) -> None:
    """Move the leadership of these partitions to broker `to` (None: to the replica in sync that comes after the
    leader), and wait until Metadata tells of it.

    Raises BrokerError where a partition has one replica, or none at `to`, and where it does not come about within the
    timeout.
    """
    wanted = list(places)

    async def recover() -> None:
        await nodes.metadata([])

    async def plan() -> list[_Move]:
        return await _planned(nodes, wanted, to)

    moves = await patiently(plan, nodes.timeout, recover)
    if not moves:
        return
    milliseconds = int(nodes.timeout * 1000)
    await patiently(lambda: _not_under_way(nodes, moves, milliseconds), nodes.timeout, recover)
    await patiently(lambda: _reorder(nodes, moves, milliseconds), nodes.timeout, recover)
    await patiently(lambda: _elect(nodes, moves, milliseconds), nodes.timeout, recover)
    await patiently(lambda: _await_leaders(nodes, moves), nodes.timeout, recover)


async def _planned(nodes: Nodes, places: list[Place], to: int | None) -> list[_Move]:
    """A move for each partition that `to` does not lead yet."""
    known = await _partitions(nodes, places)
    moves = []
    for place in places:
        told = known[place]
        replicas: list[int] = list(told.replica_nodes)
        if len(replicas) < 2:
            raise BrokerError(
                f"{_shown(place)} has one replica, so no other broker can lead it",
                remedy="give the topic more replicas: replication 2 or more",
            )
        new = _next(replicas, told) if to is None else to
        if new not in replicas:
            ids = ", ".join(map(str, sorted(replicas)))
            raise BrokerError(f"broker {new} has no replica of {_shown(place)}: {ids} have one")
        if new not in told.isr_nodes:
            raise PassingError(f"broker {new} is not in sync with the leader of {_shown(place)}")
        if new != told.leader_id:
            moves.append(_Move(place, (new, *(one for one in replicas if one != new))))
    return moves


def _next(replicas: list[int], told: Any) -> int:
    """The replica in sync that comes after the leader, going round; any in sync where nobody leads."""
    at = replicas.index(told.leader_id) + 1 if told.leader_id in replicas else 0
    for one in (*replicas[at:], *replicas[:at]):
        if one in told.isr_nodes and one != told.leader_id:
            return one
    raise PassingError(f"no other replica is in sync with the leader, broker {told.leader_id}")


async def _partitions(nodes: Nodes, places: Iterable[Place]) -> dict[Place, Any]:
    """What Metadata tells of each: `leader_id`, `replica_nodes`, `isr_nodes`."""
    body = await nodes.metadata(sorted({topic for topic, _ in places}))
    known = {(topic.name, entry.partition_index): entry for topic in body.topics for entry in topic.partitions}
    for place in places:
        if place not in known:
            raise PassingError(f"{nodes.name}: does not know {_shown(place)}")
    return known


async def _not_under_way(nodes: Nodes, moves: list[_Move], milliseconds: int) -> None:
    topics = [
        {"name": topic, "partition_indexes": [partition for (name, partition) in _places(moves) if name == topic]}
        for topic in _topics(moves)
    ]
    answer = await _asked(nodes, "list_partition_reassignments", timeout_ms=milliseconds, topics=topics)
    check(answer.error_code, f"{nodes.name}: reassignments are not told", answer.error_message)
    for topic in answer.topics:
        for entry in topic.partitions:
            raise BrokerError(
                f"{_shown((topic.name, entry.partition_index))} is being moved to other brokers",
                remedy="wait until its reassignment is over (kafka-reassign-partitions.sh --list)",
            )


async def _reorder(nodes: Nodes, moves: list[_Move], milliseconds: int) -> None:
    topics = [
        {
            "name": topic,
            "partitions": [
                {"partition_index": move.place[1], "replicas": list(move.order)}
                for move in moves
                if move.place[0] == topic
            ],
        }
        for topic in _topics(moves)
    ]
    answer = await _asked(
        nodes,
        "alter_partition_reassignments",
        timeout_ms=milliseconds,
        topics=topics,
        allow_replication_factor_change=False,
    )
    what = f"{nodes.name}: replicas could not be put in another order"
    check(answer.error_code, what, answer.error_message)
    for topic in answer.responses:
        for entry in topic.partitions:
            check(entry.error_code, f"{what} ({_shown((topic.name, entry.partition_index))})", entry.error_message)


async def _elect(nodes: Nodes, moves: list[_Move], milliseconds: int) -> None:
    topics = [
        {"topic": topic, "partitions": [partition for name, partition in _places(moves) if name == topic]}
        for topic in _topics(moves)
    ]
    answer = await _asked(
        nodes, "elect_leaders", election_type=_PREFERRED, topic_partitions=topics, timeout_ms=milliseconds
    )
    what = f"{nodes.name}: no leader could be elected"
    check(answer.error_code, what)
    for topic in answer.replica_election_results:
        for entry in topic.partition_result:
            if entry.error_code != _ALREADY:
                check(entry.error_code, f"{what} ({_shown((topic.topic, entry.partition_id))})", entry.error_message)


async def _await_leaders(nodes: Nodes, moves: list[_Move]) -> None:
    known = await _partitions(nodes, _places(moves))
    for move in moves:
        leader = known[move.place].leader_id
        if leader != move.order[0]:
            raise PassingError(f"broker {leader} leads {_shown(move.place)}, and not yet broker {move.order[0]}")


async def _asked(nodes: Nodes, api: str, **fields: object) -> Any:
    return await nodes.at_one(nodes.controller_link().ask(api, **fields))


def _places(moves: list[_Move]) -> list[Place]:
    return [move.place for move in moves]


def _topics(moves: list[_Move]) -> list[str]:
    return sorted({move.place[0] for move in moves})


def _shown(place: Place) -> str:
    return f"{place[0]}/{place[1]}"
