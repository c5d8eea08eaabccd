"""Where a control API may listen."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ackdrop.control.address import ControlAddress, address_of
from ackdrop.control.serve import listening
from ackdrop.errors import ListenerError, UsageError


@pytest.mark.parametrize("text", ["127.0.0.1:9191", "127.9.9.9:1", "[::1]:9191", "localhost:0", "127.0.0.1:0"])
def test_loopback(text):
    assert str(address_of(text)) == text


def test_a_socket():
    assert address_of("unix:/run/x.sock") == ControlAddress(path=Path("/run/x.sock"))
    assert address_of("unix:x.sock").path == Path.cwd() / "x.sock"


@pytest.mark.parametrize("text", ["0.0.0.0:9191", "[::]:9191", "10.0.0.1:9191", "192.0.2.1:1", "[2001:db8::1]:1"])
def test_anywhere_else_is_refused(text):
    with pytest.raises(UsageError, match="is not loopback"):
        address_of(text)


@pytest.mark.parametrize("text", ["", "9191", ":9191", "127.0.0.1", "127.0.0.1:99999", "unix:", "unix:\0", "a b:1"])
def test_what_is_no_address(text):
    with pytest.raises(UsageError, match=r"neither HOST:PORT nor unix:PATH|names no socket"):
        address_of(text)


def test_a_host_that_nobody_knows():
    with pytest.raises(UsageError, match="no such host"):
        address_of("nowhere.invalid:1")


def test_any_free_port_is_told(tmp_path):
    with listening(ControlAddress("127.0.0.1", 0)) as (address, sock):
        assert address.port == sock.getsockname()[1] != 0


def test_a_port_that_is_taken():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ListenerError, match=r"cannot listen on 127\.0\.0\.1:"),
        listening(ControlAddress("127.0.0.1", taken.getsockname()[1])),
    ):
        pass


class TestSocket:
    def test_it_is_its_users_alone_and_goes_with_the_server(self, tmp_path):
        path = tmp_path / "c.sock"
        before = os.umask(0)
        try:
            with listening(ControlAddress(path=path)):
                assert path.stat().st_mode & 0o777 == 0o600
        finally:
            os.umask(before)
        assert not path.exists()

    def test_one_that_nobody_listens_on_is_replaced(self, tmp_path):
        path = tmp_path / "c.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        with listening(ControlAddress(path=path)), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))

    def test_one_that_somebody_listens_on_is_left_alone(self, tmp_path):
        path = tmp_path / "c.sock"
        with listening(ControlAddress(path=path)):
            with pytest.raises(ListenerError), listening(ControlAddress(path=path)):
                pass
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))

    def test_a_file_is_no_socket_and_stays(self, tmp_path):
        path = tmp_path / "precious"
        path.write_text("x")
        with pytest.raises(ListenerError), listening(ControlAddress(path=path)):
            pass
        assert path.read_text() == "x"

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(ListenerError, match="No such file"), listening(ControlAddress(path=tmp_path / "no" / "x")):
            pass
