"""The proxies that are compared, each a process of its own on its core, in front of the sink."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import pinned
from .wire import NotThere

TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@latest"
HERE = Path(__file__).parent
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that listens on a port. `pid` None: there is no process, as with `direct`. `let_go`: how many observations
    its ledger has let go; what they would have cost is missing in its figures."""

    port: int
    pid: int | None
    let_go: Callable[[], int] = lambda: 0


Peer = Callable[[int, Sequence[int], Path], AbstractContextManager[Running]]
"""Given the sink's port, the cores that it may use, and a folder of its own. Those that have to be told may be given
the port to listen on, too."""


@contextmanager
def direct(port: int, cores: Sequence[int], folder: Path) -> Iterator[Running]:
    """No proxy at all."""
    yield Running(port, None)


@contextmanager
def haproxy(port: int, cores: Sequence[int], folder: Path, listen: int = 0) -> Iterator[Running]:
    """HAProxy in TCP mode with one thread. Its listening socket is ours, so it listens from the start."""
    program = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise NotThere("no haproxy (try: apt-get install haproxy)")
    with socket.create_server(("127.0.0.1", listen), backlog=4096) as listening:
        (folder / "haproxy.cfg").write_text(
            "global\n  maxconn 5000\n  nbthread 1\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen bench\n  bind fd@{listening.fileno()}\n  server sink 127.0.0.1:{port}\n"
        )
        command = [program, "-db", "-f", folder / "haproxy.cfg"]
        with _process(command, cores, folder, pass_fds=[listening.fileno()]) as process:
            own = listening.getsockname()[1]
            listening.close()
            yield Running(own, process.pid)


def toxiproxy_program() -> str:
    """The one that `TOXIPROXY` names, or that stands in the path, or built from its published module."""
    named = os.environ.get("TOXIPROXY") or shutil.which("toxiproxy-server")
    if named is not None:
        return named
    folder = Path(tempfile.gettempdir()) / "ackdrop-bench-toxiproxy"
    if not (folder / "server").exists():
        go = shutil.which("go")
        if go is None:
            raise NotThere("no toxiproxy-server, and no Go to build it with (try: TOXIPROXY=/path/to/toxiproxy-server)")
        subprocess.run([go, "install", TOXIPROXY], check=True, env={**os.environ, "GOBIN": str(folder)})
    return str(folder / "server")


@contextmanager
def toxiproxy(port: int, cores: Sequence[int], folder: Path, listen: int = 0) -> Iterator[Running]:
    """Toxiproxy with a proxy that has no toxics."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        api = found.getsockname()[1]
    with _process([toxiproxy_program(), "-host", "127.0.0.1", "-port", str(api)], cores, folder) as process:
        wish = {"name": "bench", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{port}"}
        told = _ask(f"http://127.0.0.1:{api}/proxies", json.dumps(wish).encode())
        yield Running(int(told["listen"].rpartition(":")[2]), process.pid)


def _ask(url: str, body: bytes) -> dict[str, str]:
    """Asked until somebody listens: there is no other sign of it."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, body) as answer:
                told: dict[str, str] = json.load(answer)
                return told
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)  # a port that opens tells nobody


def _host(name: str) -> Peer:
    """A peer out of hosts.py."""

    @contextmanager
    def start(port: int, cores: Sequence[int], folder: Path) -> Iterator[Running]:
        command = [sys.executable, "-m", f"{__package__}.hosts", name, str(port)]
        with _process(command, cores, folder, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield Running(json.loads(process.stdout.readline())["port"], process.pid)

    return start


def _ackdrop(scenario: Path | None = None, faults: int = 0) -> Peer:
    """The real `ackdrop proxy`, with its ledger, live counters and log lines; it leaves the log of the sink alone.
    `faults`: so many, each at a topic of its own that nobody writes."""

    @contextmanager
    def start(port: int, cores: Sequence[int], folder: Path) -> Iterator[Running]:
        command = [sys.executable, "-m", "ackdrop", "proxy", "--bootstrap", f"127.0.0.1:{port}", "--no-verify"]
        command += ["--listen", "127.0.0.1:0", "--out", str(folder)]
        if faults:
            (folder / "faults.yaml").write_text(_faults(faults))
        named = folder / "faults.yaml" if faults else scenario
        command += [] if named is None else ["--scenario", str(named)]
        with _process(command, cores, folder, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            line = next((line for line in lines if "listens on" in line), None)
            if line is None:
                raise RuntimeError(f"ackdrop proxy ended: see {folder}")
            reading = threading.Thread(target=lambda: [None for _ in lines])
            reading.start()
            address = line.split("listens on ")[1].split(",")[0]
            try:
                yield Running(int(address.rpartition(":")[2]), process.pid, lambda: _let_go(folder))
            finally:
                process.kill()
                reading.join()

    return start


def _faults(count: int) -> str:
    head = "version: 1\ntitle: Faults elsewhere\nworkload: {records: 1}\ncontrol: none\nfaults:\n"
    return head + "".join(
        f"  - {{name: fault {n}, at: produce.response, match: {{topic: other-{n}}}, do: {{delay: {{for: 1ms}}}}}}\n"
        for n in range(count)
    )


def _let_go(folder: Path) -> int:
    (path,) = folder.glob("*/ledger.db")
    ledger = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(ledger.execute("SELECT coalesce(sum(let_go), 0) FROM arms").fetchone()[0])
    finally:
        ledger.close()


@contextmanager
def _process(
    command: Sequence[object], cores: Sequence[int], folder: Path, **options: object
) -> Iterator[subprocess.Popen[str]]:
    """What it says goes to a file, where no pipe is asked for. It is killed at the end: no report is wanted."""
    with (folder / "said").open("w") as said:
        streams = {"stdout": said, "stderr": said, "stdin": subprocess.DEVNULL, **options}
        with subprocess.Popen(list(map(str, command)), text=True, preexec_fn=pinned(cores), **streams) as process:  # type: ignore[call-overload]
            try:
                yield process
            finally:
                process.kill()


PEERS: dict[str, Peer] = {
    "direct": direct,
    "haproxy": haproxy,
    "toxiproxy": toxiproxy,
    "relay-tcp": _host("tcp"),
    "ackdrop-bare": _host("bare"),
    "ackdrop": _ackdrop(),
    "ackdrop-faults": _ackdrop(HERE / "faults.yaml"),
    "ackdrop-elsewhere": _ackdrop(HERE / "elsewhere.yaml"),
}
USUAL = ["direct", "haproxy", "toxiproxy", "relay-tcp", "ackdrop-bare", "ackdrop", "ackdrop-faults"]


def named(name: str) -> Peer:
    """One of PEERS, or `ackdrop:N`: with N faults at other topics. Raises KeyError."""
    kind, _, count = name.partition(":")
    return _ackdrop(faults=int(count)) if kind == "ackdrop" and count else PEERS[name]


def versions() -> dict[str, str]:
    """What was compared."""
    import trio

    told = {"python": sys.version.split()[0], "trio": trio.__version__}
    for name, command in (
        ("haproxy", ["/usr/sbin/haproxy" if os.path.exists("/usr/sbin/haproxy") else "haproxy", "-v"]),
        ("commit", ["git", "-C", str(HERE), "describe", "--always", "--dirty"]),
        ("toxiproxy", ["go", "version", "-m", toxiproxy_program()]),
    ):
        if shutil.which(command[0]):
            lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
            found = next((line for line in lines if name != "toxiproxy" or "\tmod\t" in line), "unknown")
            told[name] = found.split("\t")[3] if name == "toxiproxy" and "\t" in found else found
    return told
