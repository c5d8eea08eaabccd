"""PEM files to TLS contexts, and what is said of files that are none."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from ackdrop.errors import UsageError
from ackdrop.security import ClientTls, Sasl, Security, UpstreamTls


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, one.pem and one.key, two.key of another pair, locked.key, both.pem, none.pem."""
    folder = tmp_path_factory.mktemp("pem")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    one, two = ca.issue_cert("localhost"), ca.issue_cert("localhost")
    one.cert_chain_pems[0].write_to_path(folder / "one.pem")
    one.private_key_pem.write_to_path(folder / "one.key")
    two.private_key_pem.write_to_path(folder / "two.key")
    one.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    key = load_pem_private_key(one.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"locked"))
    (folder / "locked.key").write_bytes(locked)
    (folder / "none.pem").write_text("-----BEGIN NOTHING-----\n")
    return folder


def test_a_broker_is_verified_by_default(pem: Path) -> None:
    context = UpstreamTls(ca=pem / "ca.pem").context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_verification_can_be_given_up(pem: Path) -> None:
    context = UpstreamTls(verify=False).context()
    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname


def test_clients_need_no_certificate_unless_a_ca_is_named(pem: Path) -> None:
    assert ClientTls(pem / "both.pem").context().verify_mode == ssl.CERT_NONE
    wanting = ClientTls(pem / "one.pem", pem / "one.key", pem / "ca.pem").context()
    assert wanting.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        (lambda pem: UpstreamTls(ca=pem / "gone.pem"), "--upstream-ca .*gone.pem: No such file"),
        (lambda pem: UpstreamTls(ca=pem), "--upstream-ca .*: Is a directory"),
        (lambda pem: UpstreamTls(ca=pem / "none.pem"), "--upstream-ca .*none.pem holds no certificate"),
        (lambda pem: UpstreamTls(cert=pem / "one.pem", key=pem / "two.key"), "the key does not belong to the certif"),
        (lambda pem: UpstreamTls(cert=pem / "one.pem"), "there is no certificate and key that can be read"),
        (lambda pem: UpstreamTls(cert=pem / "one.pem", key=pem / "locked.key"), "the key is encrypted"),
        (lambda pem: ClientTls(pem / "gone.pem"), "--tls-cert .*gone.pem: No such file"),
        (lambda pem: ClientTls(pem / "one.pem", pem / "gone.key"), "--tls-key .*gone.key: No such file"),
        (lambda pem: ClientTls(pem / "one.pem", pem / "two.key"), "--tls-key .*two.key: the key does not belong"),
        (lambda pem: ClientTls(pem / "both.pem", None, pem / "none.pem"), "--tls-client-ca .*none.pem holds no cert"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_option(pem: Path, tls: object, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        tls(pem).context()  # type: ignore[operator]
    assert told.value.remedy


def test_a_password_is_never_shown() -> None:
    assert "hidden" not in repr(Security(sasl=Sasl("PLAIN", "alice", "hidden")))


class TestSasl:
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_the_password_stands_alone_in_its_file(self, tmp_path: Path, end: str) -> None:
        file = tmp_path / "password"
        file.write_bytes((" pass wörd " + end).encode())
        assert Sasl.read("PLAIN", "alice", file).password == " pass wörd "

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"\xff\xfe", "UTF-8"),
            (b"x" * 70_000, "too long"),
            (b"a\0b", "no text"),
        ],
    )
    def test_a_file_without_a_password(self, tmp_path: Path, content: bytes, complaint: str) -> None:
        file = tmp_path / "password"
        file.write_bytes(content)
        with pytest.raises(UsageError, match=f"--upstream-sasl-password-file .*{complaint}") as caught:
            Sasl.read("PLAIN", "alice", file)
        assert caught.value.remedy

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"--upstream-sasl-password-file .*No such file"):
            Sasl.read("PLAIN", "alice", tmp_path / "password")

    def test_what_is_written_later_is_taken_and_what_cannot_be_read_is_not(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text("first")
        sasl = Sasl.read("OAUTHBEARER", "", file)
        file.write_text("second")
        assert sasl.renewed().password == "second"
        file.unlink()
        assert sasl.renewed().password == "first"
