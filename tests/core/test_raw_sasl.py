"""SASL tokens without headers, after a SaslHandshake v0: they pass as they are, and requests behind them are read."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from ackdrop.core.commands import Side, Tell
from ackdrop.core.raw_sasl import NOT_THROUGH_US
from ackdrop.faults import Delay
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Attempt, Reached

HANDSHAKE, API_VERSIONS = 17, 18

CONVERSATIONS = {
    "PLAIN": [(b"\0alice\0secret", b"")],
    "PLAIN, a name that begins like an API": [(b"\0A\0pass", b"")],
    "PLAIN, digits": [(b"\0" + b"0" * 9 + b"\0" + b"1" * 9, b"")],
    "SCRAM": [(b"n,,n=alice,r=abc", b"r=abcdef,s=c2FsdA==,i=4096"), (b"c=biws,r=abcdef,p=cHJvb2Y=", b"v=c2ln")],
    "OAUTHBEARER": [(b"n,,\1auth=Bearer abc\1\1", b"")],
    "OAUTHBEARER, refused": [(b"n,,\1auth=Bearer abc\1\1", b'{"status":"invalid_token"}'), (b"\1", b"")],
    "GSSAPI": [(b"\x60\x82\1\2krb", b"\x60\x0aresp"), (b"", b"\5\4\5\xff\0\x0c\0\0"), (b"\5\4\4\xff\0\x0c\0\0", b"")],
}


def framed(token: bytes) -> bytes:
    return struct.pack(">i", len(token)) + token


@pytest.fixture
def shake(frames: Any) -> Any:
    """The handshake of version 0, and its answer."""
    request = frames.request(HANDSHAKE, 0, 1, struct.pack(">h", 5) + b"PLAIN")
    return request, frames.answer(1, struct.pack(">hih", 0, 1, 5) + b"PLAIN")


@pytest.mark.parametrize("tokens", CONVERSATIONS.values(), ids=CONVERSATIONS)
@pytest.mark.parametrize("ruled", [False, True], ids=["no rules", "rules"])
@pytest.mark.parametrize("size", [1 << 20, 1])
def test_tokens_pass_and_requests_behind_them_are_read(
    playbook: Any, frames: Any, shake: Any, tokens: Any, ruled: bool, size: int
) -> None:
    rules = [Rule("r", "produce", "response", Match(), When(), Delay(1.0))] if ruled else []
    play = playbook(*rules, starts={("t", 0): 0})
    line = play.connect()
    request, answer = shake
    assert line.dribble(Side.CLIENT, request, size) == [line.to_broker(request)]
    assert line.dribble(Side.BROKER, answer, size) == [line.to_client(answer)]
    for ours, theirs in tokens:
        assert line.dribble(Side.CLIENT, framed(ours), size) == [line.to_broker(framed(ours))]
        assert line.dribble(Side.BROKER, framed(theirs), size) == [line.to_client(framed(theirs))]
    produce = frames.produce(2, ("t", 0, frames.batch(frames.record(b"v"))), version=3)
    assert line.dribble(Side.CLIENT, produce, size) == [line.to_broker(produce)]
    assert len(play.all(Attempt)) == 1
    produced = frames.produced(2, ("t", 0, 0, 5), version=3)
    assert line.dribble(Side.BROKER, produced, size) == ([] if ruled else [line.to_client(produced)])
    assert not play.undecoded
    assert not play.closed


def test_behind_them_a_frame_must_make_sense_again(playbook: Any, frames: Any, shake: Any) -> None:
    play = playbook()
    line = play.connect()
    line.client(shake[0])
    line.broker(shake[1])
    line.client(framed(b"\0alice\0secret"))
    line.broker(framed(b""))
    line.client(frames.request(API_VERSIONS, 0, 2))
    line.client(framed(b""))
    assert [reason for *_, reason in play.closed] == ["a frame of 0 bytes (allowed: 8 to 104857600)"]


def test_version_1_has_headers_all_along(playbook: Any, frames: Any) -> None:
    play = playbook()
    line = play.connect()
    line.client(frames.request(HANDSHAKE, 1, 1, struct.pack(">h", 5) + b"PLAIN"))
    line.client(framed(b""))
    assert [by for _, by, *_ in play.closed] == ["ackdrop"]


def test_nothing_of_them_is_told(playbook: Any, shake: Any) -> None:
    play = playbook(Rule("r", "sasl_authenticate", "request", Match(), When(), Delay(1.0)))
    line = play.connect()
    line.client(shake[0])
    line.broker(shake[1])
    line.client(framed(b"\0alice\0secret"))
    assert "secret" not in repr(play.seen)
    assert [seen.api for seen in play.all(Reached)] == ["connection", "sasl_handshake", "sasl_handshake"]


def test_a_second_handshake_begins_anew(playbook: Any, frames: Any, shake: Any) -> None:
    """A mechanism that the broker does not know is followed by another one."""
    play = playbook()
    line = play.connect()
    line.client(shake[0])
    line.broker(shake[1])
    again = frames.request(HANDSHAKE, 0, 2, struct.pack(">h", 5) + b"PLAIN")
    assert line.client(again) == [line.to_broker(again)]
    assert line.broker(frames.answer(2, b"")) == [line.to_client(frames.answer(2, b""))]
    assert line.client(framed(b"\0alice\0secret")) == [line.to_broker(framed(b"\0alice\0secret"))]
    assert line.broker(framed(b"")) == [line.to_client(framed(b""))]


def test_a_token_where_the_handshakes_answer_was_to_come_ends_the_connection(
    playbook: Any, frames: Any, shake: Any
) -> None:
    play = playbook()
    line = play.connect()
    line.client(shake[0])
    assert line.broker(framed(b"")) != []
    assert [closed[:3] for closed in play.closed] == [(1, "ackdrop", "fin")]
    assert play.undecoded == [(1, "answer", True)]


class TestKerberos:
    """GSSAPI passes like anything else, and the person is told once that it leads nowhere."""

    @pytest.mark.parametrize("version", [0, 1])
    @pytest.mark.parametrize("size", [1 << 20, 1])
    def test_it_is_told_once(self, playbook: Any, frames: Any, version: int, size: int) -> None:
        play = playbook()
        request = frames.request(HANDSHAKE, version, 1, struct.pack(">h", 6) + b"GSSAPI")
        first, second = play.connect(), play.connect()
        told, sent = first.dribble(Side.CLIENT, request, size)
        assert (told, sent) == (Tell(NOT_THROUGH_US), first.to_broker(request))
        assert second.dribble(Side.CLIENT, request, size) == [second.to_broker(request)]

    def test_others_are_not_told_of(self, playbook: Any, frames: Any) -> None:
        line = playbook().connect()
        for name in (b"PLAIN", b"SCRAM-SHA-256", b"GSSAPIX", b""):
            request = frames.request(HANDSHAKE, 1, 1, struct.pack(">h", len(name)) + name)
            assert line.client(request) == [line.to_broker(request)]

    @pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x07GSSAPI", b"\xff\xff", b"\x00\x06GSSAPI!"])
    def test_what_cannot_be_read_passes(self, playbook: Any, frames: Any, body: bytes) -> None:
        line = playbook().connect()
        request = frames.request(HANDSHAKE, 1, 1, body)
        assert line.client(request) == [line.to_broker(request)]
