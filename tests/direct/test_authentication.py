"""Saying who we are: what is sent, and what is made of each answer. Frames in, frames out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ackdrop.direct.authentication import NotLetIn, authentication, handshake, mechanisms_in
from ackdrop.errors import UndecodableError
from ackdrop.security import Sasl

Answer = Callable[..., bytes]
ALICE = Sasl("PLAIN", "alice", "a-secret")
BROKER = "127.0.0.1:9093"


def taken(answer: Answer, **fields: object) -> memoryview:
    return memoryview(answer("sasl_handshake", 1, **{"mechanisms": ["PLAIN"], **fields}))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_mechanism_and_then_the_token(answer: Answer, version: int) -> None:
    frames = authentication(ALICE, BROKER, version)
    first = next(frames)
    assert (first, first[4:8]) == (handshake("PLAIN"), b"\0\x11\0\x01")
    second = frames.send(taken(answer))
    assert second[4:8] == bytes([0, 36, 0, version])
    assert b"\0alice\0a-secret" in second
    assert second[8:12] != first[8:12]
    with pytest.raises(StopIteration) as over:
        frames.send(memoryview(answer("sasl_authenticate", version, session_lifetime_ms=5000)))
    assert over.value.value == (5.0 if version else None)


@pytest.mark.parametrize(
    ("error", "complaint", "remedy"),
    [
        (33, "does not take PLAIN, but GSSAPI, SCRAM-SHA-256", "--upstream-sasl-mechanism"),
        (34, "does not want to know who is speaking", "Leave the --upstream-sasl-"),
        (58, "refuses PLAIN: SASL_AUTHENTICATION_FAILED", ""),
    ],
)
def test_a_mechanism_that_is_refused(answer: Answer, error: int, complaint: str, remedy: str) -> None:
    frames = authentication(ALICE, BROKER)
    next(frames)
    with pytest.raises(NotLetIn, match=f"{BROKER}: .*{complaint}") as caught:
        frames.send(taken(answer, error_code=error, mechanisms=["GSSAPI", "SCRAM-SHA-256"]))
    assert remedy in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("error", "said", "complaint"),
    [
        (58, "Authentication failed", r"does not let 'alice' with PLAIN in \(Authentication failed\)"),
        (58, None, r"(?m)does not let 'alice' with PLAIN in$"),
        (34, "odd", r"\(ILLEGAL_SASL_STATE: odd\)"),
        (58, "who says a-secret is nobody", r"\(who says \*\*\* is nobody\)"),
    ],
)
def test_who_is_refused(answer: Answer, error: int, said: str | None, complaint: str) -> None:
    frames = authentication(ALICE, BROKER)
    next(frames)
    frames.send(taken(answer))
    with pytest.raises(NotLetIn, match=complaint) as caught:
        frames.send(memoryview(answer("sasl_authenticate", 0, error_code=error, error_message=said)))
    assert "--upstream-sasl-password-file" in (caught.value.remedy or "")
    assert "a-secret" not in str(caught.value)


def test_a_broker_that_cannot_be_who_it_says_it_is(answer: Answer) -> None:
    frames = authentication(Sasl("SCRAM-SHA-256", "alice", "a-secret"), BROKER)
    next(frames)
    frames.send(taken(answer))
    with pytest.raises(NotLetIn, match="SCRAM-SHA-256 failed: the broker's nonce"):
        frames.send(memoryview(answer("sasl_authenticate", 0, auth_bytes=b"r=theirs,s=AAAA,i=4096")))


def test_an_answer_that_is_none() -> None:
    frames = authentication(ALICE, BROKER)
    next(frames)
    with pytest.raises(UndecodableError):
        frames.send(memoryview(b"\0\0\0\x05\0\0\0\x01\0"))


def test_what_a_broker_takes(answer: Answer) -> None:
    assert mechanisms_in(taken(answer, error_code=33, mechanisms=["GSSAPI"])) == ("GSSAPI",)
    assert mechanisms_in(taken(answer, error_code=34, mechanisms=[])) is None
    assert mechanisms_in(taken(answer)) is None
