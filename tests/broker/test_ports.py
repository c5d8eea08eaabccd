"""Free loopback ports that are held until they are used."""

from __future__ import annotations

import socket
import sys

import pytest

from ackdrop.broker.ports import candidates, held, is_free
from ackdrop.errors import BrokerError


def test_ports_are_below_the_ephemeral_range() -> None:
    with held(3) as ports:
        assert len(set(ports)) == 3
        assert all(port in candidates() for port in ports)
    with socket.create_server(("127.0.0.1", 0)) as any_port:
        assert any_port.getsockname()[1] not in candidates()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is let go just before its use")
def test_a_held_port_is_not_given_twice_but_a_server_may_take_it() -> None:
    with held(1) as [port]:
        assert not is_free(port)
        with pytest.raises(BrokerError, match=f"port {port} of 127.0.0.1 cannot be used"), held(1, port):
            pass
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java's server sockets do
        server.bind(("127.0.0.1", port))
        server.listen()
    with server, socket.create_connection(("127.0.0.1", port)) as connection:
        assert connection.getpeername()[1] == port


def test_a_wanted_port_is_the_first_one() -> None:
    with held(1) as [wanted]:
        pass
    with held(2, wanted) as ports:
        assert ports[0] == wanted
        assert ports[1] != wanted


def test_a_port_that_another_program_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(BrokerError, match=f"port {port} .* address already in use") as caught, held(2, port):
            pass
        assert "another port" in (caught.value.remedy or "")
    assert is_free(port)


def test_a_low_ephemeral_range_leaves_ports_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ackdrop.broker.ports.sys.platform", "linux")
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_: "1024\t65535\n")
    assert len(candidates()) >= 1024
