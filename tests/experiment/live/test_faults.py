"""The faults of a proxy, changed while it runs: what stays as it is, what is refused, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ackdrop.control.port import NoSuchFault
from ackdrop.errors import FaultError, ScenarioError, UsageError
from ackdrop.experiment.live.faults import LiveFaults, Reloaded
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Entry, Frame, Rule
from ackdrop.observations import Changed, Observation
from ackdrop.relay import Proxy, ProxySettings
from ackdrop.scenario.load import load

LOSE = "{name: lose, at: produce.response, when: {nth: 3}, do: {drop: {}}}"
SLOW = "{name: slow, at: produce.response, do: {delay: {for: 1s}}}"
AFTER = "{name: after, at: produce.response, when: {following: lose}, do: {drop: {}}}"
ADDED = b"{name: mine, at: produce.request, do: {drop: {}}}"


def scenario(*faults: str, **keys: Any) -> Any:
    return load("\n".join(["version: 1", *(f"{k}: {v}" for k, v in keys.items()), f"faults: [{', '.join(faults)}]"]))


class Live:
    """The faults of a proxy that serves nobody; `seen` are the changes that it has told."""

    def __init__(self, *faults: str, check: Callable[[Iterable[Rule]], None] = lambda rules: None) -> None:
        self.seen: list[Changed] = []
        start = scenario(*faults) if faults else None
        engine = Engine(() if start is None else start.rules, seed=0, arm="proxy")
        self.proxy = Proxy(ProxySettings(upstream=(("127.0.0.1", 1),)), engine, self._observe)
        self.faults = LiveFaults(self.proxy, start, check)

    def _observe(self, batch: list[Observation]) -> None:
        self.seen += [one for one in batch if isinstance(one, Changed)]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(one.fault, one.change, one.who) for one in self.seen]

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.faults.states(lambda name: (0, 0))]

    def counts(self, name: str) -> tuple[bool, int, int]:
        one = self.faults.state(name, lambda name: (0, 0))
        return one.armed, one.matched, one.fired

    def frames(self, count: int) -> None:
        entries = (Entry("t", 0, False, 1, None),)
        for _ in range(count):
            self.proxy.wire.engine.decide(Frame("produce", "response", "c", 1, 1, entries), 0.0)


async def test_what_is_added_comes_behind_the_others_and_is_told_with_what_it_is() -> None:
    live = Live(LOSE)
    assert await live.faults.add(ADDED) == (["mine"], [])
    assert live.names == ["lose", "mine"]
    (told,) = live.seen
    assert (told.fault, told.change, told.who) == ("mine", "added", "control")
    assert json.loads(told.entry or "") == {"name": "mine", "at": "produce.request", "do": {"drop": {}}}


async def test_the_others_keep_their_counters_whatever_is_done_to_one() -> None:
    live = Live(LOSE)
    live.frames(2)
    await live.faults.add(ADDED)
    live.faults.disarm("mine")
    live.faults.reset("mine")
    live.faults.remove("mine")
    assert live.counts("lose") == (True, 2, 0)
    live.frames(1)
    assert live.counts("lose") == (True, 3, 1)


async def test_what_is_so_already_is_not_told() -> None:
    live = Live(LOSE)
    live.faults.arm("lose")
    live.faults.disarm("lose")
    live.faults.disarm("lose")
    assert live.told == [("lose", "disarmed", "control")]


async def test_a_reset_is_for_one_or_all() -> None:
    live = Live(LOSE, SLOW)
    live.frames(2)
    live.faults.reset("lose")
    assert (live.counts("lose"), live.counts("slow")) == ((True, 0, 0), (True, 2, 2))
    live.faults.reset()
    assert live.counts("slow") == (True, 0, 0)


async def test_one_that_is_not_there() -> None:
    live = Live(LOSE)
    for change in (live.faults.remove, live.faults.arm, live.faults.disarm, live.faults.reset):
        with pytest.raises(NoSuchFault) as error:
            change("loose")
        assert (error.value.message, error.value.remedy) == ('no fault "loose"', 'did you mean "lose"?')
    assert live.told == []


async def test_what_cannot_be_done_here_changes_nothing() -> None:
    def check(rules: Iterable[Rule]) -> None:
        if list(rules):
            raise FaultError("not here")

    live = Live(LOSE, check=check)
    with pytest.raises(FaultError):
        await live.faults.add(ADDED)
    with pytest.raises(FaultError):
        await live.faults.reload(scenario(LOSE, SLOW))
    with pytest.raises(ScenarioError):
        await live.faults.add(b"{name: lose, at: produce.response, do: {drop: {}}}")
    assert (live.names, live.told) == (["lose"], [])


class TestReload:
    async def test_what_did_not_change_stays_as_it_is(self) -> None:
        live = Live(LOSE, SLOW)
        live.frames(2)
        live.faults.disarm("lose")
        reloaded = await live.faults.reload(scenario(SLOW.replace("1s", "2s"), LOSE, title="another"))
        assert reloaded == Reloaded(changed=("slow",))
        assert live.names == ["slow", "lose"]
        assert live.counts("lose") == (False, 2, 0)
        assert live.counts("slow") == (True, 0, 0)
        assert live.told[1:] == [("slow", "removed", "file"), ("slow", "added", "file")]

    async def test_new_ones_come_and_others_go(self) -> None:
        live = Live(LOSE)
        assert await live.faults.reload(scenario(SLOW)) == Reloaded(added=("slow",), removed=("lose",))
        assert live.names == ["slow"]

    async def test_the_same_again_is_no_change(self) -> None:
        live = Live(LOSE, SLOW)
        assert not await live.faults.reload(scenario(LOSE, SLOW))
        assert live.told == []

    async def test_what_was_added_by_hand_stays_behind_the_files(self) -> None:
        live = Live(LOSE)
        await live.faults.add(ADDED)
        await live.faults.reload(scenario(LOSE, SLOW))
        assert live.names == ["lose", "slow", "mine"]

    async def test_what_was_removed_by_hand_comes_back_only_as_another_one(self) -> None:
        live = Live(LOSE, SLOW)
        live.faults.remove("lose")
        await live.faults.reload(scenario(LOSE, SLOW))
        assert live.names == ["slow"]
        await live.faults.reload(scenario(LOSE.replace("3", "4"), SLOW))
        assert live.names == ["lose", "slow"]

    async def test_a_name_that_was_given_by_hand_is_taken(self) -> None:
        live = Live(LOSE)
        await live.faults.add(ADDED)
        with pytest.raises(UsageError, match='the fault "mine" was added while the proxy ran'):
            await live.faults.reload(scenario(LOSE, ADDED.decode()))
        assert live.names == ["lose", "mine"]

    async def test_one_that_follows_what_was_removed_by_hand_is_refused(self) -> None:
        live = Live(LOSE)
        live.faults.remove("lose")
        with pytest.raises(UsageError, match='"after" follows "lose", which would not be there'):
            await live.faults.reload(scenario(LOSE, AFTER))
        assert (live.names, live.told[1:]) == ([], [])

    async def test_one_that_is_followed_may_change(self) -> None:
        live = Live(LOSE, AFTER)
        live.frames(4)
        assert live.counts("after")[2] == 1
        await live.faults.reload(scenario(LOSE.replace("3", "1"), AFTER))
        assert live.counts("after")[2] == 1
        live.frames(2)
        assert (live.counts("lose"), live.counts("after")[2]) == ((True, 2, 1), 2)

    async def test_two_that_are_brought_at_once_do_not_get_one_name(self, nursery: Any) -> None:
        live = Live(LOSE)
        nursery.start_soon(live.faults.add, b"{at: produce.response, do: {drop: {}}}")
        nursery.start_soon(live.faults.add, b"{at: produce.response, do: {drop: {}}}")
        await live.faults.add(b"[]")
        while len(live.names) < 3:
            await live.faults.add(b"[]")
        assert live.names == ["lose", "drop at produce.response", "drop at produce.response (2)"]
