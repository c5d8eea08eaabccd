"""Which of the armed rules may have to do with a frame: worked out once for each place, and looked up from then on.

So what a frame costs does not grow with the rules that are about other APIs, topics, partitions and clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .rule import ANY_API, Frame, Rule, Side

MOST_PLACES = 20_000
"""Places that are kept for an API and side; where there are more, all of them are worked out anew."""


class Index:
    """The rules that are armed, by what they are about. It stands as long as they do."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._shelves: dict[tuple[str, Side], _Shelf] = {}

    def about(self, api: str, side: Side) -> tuple[Rule, ...]:
        """The rules about this API and side, in their order."""
        return self._shelf(api, side).rules

    def of(self, frame: Frame) -> list[Rule]:
        """Those of them that may fit this frame: it cannot fit the others."""
        shelf = self._shelf(frame.api, frame.side)
        places = [shelf.at(frame.client_id, entry.topic, entry.partition) for entry in frame.entries]
        numbers: Iterable[int] = places[0] if len(places) == 1 else sorted(set().union(*places))
        return [shelf.rules[number] for number in numbers]

    def reaches(self, api: str, side: Side, client_id: str, topic: str, partition: int) -> bool:
        """Whether one of them may fit what passes at this place."""
        return bool(self._shelf(api, side).at(client_id, topic, partition))

    def _shelf(self, api: str, side: Side) -> _Shelf:
        found = self._shelves.get((api, side))
        if found is None:
            wanted = {api} if side == "event" else {api, ANY_API}
            rules = tuple(rule for rule in self._rules if rule.side == side and rule.api in wanted)
            found = self._shelves[api, side] = _Shelf(api, rules)
        return found


class _Shelf:
    """The rules about one API and side. A place is a client, a topic and a partition, as far as any rule names one."""

    def __init__(self, api: str, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self._api = api
        self._by_client = any("*" not in rule.match.client_id for rule in rules)
        self._by_topic = any("*" not in rule.match.topic for rule in rules)
        self._by_partition = any(rule.match.partition is not None for rule in rules)
        self._places: dict[tuple[str, str, int], tuple[int, ...]] = {}

    def at(self, client_id: str, topic: str, partition: int) -> tuple[int, ...]:
        """The rules that may fit there, by their positions in `rules`."""
        place = (
            client_id if self._by_client else "",
            topic if self._by_topic else "",
            partition if self._by_partition else -1,
        )
        found = self._places.get(place)
        if found is None:
            found = tuple(
                number
                for number, rule in enumerate(self.rules)
                if rule.match.reaches(self._api, client_id, topic, partition)
            )
            if len(self._places) >= MOST_PLACES:
                self._places.clear()
            self._places[place] = found
        return found
