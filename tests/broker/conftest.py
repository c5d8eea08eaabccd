"""Helpers for the broker's tests: temporary files of a test's own, a Maven repository on loopback, ended processes."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from ackdrop.broker import jars
from ackdrop.broker.jars import Jar, Pin


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, here and in child processes; empty, and the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


Gone = Callable[..., None]


@pytest.fixture
def gone() -> Gone:
    """Waits until all processes with these ids have ended; a zombie that nobody collects has ended too."""

    def wait(*pids: int) -> None:
        deadline = time.monotonic() + 20.0
        while alive := [pid for pid in pids if _lives(pid)]:
            assert time.monotonic() < deadline, f"still there: {alive}"
            time.sleep(0.02)  # they are nobody's children here: their end tells nobody

    return wait


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Repository:
    """A Maven repository: `files` maps a path (`/g/a/1/a-1.jar`) to its bytes, `asked` lists the paths asked for."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, name: str, data: bytes) -> Jar:
        """Publish `com.example:NAME:1`, and give the jar as it would be pinned."""
        self.files[f"/com/example/{name}/1/{name}-1.jar"] = data
        return Jar("com.example", name, "1", hashlib.sha256(data).hexdigest(), len(data))


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository on loopback, to which ACKDROP_MAVEN_REPO points."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            data = there.files.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there = Repository(f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ACKDROP_MAVEN_REPO", there.url)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield there
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; the jars are in its folder `jars`."""
    monkeypatch.setenv("ACKDROP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "jars"


@pytest.fixture
def two_jars(repository: Repository, cache: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Jar, Jar]:
    """A pinned set of two published jars instead of Kafka's."""
    pair = repository.publish("one", b"1" * 100_000), repository.publish("two", b"2" * 300_000)
    monkeypatch.setattr(jars, "pinned", lambda: Pin("4.3.1", pair))
    return pair
