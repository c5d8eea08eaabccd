"""Redpanda's Admin API, spoken to a small server that answers as it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ackdrop.broker import admin
from ackdrop.broker.admin import transfer_leadership
from ackdrop.errors import BrokerError

Answer = tuple[int, dict[str, str], bytes]


class Server:
    """An Admin API: `answers` are given in their order, `asked` are method and path of what was asked for."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                api.asked.append(f"{self.command} {self.path}")
                status, headers, body = api.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def leader() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


async def test_another_broker_is_made_the_leader(server: Server) -> None:
    server.answers = [(200, {}, b""), (200, {}, b"")]
    await transfer_leadership(server.address, "orders", 3, 2)
    await transfer_leadership(server.address, "a b/c", 0, None)
    assert server.asked == [
        "POST /v1/partitions/kafka/orders/3/transfer_leadership?target=2",
        "POST /v1/partitions/kafka/a%20b%2Fc/0/transfer_leadership",
    ]


async def test_whoever_does_not_lead_sends_on_to_the_leader(server: Server, leader: Server) -> None:
    path = "/v1/partitions/kafka/orders/0/transfer_leadership?target=1"
    server.answers = [(307, {"Location": f"http://{leader.address}{path}"}, b"")]
    leader.answers = [(200, {}, b"")]
    await transfer_leadership(server.address, "orders", 0, 1)
    assert (server.asked, leader.asked) == ([f"POST {path}"], [f"POST {path}"])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            (400, {}, b'{"message": "Leadership transfer failed", "code": 400}'),
            "answered 400: Leadership transfer failed",
        ),
        ((404, {}, b"not found\nat all"), "answered 404: not found"),
        ((503, {}, b""), "answered 503"),
        ((307, {"Location": "ftp://x/"}, b""), "redirects to 'ftp://x/'"),
        ((307, {}, b""), "redirects to ''"),
    ],
)
async def test_a_refusal_is_told(server: Server, answer: Answer, told: str) -> None:
    server.answers = [answer]
    with pytest.raises(BrokerError) as error:
        await transfer_leadership(server.address, "orders", 0, 1)
    assert error.value.message == f"the Admin API at {server.address} {told}"


async def test_redirects_without_end(server: Server) -> None:
    server.answers = [(307, {"Location": "/again"}, b"")] * admin.REDIRECTS
    with pytest.raises(BrokerError, match="answered 307"):
        await transfer_leadership(server.address, "orders", 0, 1)
    assert len(server.asked) == admin.REDIRECTS


async def test_a_leader_on_another_machine_is_left_alone(server: Server) -> None:
    server.answers = [(307, {"Location": "http://192.0.2.1:9644/v1"}, b"")]
    with pytest.raises(BrokerError, match=r"the leader's Admin API at 192.0.2.1:9644 is not on this machine"):
        await transfer_leadership(server.address, "orders", 0, 1)


async def test_nobody_answers(nobody: str) -> None:
    with pytest.raises(BrokerError, match=rf"Redpanda's Admin API at {nobody} does not answer: .*refused"):
        await transfer_leadership(nobody, "orders", 0, 1)


@pytest.fixture
def nobody() -> str:
    server = Server()
    server.close()
    return server.address


@pytest.mark.parametrize(("host", "address"), [("localhost", "localhost:9644"), ("::1", "[::1]:9644")])
def test_its_usual_address(host: str, address: str) -> None:
    assert admin.address_of(host) == address
