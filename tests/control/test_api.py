"""The control API of a proxy that runs: what it tells and does, whom it lets in, and that nothing sent to it hurts."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from ackdrop.control.address import ControlAddress
from ackdrop.control.client import Client
from ackdrop.errors import SurroundingsError, UsageError

SLOW = b"{name: slow, at: connection, do: {latency: {for: 1s}}}"


@pytest.fixture(autouse=True)
def as_before(proxy: Any) -> Any:
    """Every test leaves the one fault of the scenario alone."""
    yield
    for one in proxy.client().get("/v1/faults"):
        if one["state"]["origin"] == "control":
            proxy.client().ask("DELETE", f"/v1/faults/{quote(one['state']['name'], safe='')}")
    proxy.client().ask("POST", "/v1/faults/lose%20it/arm")


def names(proxy: Any) -> list[tuple[str, bool]]:
    return [(one["state"]["name"], one["state"]["armed"]) for one in proxy.client().get("/v1/faults")]


class TestFaults:
    def test_those_of_the_scenario_are_there(self, proxy: Any) -> None:
        (one,) = proxy.client().get("/v1/faults")
        assert one["state"]["said"] == "drop at the answers to produce requests; the 3rd that matches"
        assert (one["state"]["origin"], one["state"]["armed"]) == ("scenario", True)
        assert one["entry"] == {
            "name": "lose it",
            "at": "produce.response",
            "when": {"nth": 3},
            "do": {"drop": {}},
        }

    @pytest.mark.parametrize("text", [SLOW, b'{"name":"slow","at":"connection","do":{"latency":{"for":"1s"}}}'])
    def test_one_is_added_disarmed_armed_reset_and_removed(self, proxy: Any, text: bytes) -> None:
        client = proxy.client()
        added = client.ask("POST", "/v1/faults", text)
        assert [one["state"]["name"] for one in added["faults"]] == ["slow"]
        assert names(proxy) == [("lose it", True), ("slow", True)]
        assert client.ask("POST", "/v1/faults/slow/disarm")["state"]["armed"] is False
        assert client.ask("POST", "/v1/faults/slow/disarm")["state"]["armed"] is False
        assert client.ask("POST", "/v1/faults/slow/arm")["state"]["armed"] is True
        assert client.ask("POST", "/v1/faults/slow/reset")["state"]["matched"] == 0
        assert len(client.ask("POST", "/v1/faults/reset")) == 2
        assert client.ask("DELETE", "/v1/faults/slow") is None
        assert names(proxy) == [("lose it", True)]

    @pytest.mark.parametrize("name", ["a/b", "ä ö", "a/arm", "100%", "?x=1#y", "reset", "..", "a//b", "arm"])
    def test_any_name_can_be_said(self, proxy: Any, name: str) -> None:
        client, path = proxy.client(), f"/v1/faults/{quote(name, safe='')}"
        entry = {"name": name, "at": "connection", "do": {"latency": {"for": "1s"}}}
        client.ask("POST", "/v1/faults", json.dumps(entry).encode())
        assert client.get(path)["state"]["name"] == name
        assert client.ask("POST", f"{path}/disarm")["state"]["armed"] is False
        client.ask("DELETE", path)
        assert names(proxy) == [("lose it", True)]

    def test_what_is_wrong_is_said_as_of_a_file_and_nothing_is_added(self, proxy: Any) -> None:
        text = b"- {name: fine, at: connection, do: {latency: {for: 1s}}}\n- {at: conection, do: {drop: {}}}\n"
        status, _, body = proxy.request("POST", "/v1/faults", text)
        answer = json.loads(body)
        assert status == 422
        assert answer["problems"][0].startswith("fault:2:8: faults[1].at: unknown place 'conection'\n")
        assert answer["error"] == "\n".join(answer["problems"])
        assert names(proxy) == [("lose it", True)]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (b"{at: workload, do: {kill: {}}}", "the producers here are not ackdrop's own"),
            (b"{at: broker, do: {restart: {}}}", "ackdrop did not start this broker"),
            (b"{name: lose it, at: connection, do: {reset: {}}}", "a second fault 'lose it'"),
        ],
    )
    def test_what_cannot_be_done_here_is_refused(self, proxy: Any, text: bytes, says: str) -> None:
        with pytest.raises(UsageError, match=re.escape(says)):
            proxy.client().ask("POST", "/v1/faults", text)

    def test_one_that_another_one_follows_stays(self, proxy: Any) -> None:
        text = b"{name: then, at: produce.response, when: {following: lose it}, do: {drop: {}}}"
        proxy.client().ask("POST", "/v1/faults", text)
        with pytest.raises(UsageError, match='"then" follows "lose it", which would not be there'):
            proxy.client().ask("DELETE", "/v1/faults/lose%20it")

    def test_one_that_is_not_there(self, proxy: Any) -> None:
        for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/arm"), ("POST", "/disarm"), ("POST", "/reset")]:
            status, _, body = proxy.request(method, f"/v1/faults/lose{path}")
            assert (status, json.loads(body)["remedy"]) == (404, 'did you mean "lose it"?')

    def test_one_that_can_do_nothing_is_warned_of(self, proxy: Any) -> None:
        text = b"- {name: a, at: produce.response, do: {drop: {}}}\n- {name: b, at: produce.response, do: {drop: {}}}"
        (warning,) = proxy.client().ask("POST", "/v1/faults", text)["warnings"]
        assert "warning" in warning


class TestTelling:
    def test_the_state(self, proxy: Any) -> None:
        found = proxy.client().get("/v1/state")
        assert found["about"]["bootstrap"] == "127.0.0.1:1"
        assert found["about"]["scenario"]["revision"] == 1
        (listener,) = found["snapshot"]["listeners"]
        assert (listener["node"], listener["address"]) == (-1, found["about"]["listen"])

    def test_connections_are_seen(self, proxy: Any) -> None:
        listen = proxy.client().get("/v1/state")["about"]["listen"]
        before = proxy.client().get("/v1/state")["snapshot"]["connections_total"]
        host, _, port = listen.rpartition(":")
        socket.create_connection((host, int(port))).close()
        assert proxy.client().get("/v1/state")["snapshot"]["connections_total"] >= before

    def test_the_findings_say_what_only_the_end_can_tell(self, proxy: Any) -> None:
        found = proxy.client().get("/v1/findings?last=5")
        assert found["retries"]["retries"] == 0
        assert any("lost" in text for text in found["only_at_the_end"])

    def test_metrics_are_what_prometheus_reads(self, proxy: Any) -> None:
        proxy.client().ask(
            "POST", "/v1/faults", b'{name: "a\\"b\\\\c\\u00e4", at: connection, do: {latency: {for: 1s}}}'
        )
        status, headers, body = proxy.request("GET", "/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        families = {family.name: family for family in text_string_to_metric_families(body.decode())}
        armed = {sample.labels["fault"]: sample.value for sample in families["ackdrop_fault_armed"].samples}
        assert armed == {"lose it": 1.0, 'a"b\\cä': 1.0}
        assert {"ackdrop_frames", "ackdrop_bytes", "ackdrop_retries", "ackdrop_ledger_lag_observations"} <= set(
            families
        )
        added = families["ackdrop_added_latency_seconds"]
        assert added.type == "histogram"
        assert {sample.labels.get("le") for sample in added.samples} >= {"0.001", "60.0", "+Inf"}

    def test_its_description_is_openapi(self, proxy: Any) -> None:
        document = proxy.client().get("/openapi.json")
        validate(document)
        assert {path for path in document["paths"] if path.startswith("/v1/")} == {
            "/v1/state",
            "/v1/findings",
            "/v1/faults",
            "/v1/faults/reset",
            "/v1/faults/{name}",
            "/v1/faults/{name}/arm",
            "/v1/faults/{name}/disarm",
            "/v1/faults/{name}/reset",
        }
        for path, methods in document["paths"].items():
            for operation in methods.values():
                assert operation["description"]
                assert ("security" in operation) == path.startswith("/v1/")

    def test_a_fault_is_described_as_the_language_of_scenarios_has_it(self, proxy: Any) -> None:
        document = proxy.client().get("/openapi.json")
        content = document["paths"]["/v1/faults"]["post"]["requestBody"]["content"]
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        described = jsonschema.Draft202012Validator(schema)
        assert described.is_valid({"at": "connection", "when": {"nth": 3}, "do": {"latency": {"for": "1s"}}})
        assert described.is_valid([])
        for wrong in (
            {"at": "conection", "do": {"latency": {"for": "1s"}}},
            {"at": "connection", "do": {"latency": {"for": "1"}}},
            {"at": "connection", "do": {}},
            {"at": "connection", "do": {"reset": {}}, "when": {"nth": "${n}"}},
        ):
            assert not described.is_valid(wrong)

    def test_what_a_path_does_not_do_is_said_with_what_it_does(self, proxy: Any) -> None:
        status, headers, _ = proxy.request("PUT", "/v1/state")
        assert (status, headers["allow"]) == (405, "GET")


class TestWhoMayAsk:
    @pytest.mark.parametrize("token", [None, "", "wrong", "Bearer", "x" * 10_000, "\xe4\xff"])
    def test_without_the_token_nothing_is_told_and_nothing_done(self, proxy: Any, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        for method, path in [
            ("GET", "/v1/state"),
            ("GET", "/v1/faults"),
            ("GET", "/openapi.json"),
            ("GET", "/nothing"),
            ("DELETE", "/v1/faults/lose%20it"),
            ("POST", "/v1/faults/lose%20it/disarm"),
        ]:
            status, told, _ = proxy.request(method, path, **{"Authorization": "", **headers})
            assert (status, told["www-authenticate"]) == (401, "Bearer")
        assert names(proxy) == [("lose it", True)]

    def test_a_token_that_only_begins_like_it_is_none(self, proxy: Any) -> None:
        for token in (proxy.token[:-1], proxy.token + "x", proxy.token.swapcase()):
            status, _, _ = proxy.request("GET", "/v1/state", Authorization=f"Bearer {token}")
            assert status == 401
        assert proxy.request("GET", "/v1/state", Authorization=f"bearer  {proxy.token} ")[0] == 200

    def test_health_and_metrics_need_none(self, proxy: Any) -> None:
        for path in ("/health", "/metrics"):
            assert proxy.request("GET", path, Authorization="")[0] == 200

    @pytest.mark.parametrize(
        "host", ["evil.test", "evil.test:9191", "127.0.0.1.evil.test", "[::2]:1", "localhost.evil"]
    )
    def test_a_page_that_leads_its_own_name_to_loopback_is_told_nothing(self, proxy: Any, host: str) -> None:
        for path in ("/health", "/metrics", "/v1/state"):
            assert proxy.request("GET", path, Host=host)[0] == 421

    def test_a_body_that_is_too_large(self, proxy: Any) -> None:
        status, _, body = proxy.request("POST", "/v1/faults", b"#" * 200_000)
        assert (status, json.loads(body)["error"]) == (413, "more than 128 KiB")

    def test_the_token_is_shown_to_nobody_else(self, proxy: Any) -> None:
        assert proxy.token_file is not None
        assert proxy.token_file.stat().st_mode & 0o777 == 0o600
        assert not any(proxy.token in line for line in proxy.said)
        for path in (proxy.folder / "runs").rglob("*"):
            if path.is_file():
                assert proxy.token.encode() not in path.read_bytes()

    def test_nobody_listens_any_more_where_it_has_ended(self, proxy: Any) -> None:
        with socket.socket() as gone:
            gone.bind(("127.0.0.1", 0))
            address = ControlAddress("127.0.0.1", gone.getsockname()[1])
            with pytest.raises(SurroundingsError, match="no control API answers"):
                Client(address, None).get("/health")


WORDS = st.sampled_from(
    ["", "v1", "faults", "state", "findings", "lose it", "arm", "disarm", "reset", "..", "%", "\x00", "é", "?last=-1"]
)
PATHS = st.lists(WORDS | st.text(max_size=8), max_size=5).map("/".join)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(["1s", "drop"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "at", "do", "when", "match", "nth", "drop", "delay", "for", "faults", "version"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=300) | TREES.map(lambda tree: json.dumps(tree).encode()) | st.just(b"[" * 2000)

ODD = [
    *(b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"Host: x\r\n", b"\r\n\r\n", b"\x00" * 9),
    *(b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"ffffffff\r\n"),
    *(b"Content-Length: -1\r\n", b"Upgrade: h2c\r\n", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
]


class TestFuzz:
    """Whatever comes: an answer that the description knows, no error of ours, and the proxy goes on."""

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]), path=PATHS, body=BODIES
    )
    @example("POST", "v1/faults", b"{at: produce.response, do: {drop: {}}}")
    def test_any_request(self, proxy: Any, method: str, path: str, body: bytes) -> None:
        status, headers, answer = proxy.request(method, "/" + quote(path, safe="/?=&%"), body)
        assert status in (200, 201, 204, 307, 400, 404, 405, 413, 422), (status, answer)
        if status >= 400 and method != "HEAD":
            assert set(json.loads(answer)) == {"error", "remedy", "problems"}, (status, headers, answer)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=BODIES)
    def test_any_fault(self, proxy: Any, body: bytes) -> None:
        status, _, answer = proxy.request("POST", "/v1/faults", body)
        assert status in (201, 422), answer
        json.loads(answer)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.binary(max_size=60) | st.sampled_from(ODD),
            max_size=8,
        )
    )
    def test_any_bytes(self, proxy: Any, parts: list[bytes]) -> None:
        """A server may wait for the rest of what has begun; its client goes then."""
        with socket.create_connection((proxy.address.host, proxy.address.port), timeout=0.2) as sock:
            try:
                sock.sendall(b"".join(parts))
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except (ConnectionError, TimeoutError):
                pass
        assert proxy.client().get("/health")["status"] == "ok"


class TestMetricsAlone:
    """`--metrics`: what anybody may see, by whatever name they call this machine, and nothing that changes anything."""

    def ask(self, begin: Any, *arguments: str) -> tuple[Any, Any]:
        running = begin("--control", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *arguments)
        found = re.search(r"metrics at http://(\S+):(\d+)/metrics", "\n".join(running.said))
        assert found is not None
        return running, http.client.HTTPConnection(found[1], int(found[2]), timeout=10)

    def test_health_and_metrics_and_nothing_else(self, begin: Any) -> None:
        running, window = self.ask(begin)
        answers = {}
        paths = ("/health", "/metrics", "/v1/state", "/v1/faults", "/openapi.json", "/docs")
        for method, path in [("GET", path) for path in paths] + [("POST", "/health"), ("POST", "/v1/faults")]:
            window.request(method, path, headers={"Host": "proxy-0.kafka.svc:9192"})
            answer = window.getresponse()
            answers[method, path] = answer.status
            text = answer.read().decode()
            if path == "/metrics" and answer.status == 200:
                assert "ackdrop_connections_open 0.0" in text
        window.close()
        assert {asked for asked, status in answers.items() if status == 200} == {
            ("GET", "/health"),
            ("GET", "/metrics"),
        }
        assert set(answers.values()) == {200, 404, 405}
        assert running.request("GET", "/v1/state")[0] == 200

    def test_a_port_that_is_taken_is_said_with_its_option(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            command = [sys.executable, "-m", "ackdrop", "proxy", "--bootstrap", "127.0.0.1:1", "--metrics", address]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 4
        assert f"what serves metrics cannot listen on {address}" in done.stderr
        assert "--metrics" in done.stderr
