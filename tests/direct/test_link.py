from __future__ import annotations

import pytest
import trio

from ackdrop.direct import link as link_module
from ackdrop.direct.approach import Approach
from ackdrop.direct.authentication import SaslWanted
from ackdrop.direct.link import Link
from ackdrop.errors import BrokerError, UndecodableError
from ackdrop.security import Sasl


@pytest.fixture
def versions(redpanda):
    """Redpanda's answer to ApiVersions 3."""
    return redpanda["api_versions", 3][0]


@pytest.fixture
def metadata(redpanda):
    """Redpanda's answer to Metadata 7."""
    return redpanda["metadata", 7][0]


async def test_the_highest_versions_that_both_know_are_taken(serve, versions, metadata):
    played = await serve(versions, metadata)
    async with Link.open("127.0.0.1", played.port) as link:
        assert (link.version("produce"), link.version("fetch"), link.version("list_offsets")) == (7, 11, 4)
        assert (await link.ask("metadata", topics=[])).brokers[0].port == 39092
    assert played.heard == [("api_versions", 3), ("metadata", 7)]


async def test_error_35_makes_us_ask_in_the_version_that_the_broker_knows(serve, redpanda, answer):
    older = answer("api_versions", 0, error_code=35, api_keys=[{"api_key": 18, "min_version": 0, "max_version": 0}])
    played = await serve(older, redpanda["api_versions", 0][0])
    async with Link.open("127.0.0.1", played.port) as link:
        assert link.version("metadata") == 7
        assert link.features == {}
    assert played.heard == [("api_versions", 3), ("api_versions", 0)]


async def test_a_real_redpandas_error_35_is_understood(serve, redpanda, versions, monkeypatch):
    """The answer that Redpanda gave to version 4: version 0, error 35, and the whole list of keys."""
    monkeypatch.setitem(link_module._NEWEST_ASKED, "api_versions", 4)
    played = await serve(redpanda["api_versions", 4][0], versions)
    async with Link.open("127.0.0.1", played.port) as link:
        assert link.version("fetch") == 11
    assert played.heard == [("api_versions", 4), ("api_versions", 3)]


async def test_any_other_error_to_api_versions_is_said_by_name(serve, answer):
    played = await serve(answer("api_versions", 0, error_code=31, api_keys=[]))
    with pytest.raises(BrokerError, match="refused to tell its versions: CLUSTER_AUTHORIZATION_FAILED"):
        await Link("127.0.0.1", played.port).connect()


async def test_features_are_told_apart_from_finalized_ones(serve, answer):
    told = answer(
        "api_versions",
        3,
        error_code=0,
        api_keys=[{"api_key": 3, "min_version": 0, "max_version": 13}],
        supported_features=[{"name": "metadata.version", "min_version": 7, "max_version": 30}],
        finalized_features=[{"name": "metadata.version", "min_version_level": 7, "max_version_level": 29}],
        finalized_features_epoch=5,
    )
    played = await serve(told)
    async with Link.open("127.0.0.1", played.port) as link:
        assert link.features == {"metadata.version": (7, 30)}
        assert link.finalized == {"metadata.version": (7, 29)}


@pytest.mark.parametrize(
    ("lowest", "highest", "says"),
    [(13, 18, "knows fetch from version 13 on, ackdrop up to 12"), (0, -1, "does not know fetch")],
)
async def test_an_api_that_cannot_be_agreed_on_is_refused(serve, answer, lowest, highest, says):
    keys = [{"api_key": 1, "min_version": lowest, "max_version": highest}]
    played = await serve(answer("api_versions", 3, error_code=0, api_keys=keys))
    async with Link.open("127.0.0.1", played.port) as link:
        with pytest.raises(BrokerError, match=says):
            await link.ask("fetch")


async def test_a_connection_that_is_closed_is_opened_again_once(serve, versions, metadata):
    played = await serve(versions, "close", versions, metadata)
    async with Link.open("127.0.0.1", played.port) as link:
        assert (await link.ask("metadata", topics=[])).cluster_id
        assert link.reopened == 1
    assert played.connections == 2


async def test_a_connection_that_is_closed_again_is_an_error(serve, versions):
    """It is also asked whether it wants to know who is speaking, which it does not say."""
    played = await serve(versions, "close", versions, "close", "close")
    async with Link.open("127.0.0.1", played.port) as link:
        with pytest.raises(BrokerError, match="closed the connection without an answer to metadata version 7"):
            await link.ask("metadata", topics=[])
    assert played.heard[-1] == ("sasl_handshake", 1)


async def test_a_broker_that_wants_to_know_who_is_speaking_and_closes(serve, versions, answer):
    refusal = answer("sasl_handshake", 1, error_code=33, mechanisms=["GSSAPI", "SCRAM-SHA-512"])
    played = await serve(versions, "close", versions, "close", refusal)
    async with Link.open("127.0.0.1", played.port) as link:
        with pytest.raises(SaslWanted, match="SASL: GSSAPI, SCRAM-SHA-512") as caught:
            await link.ask("metadata", topics=[])
    assert "--upstream-sasl-mechanism" in caught.value.remedy


async def test_a_broker_that_wants_to_know_who_is_speaking_and_says_so(serve, versions, answer):
    refusal = answer("sasl_handshake", 1, error_code=33, mechanisms=["GSSAPI"])
    played = await serve(versions, answer("list_groups", 2, error_code=34), refusal)
    async with Link.open("127.0.0.1", played.port) as link:
        link.versions[16] = 0, 2
        with pytest.raises(SaslWanted, match="SASL: GSSAPI") as caught:
            await link.ask("list_groups")
    assert "SCRAM-SHA-256" in caught.value.remedy


async def test_a_cancelled_question_does_not_leave_its_answer_to_the_next(serve, versions, metadata, redpanda):
    played = await serve(versions, "silence", versions, metadata)
    async with Link.open("127.0.0.1", played.port) as link:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.ask, "create_topics")
            while played.asked("create_topics") == 0:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert (await link.ask("metadata", topics=[])).brokers[0].port == 39092
    assert played.connections == 2


async def test_questions_that_are_asked_at_once_take_turns(serve, versions, metadata):
    played = await serve(versions, *[metadata] * 5)
    answers = []

    async def ask() -> None:
        answers.append(await link.ask("metadata", topics=[]))

    link = Link("127.0.0.1", played.port)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)
    link.close()
    assert len(answers) == 5
    assert played.connections == 1


async def test_an_answer_that_cannot_be_read_is_undecodable(serve, versions, metadata):
    played = await serve(versions, b"\x00\x00\x00\x0b" + bytes(4) + b"\x00\x00\x00\x00\xff\xff\xff")
    async with Link.open("127.0.0.1", played.port) as link:
        with pytest.raises(UndecodableError, match="metadata"):
            await link.ask("metadata", topics=[])


async def test_a_closed_link_begins_anew(serve, versions, metadata):
    played = await serve(versions, metadata, versions, metadata)
    link = Link("127.0.0.1", played.port)
    await link.ask("metadata", topics=[])
    link.close()
    await link.ask("metadata", topics=[])
    link.close()
    assert (played.connections, link.reopened) == (2, 0)


@pytest.mark.parametrize(("lifetime", "connections"), [(0, 1), (3_600_000, 1), (1, 2)])
async def test_a_broker_that_listens_for_a_while_is_told_anew_who_we_are(
    serve, versions, metadata, answer, lifetime, connections, monkeypatch
):
    """It would end the old connection at the next request (KIP-368)."""
    if connections == 2:
        monkeypatch.setattr(link_module, "_LISTENS_FOR", 0.0)  # it is over at once, however quick the next request is
    shaken = answer("sasl_handshake", 1, mechanisms=["PLAIN"])
    let_in = versions, shaken, answer("sasl_authenticate", 1, session_lifetime_ms=lifetime)
    again = let_in if connections == 2 else ()
    played = await serve(*let_in, metadata, *again, metadata)
    link = Link("127.0.0.1", played.port, approach=Approach(sasl=Sasl("PLAIN", "alice", "a-secret")))
    for _ in range(2):
        await link.ask("metadata", topics=[])
    link.close()
    assert (played.connections, link.reopened) == (connections, 0)
    assert played.heard[:4] == [("api_versions", 3), ("sasl_handshake", 1), ("sasl_authenticate", 1), ("metadata", 7)]


async def test_another_connection_to_the_same_broker_is_the_callers_own(serve, versions, metadata):
    """It has been through all that comes first, and the link's own one goes on beside it."""
    played = await serve(versions, versions, metadata)
    async with Link.open("127.0.0.1", played.port) as link:
        connection = await link.dial()
        connection.close()
        await link.ask("metadata", topics=[])
    assert played.connections == 2
    assert played.heard == [("api_versions", 3), ("api_versions", 3), ("metadata", 7)]
