"""A throw-away CA: what it signs is believed by whoever trusts it, for its names alone; keys stay secret."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from ackdrop import authority
from ackdrop.authority import CA, CLIENT, CLIENT_KEY, CLIENT_STORE, SERVER, SERVER_KEY, Issued
from ackdrop.errors import SurroundingsError, UsageError
from ackdrop.security import ClientTls, UpstreamTls

KEYS = {SERVER_KEY, CLIENT_KEY, CLIENT_STORE}


@pytest.fixture(scope="module")
def issued() -> Issued:
    return authority.issue(["Kafka.Example", "*.many.example", "10.0.0.7", "[2001:db8::7]", "localhost"])


@pytest.fixture(scope="module")
def folder(issued: Issued, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates") / "of" / "ours"
    authority.write(issued, made)
    return made


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """A whole handshake in memory. Raises SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    ends[0].write(b"x")
    assert ends[1].read() == b"x"


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "::1", "kafka.example", "one.many.example", "10.0.0.7", "2001:db8::7"]
)
def test_the_server_is_believed_by_its_names(folder: Path, name: str) -> None:
    client = UpstreamTls(ca=folder / CA).context()
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(ClientTls(folder / SERVER, folder / SERVER_KEY).context(), client, name)


def test_the_server_is_not_believed_by_other_names_or_by_those_who_trust_others(folder: Path, tmp_path: Path) -> None:
    server = ClientTls(folder / SERVER, folder / SERVER_KEY).context()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(server, UpstreamTls(ca=folder / CA).context(), "other.example")
    authority.write(authority.issue(), tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, UpstreamTls(ca=tmp_path / CA).context(), "localhost")


@pytest.mark.parametrize("files", [(CLIENT, CLIENT_KEY), (CLIENT_STORE, None)])
def test_the_client_is_believed_and_nobody_without_a_certificate(folder: Path, files: tuple[str, str | None]) -> None:
    server = ClientTls(folder / SERVER, folder / SERVER_KEY, client_ca=folder / CA).context()
    cert, key = files
    handshake(server, UpstreamTls(folder / CA, folder / cert, folder / key if key else None).context(), "localhost")
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(server, UpstreamTls(folder / CA).context(), "localhost")


def test_each_name_is_there_once(issued: Issued) -> None:
    asked = ("kafka.example", "*.many.example", "10.0.0.7", "2001:db8::7")
    assert issued.names == ("localhost", "127.0.0.1", "::1", *asked)


@pytest.mark.parametrize(
    "name", ["kafka:9092", "127.0.0.1:9092", "a b", "", "*", "a..b", "10.0.0.0/8", "a@b", "x" * 64, "-a", "my_host"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no host name and no IP address"):
        authority.issue([name])


def test_keys_are_for_their_owner_alone_whatever_was_there_and_whatever_the_mask_is(tmp_path: Path) -> None:
    for name in KEYS:
        (tmp_path / name).touch(0o666)
    before = os.umask(0)
    try:
        authority.write(authority.issue(), tmp_path, force=True)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in os.listdir(tmp_path)}
    assert modes == {name: 0o600 if name in KEYS else 0o644 for name in (CA, SERVER, CLIENT, *KEYS)}


def test_the_authority_s_own_key_is_in_no_file(folder: Path) -> None:
    told = subprocess.run(
        ["openssl", "x509", "-in", folder / CA, "-noout", "-pubkey"], check=True, capture_output=True, text=True
    ).stdout
    for name in (SERVER_KEY, CLIENT_KEY, CLIENT_STORE):
        public = subprocess.run(
            ["openssl", "pkey", "-in", folder / name, "-pubout"], check=True, capture_output=True, text=True
        ).stdout
        assert public.startswith("-----BEGIN PUBLIC KEY")
        assert public != told
    assert not any("KEY" in (folder / name).read_text() for name in (CA, SERVER, CLIENT))


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_is_there_is_left_alone(tmp_path: Path, issued: Issued, kind: str) -> None:
    if kind == "file":
        (tmp_path / CLIENT_KEY).write_text("mine")
    else:
        (tmp_path / CLIENT_KEY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"has client-key\.pem already") as caught:
        authority.write(issued, tmp_path)
    assert "--force" in (caught.value.remedy or "")
    assert os.listdir(tmp_path) == [CLIENT_KEY]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path, issued: Issued) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("another's")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / SERVER_KEY).symlink_to(target)
    authority.write(issued, tmp_path / "here", force=True)
    assert target.read_text() == "another's"
    assert not (tmp_path / "here" / SERVER_KEY).is_symlink()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, issued: Issued) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SurroundingsError, match=r"file.* cannot be written: Not a directory"):
        authority.write(issued, tmp_path / "file" / "below")


def test_a_write_that_fails_leaves_no_part_of_a_file(tmp_path: Path, issued: Issued) -> None:
    (tmp_path / SERVER).mkdir()
    with pytest.raises(SurroundingsError, match=r"/server\.pem cannot be written: Is a directory"):
        authority.write(issued, tmp_path, force=True)
    assert sorted(os.listdir(tmp_path)) == [CA, SERVER]
