"""A probe of a real broker that somebody makes look like another one: without producer ids, with Redpanda's versions,
without answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.direct.identity import broker_info
from ackdrop.kafka import bodies
from ackdrop.kafka.apis import api_name
from ackdrop.kafka.codes import error_code
from ackdrop.probing.cases import named
from ackdrop.probing.measure import Probe, Wish

from .between import CLOSE, SILENCE, Between, Change, Ranges, between, with_versions
from .removal import gone

pytestmark = pytest.mark.integration

CAPTURES = Path(__file__).parent.parent / "captures"


async def probe(here: Between, *cases: str, seconds: float = 10.0):
    """What a probe of these cases measures behind it; its topic is gone then."""
    async with Cluster.connect(here.bootstrap, mapping=here.mapping) as cluster:
        info = await broker_info(cluster, "given", here.bootstrap)
        at_work = Probe(cluster, info, Wish(cases=named(cases), seconds=seconds))
        await at_work.run()
        await gone(cluster, at_work.topic)
        return at_work.result()


def effects(result, case: str) -> dict[str, str]:
    (found,) = [each for each in result.cases if each.name == case]
    return {step.name: step.effect for step in found.steps}


def redpanda_22_3(_: Ranges) -> Ranges:
    """What a real one answered to ApiVersions."""
    file = CAPTURES / "redpanda-22.3.25-kafka-python-idempotence-on-close.jsonl"
    for line in file.read_text().splitlines():
        seen = json.loads(line)
        if (seen["api_key"], seen["direction"]) == (18, "response"):
            body = bodies.decode_response("api_versions", seen["api_version"], bytes.fromhex(seen["frame"]))
            if not body.error_code:
                return {api_name(entry.api_key): (entry.min_version, entry.max_version) for entry in body.api_keys}
    raise AssertionError("no answer to ApiVersions")


async def test_with_the_versions_of_redpanda_22_3(embedded_broker):
    """The old layouts, spoken with a broker that knows them still: topics by name, nothing compact, no error texts."""
    async with between(embedded_broker, with_versions(redpanda_22_3)) as here:
        result = await probe(here, "window", "acks", "pipelined", "txn-fencing", "txn-outside-12", "txn-after-end")
    assert result.versions["produce"] == 7
    assert result.versions["init_producer_id"] == 3
    assert result.versions["end_txn"] == 2
    spoken = {api: version for api, version in here.seen if api in ("produce", "fetch", "init_producer_id", "end_txn")}
    assert spoken == {"produce": 7, "fetch": 11, "init_producer_id": 3, "end_txn": 2}
    states = {case.name: case.state for case in result.cases}
    assert states.pop("txn-outside-12") == "absent"
    assert set(states.values()) == {"measured"}
    assert list(effects(result, "window").values()) == [
        "10 x appended",
        *["deduplicated"] * 5,
        *["refused OUT_OF_ORDER_SEQUENCE_NUMBER"] * 5,
        "appended",
    ]
    assert effects(result, "txn-after-end")["again"] == "refused INVALID_TXN_STATE"
    assert not [case.name for case in result.cases for v in case.promises if v.kept is False and case.name != "window"]


async def test_a_broker_without_producer_ids_is_a_row_and_no_error(embedded_broker):
    def without(ranges: Ranges) -> Ranges:
        return {api: found for api, found in ranges.items() if api != "init_producer_id"}

    async with between(embedded_broker, with_versions(without)) as here:
        result = await probe(here, "exact-duplicate", "txn-fencing", "unknown-producer")
    told = {case.name: (case.state, case.reason) for case in result.cases}
    assert told["exact-duplicate"] == ("absent", "this broker does not have InitProducerId")
    assert told["txn-fencing"] == ("absent", "this broker does not have InitProducerId")
    assert told["unknown-producer"] == ("measured", None)
    assert result.inconclusive == ()
    assert result.summary == (
        "No producer can be told from another one here: this broker does not have InitProducerId.",
    )


async def test_a_broker_that_refuses_producer_ids_is_a_row_and_no_error(embedded_broker):
    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes:
        if api != "init_producer_id":
            return answer
        body = bodies.decode_response(api, version, answer)
        body.error_code = 31
        return bodies.encode_response(body, api, version, int.from_bytes(answer[4:8], "big"))

    async with between(embedded_broker, change) as here:
        result = await probe(here, "exact-duplicate")
    (case,) = result.cases
    assert (case.state, case.reason) == ("absent", "the broker gives no producer id: CLUSTER_AUTHORIZATION_FAILED")


@pytest.mark.parametrize("error", ["NOT_LEADER_OR_FOLLOWER", "COORDINATOR_LOAD_IN_PROGRESS"])
async def test_what_says_nothing_of_a_batch_is_asked_again(embedded_broker, error):
    """Somebody else leads, or a broker that has just started gives no ids yet: neither is what was asked."""
    api_asked = "produce" if error.startswith("NOT") else "init_producer_id"
    left = 2

    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes:
        nonlocal left
        if api != api_asked or not left:
            return answer
        left -= 1
        body = bodies.decode_response(api, version, answer)
        for part in bodies.error_codes(body, version) if api != "produce" else body.responses[0].partition_responses:
            part.error_code = error_code(error)
        return bodies.encode_response(body, api, version, int.from_bytes(answer[4:8], "big"))

    async with between(embedded_broker, change) as here:
        result = await probe(here, "producer-ids", "exact-duplicate")
    assert {case.state for case in result.cases} == {"measured"}
    tries = {case.name: [each.tries for step in case.steps for each in step.exchanges] for case in result.cases}
    batches = effects(result, "exact-duplicate")
    if api_asked == "produce":  # behind the refusal that was made up, the broker had taken the batch
        assert tries == {"producer-ids": [1, 1], "exact-duplicate": [3, 1, 1]}
        assert batches == {"original": "appended", "again": "deduplicated", "third": "deduplicated"}
    else:
        assert tries == {"producer-ids": [3, 1], "exact-duplicate": [1, 1, 1]}


@pytest.mark.parametrize(("case", "number"), [("exact-duplicate", 2), ("pipelined", 1)], ids=["one by one", "at once"])
async def test_an_answer_that_says_nothing_of_the_batch_is_no_measurement(embedded_broker, case, number):
    """Nobody leads the partition from some batch on: that is not how the broker takes a duplicate."""
    count = 0

    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes:
        nonlocal count
        count += api == "produce"
        if api != "produce" or count < number:
            return answer
        body = bodies.decode_response(api, version, answer)
        body.responses[0].partition_responses[0].error_code = error_code("NOT_LEADER_OR_FOLLOWER")
        return bodies.encode_response(body, api, version, int.from_bytes(answer[4:8], "big"))

    async with between(embedded_broker, change) as here:
        result = await probe(here, case, seconds=3.0)
    (found,) = result.cases
    assert found.state == "inconclusive"
    assert found.reason is not None
    assert found.reason.endswith(": NOT_LEADER_OR_FOLLOWER, for as long as it was asked")
    assert {verdict.kept for verdict in found.promises} == {None}


def unchanged(api: str, version: int, request: bytes, answer: bytes) -> bytes:
    return answer


async def test_a_batch_in_flight_is_one_that_was_not_yet_answered(embedded_broker):
    """On one connection the duplicate comes right behind its original; else nothing comes before an answer."""
    async with between(embedded_broker, unchanged) as here:
        await probe(here, "exact-duplicate", "window")
        assert here.ahead == 0
        await probe(here, "pipelined")
        assert here.ahead > 100


async def test_two_at_once_are_under_way_at_the_same_time(embedded_broker):
    """Whoever is in between lets none of them through before both are there."""
    count, met = 0, [trio.Event() for _ in range(6)]

    async def admit(api: str) -> None:
        nonlocal count
        count += api == "produce"
        if api == "produce" and count > 2:
            pair = met[(count - 1) // 2]
            if count % 2 == 0:
                pair.set()
            with trio.fail_after(5):
                await pair.wait()

    async with between(embedded_broker, unchanged, admit) as here:
        result = await probe(here, "two-connections")
    assert list(effects(result, "two-connections").values())[1:] == ["appended + deduplicated"] * 5
    assert count == 12


def from_the_second_produce(told: bytes | str) -> Change:
    """The first batch is answered as the broker does, every later one with this."""
    count = 0

    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes | str:
        nonlocal count
        count += api == "produce"
        if api != "produce" or count == 1:
            return answer
        return answer[:8] + told if isinstance(told, bytes) else told

    return change


@pytest.mark.parametrize(
    ("told", "effect"),
    [
        (CLOSE, "connection closed, not written"),
        (SILENCE, "no answer, not written"),
        (b"", "an answer that cannot be read, not written"),
    ],
    ids=["closed", "silent", "garbage"],
)
async def test_an_answer_that_did_not_come_is_said_as_such(embedded_broker, told, effect):
    """The broker had the batch and knew it again; what nobody could see is not claimed."""
    change = from_the_second_produce(told)
    if told == b"":
        change = cut(change)
    async with between(embedded_broker, change) as here:
        result = await probe(here, "exact-duplicate", seconds=3.0 if told == SILENCE else 10.0)
    assert effects(result, "exact-duplicate") == {"original": "appended", "again": effect, "third": effect}
    (case,) = result.cases
    assert case.state == "inconclusive"
    assert case.reason == "no answer that can be read came to: the same bytes again; and once more"
    assert [verdict.kept for verdict in case.promises] == [None]


def cut(change: Change) -> Change:
    """Answers that were changed get a length that is true again."""

    def whole(api: str, version: int, request: bytes, answer: bytes) -> bytes | str:
        told = change(api, version, request, answer)
        if not isinstance(told, bytes) or told is answer:
            return told
        return (len(told) - 4).to_bytes(4, "big") + told[4:]

    return whole


async def test_a_broker_that_goes_away_leaves_its_cases_inconclusive(embedded_broker):
    def change(api: str, version: int, request: bytes, answer: bytes) -> bytes:
        here.gone = here.gone or api == "produce"
        return answer

    async with between(embedded_broker, change) as here:
        async with Cluster.connect(here.bootstrap, mapping=here.mapping, timeout=4.0) as cluster:
            at_work = Probe(
                cluster,
                await broker_info(cluster, "given", here.bootstrap),
                Wish(cases=named(["exact-duplicate", "gap"]), seconds=4.0),
            )
            await at_work.run()
            result = at_work.result()
        topic = at_work.topic
    assert [case.state for case in result.cases] == ["inconclusive"] * 2
    assert [note for note in result.notes if note.startswith(f"The topic {topic} is left: ")]
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.delete_topic(topic)
