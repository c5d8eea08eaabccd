"""No byte of a credential is shown, in whatever portions it comes; all else stays as it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.protocol.admin import (
    AlterConfigsRequest,
    AlterUserScramCredentialsRequest,
    CreateTopicsRequest,
    IncrementalAlterConfigsRequest,
)
from kafka.protocol.metadata import MetadataRequest, MetadataResponse
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslAuthenticateResponse

from ackdrop.capture.writing.blanking import Dialogue, Stream

SECRET = b"Zq7Kx9PwLm3TyRv5"
"""Its bytes stand nowhere else in these messages, not two of them in a row."""
TEXT = SECRET.decode()
CREATE_TOKEN, RENEW_TOKEN, EXPIRE_TOKEN, DESCRIBE_TOKEN, HANDSHAKE = 38, 39, 40, 41, 17


def encoded(message: Any, correlation_id: int = 7) -> bytes:
    given = {"client_id": "the client"} if message.is_request() else {}
    message.with_header(correlation_id=correlation_id, **given)
    return bytes(message.encode(header=True, framed=True))


def framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def head(key: int, version: int, correlation_id: int = 7, *, flexible: bool = False) -> bytes:
    return struct.pack(">hhih", key, version, correlation_id, 1) + b"c" + (b"\0" if flexible else b"")


def text(content: str, flexible: bool) -> bytes:
    return (bytes([len(content) + 1]) if flexible else struct.pack(">h", len(content))) + content.encode()


def data(content: bytes, flexible: bool) -> bytes:
    return (bytes([len(content) + 1]) if flexible else struct.pack(">i", len(content))) + content


def tags(flexible: bool, content: bytes = b"\1\5\3abc") -> bytes:
    return content if flexible else b""


def in_portions(stream: Stream, content: bytes, size: int) -> bytes:
    return b"".join(stream.feed(content[at : at + size]).data for at in range(0, len(content), size))


def blanked(content: bytes) -> bytes:
    return content.replace(SECRET, b"*" * len(SECRET))


SIZES = [1, 2, 3, 7, 1 << 20]


def _requests() -> Iterator[Any]:
    for version in range(3):
        yield pytest.param(encoded(SaslAuthenticateRequest(version=version, auth_bytes=SECRET)), id=f"sasl-{version}")
    upsertion = AlterUserScramCredentialsRequest.ScramCredentialUpsertion
    deletion = AlterUserScramCredentialsRequest.ScramCredentialDeletion
    given = [
        upsertion(version=0, name=f"user{n}", mechanism=1, iterations=4096, salt=SECRET, salted_password=SECRET)
        for n in range(3)
    ]
    gone = [deletion(version=0, name="nobody", mechanism=2)]
    yield pytest.param(
        encoded(AlterUserScramCredentialsRequest(version=0, deletions=gone, upsertions=given)), id="scram"
    )
    names = ["cleanup.policy", "ssl.keystore.PASSWORD", "sasl.jaas.config", "my.secret", "some.key", "retention.ms"]
    values = ["compact", TEXT, TEXT, TEXT, TEXT, None]
    for kind in (AlterConfigsRequest, IncrementalAlterConfigsRequest):
        resource = next(getattr(kind, name) for name in dir(kind) if name.endswith("Resource"))
        config = resource.AlterableConfig
        for version in range(kind.min_version, kind.max_version + 1):
            extra = {"config_operation": 0} if kind is IncrementalAlterConfigsRequest else {}
            configs = [
                config(version=version, name=name, value=value, **extra)
                for name, value in zip(names, values, strict=True)
            ]
            resources = [
                resource(version=version, resource_type=2, resource_name="t", configs=configs) for _ in range(2)
            ]
            message = kind(version=version, resources=resources, validate_only=False)
            yield pytest.param(encoded(message), id=f"{kind.__name__}-{version}")
    topic = CreateTopicsRequest.CreatableTopic
    for version in range(CreateTopicsRequest.min_version, 8):
        configs = [
            topic.CreatableTopicConfig(version=version, name=name, value=value)
            for name, value in zip(names, values, strict=True)
        ]
        assigned = [topic.CreatableReplicaAssignment(version=version, partition_index=0, broker_ids=[1, 2])]
        topics = [
            topic(
                version=version,
                name="t",
                num_partitions=1,
                replication_factor=1,
                assignments=assigned,
                configs=configs,
            )
        ]
        message = CreateTopicsRequest(version=version, topics=topics, timeout_ms=9, validate_only=False)
        yield pytest.param(encoded(message), id=f"CreateTopics-{version}")
    for key in (RENEW_TOKEN, EXPIRE_TOKEN):
        for version in range(3):
            flexible = version >= 2
            body = data(SECRET, flexible) + bytes(8) + tags(flexible)
            yield pytest.param(framed(head(key, version, flexible=flexible) + body), id=f"{key}-{version}")


def _token(version: int, flexible: bool) -> bytes:
    names = ["User", "alice", *(["User", "bob"] if version >= 3 else [])]
    content = b"".join(text(name, flexible) for name in names) + bytes(24)
    return content + text("token id", flexible) + data(SECRET, flexible)


def _answers() -> Iterator[Any]:
    for version in range(3):
        message = SaslAuthenticateResponse(
            version=version, error_code=0, error_message=None, auth_bytes=SECRET, session_lifetime_ms=9
        )
        yield pytest.param(36, version, encoded(message), id=f"sasl-{version}")
    for version in range(4):
        flexible = version >= 2
        start = struct.pack(">i", 7) + tags(flexible)
        one = struct.pack(">h", 0) + _token(version, flexible) + bytes(4) + tags(flexible)
        yield pytest.param(CREATE_TOKEN, version, framed(start + one), id=f"create-{version}")
        renewer = text("User", flexible) + text("carol", flexible) + tags(flexible)
        renewers = (b"\2" if flexible else struct.pack(">i", 1)) + renewer
        each = _token(version, flexible) + renewers + tags(flexible)
        count = b"\3" if flexible else struct.pack(">i", 2)
        several = struct.pack(">h", 0) + count + each * 2 + bytes(4) + tags(flexible)
        yield pytest.param(DESCRIBE_TOKEN, version, framed(start + several), id=f"describe-{version}")


METADATA = encoded(MetadataRequest(version=12, topics=None), 8)
NEXT_ANSWER = encoded(MetadataResponse(version=12, brokers=[], topics=[]), 8)


@pytest.mark.parametrize("frame", list(_requests()))
@pytest.mark.parametrize("size", SIZES)
def test_of_a_request_the_credentials_are_blank_and_nothing_else(frame: bytes, size: int) -> None:
    assert SECRET in frame
    assert in_portions(Dialogue().requests, frame + METADATA, size) == blanked(frame) + METADATA


@pytest.mark.parametrize(("key", "version", "frame"), list(_answers()))
@pytest.mark.parametrize("size", SIZES)
def test_of_an_answer_the_credentials_are_blank_and_nothing_else(
    key: int, version: int, frame: bytes, size: int
) -> None:
    assert SECRET in frame
    dialogue = Dialogue()
    dialogue.requests.feed(framed(head(key, version, flexible=version >= 2) + b"\0" * 9))
    dialogue.requests.feed(METADATA)
    assert in_portions(dialogue.answers, frame + NEXT_ANSWER, size) == blanked(frame) + NEXT_ANSWER


TOKENS = {
    "PLAIN": [(b"\0alice\0" + SECRET, b"")],
    "PLAIN, digits": [(b"\0" + b"0" * 9 + b"\0" + b"1" * 9, b"")],
    "SCRAM": [(b"n,,n=alice,r=" + SECRET, b"r=" + SECRET), (b"c=biws,p=" + SECRET, b"v=" + SECRET)],
    "OAUTHBEARER": [(b"n,,\1auth=Bearer " + SECRET + b"\1\1", b"")],
    "OAUTHBEARER, refused": [(b"n,,\1auth=Bearer " + SECRET + b"\1\1", b'{"status":"' + SECRET), (b"\1", b"")],
    "GSSAPI": [(b"\x60\x82\1\2" + SECRET, b"\x60" + SECRET), (b"", b"\5\4\5\xff\0\x0c\0\0"), (b"\5\4\4", b"")],
    "short": [(b"ab", b"c")],
}


@pytest.mark.parametrize("tokens", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("size", SIZES)
def test_tokens_without_headers_are_blank_both_ways(tokens: list[tuple[bytes, bytes]], size: int) -> None:
    dialogue = Dialogue()
    handshake, shaken = framed(head(HANDSHAKE, 0) + b"\0\5PLAIN"), framed(struct.pack(">ihih", 7, 0, 1, 5) + b"PLAIN")
    assert in_portions(dialogue.requests, handshake, size) == handshake
    assert in_portions(dialogue.answers, shaken, size) == shaken
    for ours, theirs in tokens:
        for stream, token in ((dialogue.requests, ours), (dialogue.answers, theirs)):
            assert in_portions(stream, framed(token), size) == struct.pack(">i", len(token)) + b"*" * len(token)
    shown = in_portions(dialogue.requests, METADATA + METADATA, size)
    assert shown[-len(METADATA) :] == METADATA
    if size > 12:  # one by one the bytes of its head cannot be told from a token
        assert shown == METADATA + METADATA
    assert in_portions(dialogue.answers, NEXT_ANSWER, size) == NEXT_ANSWER


def test_a_handshake_with_headers_is_followed_by_requests() -> None:
    requests = Dialogue().requests
    requests.feed(framed(head(HANDSHAKE, 1) + b"\0\5PLAIN"))
    assert requests.feed(METADATA).data == METADATA


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_that_lost_its_correlation_id_is_not_shown(size: int) -> None:
    dialogue = Dialogue()
    dialogue.requests.feed(encoded(SaslAuthenticateRequest(version=1, auth_bytes=b"x")))
    message = SaslAuthenticateResponse(version=1, error_code=0, error_message=None, auth_bytes=SECRET)
    assert SECRET not in in_portions(dialogue.answers, encoded(message, 99), size)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.binary(min_size=1, max_size=4), st.integers(1, 50))
def test_a_damaged_frame_shows_nothing_of_its_credentials(at: int, damage: bytes, size: int) -> None:
    whole = encoded(SaslAuthenticateRequest(version=1, auth_bytes=b"\0" * 30 + SECRET))
    begin = whole.index(b"\0" * 30) - 4  # the length of the token
    for place in (min(at, begin + 4 - len(damage)), begin):
        if 4 <= place < 12:
            continue  # another API, or another correlation id
        frame = whole[:place] + damage + whole[place + len(damage) :]
        assert SECRET not in in_portions(Dialogue().requests, frame * 3, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("beginning", [b"\x16\3\1\0\x20", b"GET / HTTP/1.1", b"\xff" * 8, bytes(4)], ids=repr)
def test_what_is_no_kafka_is_not_shown(beginning: bytes, size: int) -> None:
    for stream in (Dialogue().requests, Dialogue().answers):
        assert SECRET not in in_portions(stream, beginning + SECRET, size)


def test_a_version_that_nobody_knows_is_hidden_whole_and_alone() -> None:
    frame = framed(head(36, 9, flexible=True) + SECRET)
    requests = Dialogue().requests
    assert SECRET not in requests.feed(frame).data
    assert requests.feed(METADATA).data == METADATA


def test_apis_that_nobody_knows_are_shown() -> None:
    frame = framed(head(500, 0) + b"what is that")
    assert Dialogue().requests.feed(frame).data == frame


def test_behind_a_gap_that_may_hide_a_beginning_nothing_is_shown() -> None:
    requests = Dialogue().requests
    requests.feed(METADATA[:15])
    requests.skip(len(METADATA) - 15)
    assert requests.feed(METADATA).data == METADATA
    requests.feed(METADATA[:15])
    requests.skip(len(METADATA))
    assert requests.feed(METADATA).data == b"*" * len(METADATA)


@given(st.lists(st.integers(1, 40), max_size=30))
def test_ends_of_frames_are_told_with_their_correlation_ids(cuts: list[int]) -> None:
    content = b"".join(encoded(MetadataRequest(version=12, topics=None), number) for number in range(5))
    requests, at, ended = Dialogue().requests, 0, []
    for cut in [*cuts, len(content)]:
        ended += requests.feed(content[at : at + cut]).ended
        at += cut
    assert [(each.correlation_id, each.end) for each in ended] == [(n, (n + 1) * len(METADATA)) for n in range(5)]


def test_requests_without_answers_are_forgotten() -> None:
    dialogue = Dialogue()
    for number in range(20_001):
        dialogue.requests.feed(framed(head(0, 3, number)))
    assert len(dialogue._open) <= 10_000
