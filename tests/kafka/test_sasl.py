"""Tokens of SASL: RFC vectors, and against the server side of a library that is not ours."""

from __future__ import annotations

import base64

import pytest
import scramp
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.kafka.sasl import TokenError, Tokens, tokens

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


def ended(conversation: Tokens, answer: bytes) -> bool:
    try:
        conversation.send(answer)
    except StopIteration:
        return True
    return False


def test_plain() -> None:
    conversation = tokens("PLAIN", "ünser", "pässword")
    assert next(conversation) == "\0ünser\0pässword".encode()
    assert ended(conversation, b"")


def test_a_bearer_token() -> None:
    conversation = tokens("OAUTHBEARER", "", "header.body.")
    assert next(conversation) == b"n,,\x01auth=Bearer header.body.\x01\x01"
    assert ended(conversation, b"")


def test_a_bearer_token_for_somebody_named() -> None:
    assert next(tokens("OAUTHBEARER", "a,b=c", "t")) == b"n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01"


def test_the_refusal_of_a_bearer_token_is_acknowledged() -> None:
    conversation = tokens("OAUTHBEARER", "", "t")
    next(conversation)
    assert conversation.send(b'{"status":"invalid_token"}') == b"\x01"
    assert ended(conversation, b"")


def test_the_example_of_rfc_7677() -> None:
    conversation = tokens("SCRAM-SHA-256", "user", "pencil", lambda: "rOprNGfwEbeRWgbNEkqO")
    assert next(conversation) == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    final = conversation.send(b"r=" + nonce + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    assert final == b"c=biws,r=" + nonce + b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    assert ended(conversation, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
@settings(max_examples=20, deadline=None)
@given(username=PRINTABLE, password=PRINTABLE, right=st.booleans())
def test_scram_with_a_server_that_is_not_ours(mechanism: str, username: str, password: str, right: bool) -> None:
    scram = scramp.ScramMechanism(mechanism)
    kept = scram.make_auth_info(password if right else password + "!")
    server = scram.make_server(lambda name: kept if name == username else None)
    conversation = tokens(mechanism, username, password)
    server.set_client_first(next(conversation).decode())
    final = conversation.send(server.get_server_first().encode()).decode()
    if right:
        server.set_client_final(final)
        assert ended(conversation, server.get_server_final().encode())
        return
    with pytest.raises(scramp.ScramException):
        server.set_client_final(final)
    with pytest.raises(TokenError, match="the broker refuses: invalid-proof"):
        conversation.send(server.get_server_final().encode())


FIRST = b"r=ours-theirs,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"r=theirs,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce"),
        (b"r=ours,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "nonce"),
        (b"r=ours-theirs,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", "iterations"),
        (b"r=ours-theirs,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096000000", "iterations"),
        (b"r=ours-theirs,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=many", "iterations"),
        (b"r=ours-theirs,s=!,i=4096", "s="),
        (b"r=ours-theirs,i=4096", "s="),
        (b"e=unknown-user", "the broker refuses: unknown-user"),
        (b"\xff\xfe", "no text"),
        (b"", "nonce"),
    ],
)
def test_a_challenge_that_cannot_be(answer: bytes, complaint: str) -> None:
    conversation = tokens("SCRAM-SHA-256", "user", "pencil", lambda: "ours")
    next(conversation)
    with pytest.raises(TokenError, match=complaint):
        conversation.send(answer)


@pytest.mark.parametrize(
    "verdict", [b"v=" + base64.b64encode(b"a guess of 32 bytes, not a proof"), b"v=", b"v=?", b"", b"x=y"]
)
def test_one_who_does_not_know_the_password_is_not_believed(verdict: bytes) -> None:
    conversation = tokens("SCRAM-SHA-256", "user", "pencil", lambda: "ours")
    next(conversation)
    conversation.send(FIRST)
    with pytest.raises(TokenError):
        conversation.send(verdict)


def test_an_unknown_mechanism() -> None:
    with pytest.raises(KeyError):
        tokens("GSSAPI", "user", "pencil")
