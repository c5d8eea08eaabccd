"""What does a capture cost the relay? The same load with and without one: CPU of the event loop, and how late it is.

    python tests/bench/capture_load.py                 # 100,000 frames at 8,000 a second
    python tests/bench/capture_load.py --rate 0        # as fast as they go

A client sends produce requests of one record of 1 KiB over four connections, a broker that is none answers each; both
are processes of their own, as is the proxy in between: nothing but the relay, the core, and a capture where there is
one. Within its event loop a timer asks to be woken every millisecond, and writes down how late it was. Half of the
frames are requests, half are answers; each is captured on both sides. Everything is on loopback. It ends with 1 where
the capture lacks anything.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import trio

from ackdrop.capture.writing.writer import Capture, CaptureSettings
from ackdrop.faults.engine import Engine
from ackdrop.relay import Proxy, ProxySettings

CONNECTIONS = 4
TICK = 0.001


def request(correlation_id: int) -> bytes:
    """A Produce v3 request with a record of 1 KiB."""
    value = b"v" * 1024
    record = b"\0\0\0\1" + struct.pack(">BB", 0x80, 0x10) + value + b"\0"
    sealed = struct.pack(">hiqqqhii", 0, 0, 1, 1, -1, -1, -1, 1) + struct.pack(">BB", 0x8E, 0x10) + record
    tail = struct.pack(">iBI", -1, 2, correlation_id) + sealed
    batch = struct.pack(">qi", 0, len(tail)) + tail
    body = struct.pack(">hhiih", -1, -1, 1000, 1, 1) + b"t" + struct.pack(">iii", 1, 0, len(batch)) + batch
    head = struct.pack(">hhih", 0, 3, correlation_id, -1)
    return struct.pack(">i", len(head) + len(body)) + head + body


def answer(correlation_id: int) -> bytes:
    body = struct.pack(">iih", correlation_id, 1, 1) + b"t" + struct.pack(">iihqqi", 1, 0, 0, correlation_id, -1, 0)
    return struct.pack(">i", len(body)) + body


def broker(listening: socket.socket) -> None:
    """Answers whatever is produced; ends with its process."""
    while True:
        sock, _ = listening.accept()
        threading.Thread(target=_answer, args=(sock,), daemon=True).start()


def _answer(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = sock.makefile("rb")
    while head := reader.read(12):
        size, _, _, correlation_id = struct.unpack(">ihhi", head)
        reader.read(size - 8)
        sock.sendall(answer(correlation_id))


def client(address: tuple[str, int], requests: int, rate: float) -> None:
    """Sends so many requests in all, `rate` a second (0: as many as go), at most 20 unanswered on a connection."""
    each = requests // CONNECTIONS
    threads = [threading.Thread(target=_send, args=(address, each, rate / CONNECTIONS)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(address: tuple[str, int], requests: int, rate: float) -> None:
    with socket.create_connection(address) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, begun, size = sock.makefile("rb"), time.monotonic(), len(answer(0))
        for number in range(requests):
            if rate and (wait := begun + number / rate - time.monotonic()) > 0:
                time.sleep(wait)  # they go at this rate
            sock.sendall(request(number))
            if number >= 20:
                reader.read(size)
        reader.read(size * min(20, requests))


async def relay(upstream: tuple[str, int], capture: str | None) -> None:
    """The proxy, until its standard input ends; it tells its address, and then the figures, as lines of JSON."""
    late: list[float] = []
    engine = Engine((), seed=0, arm="bench")
    made = None if capture is None else Capture(CaptureSettings(Path(capture), size=1 << 40))
    proxy = Proxy(ProxySettings((upstream,)), engine, lambda seen: None, tap=made and made.tap("bench"))
    async with trio.open_nursery() as nursery:
        address = await nursery.start(proxy.serve)
        print(json.dumps(address), flush=True)
        begun = time.thread_time()
        nursery.start_soon(_tick, late)
        await trio.to_thread.run_sync(sys.stdin.read)
        spent = time.thread_time() - begun
        nursery.cancel_scope.cancel()
    begun = time.monotonic()
    if made is not None:
        made.close()
    late.sort()
    figures = {
        "loop": spent,
        "all": sum(psutil.Process().cpu_times()[:2]),
        "late": [late[int(len(late) * part)] * 1e3 for part in (0.5, 0.99, 0.999)] + [late[-1] * 1e3],
        "memory": psutil.Process().memory_info().rss / 1e6,
        "behind": time.monotonic() - begun,
        "packets": made.written if made else 0,
        "missing": made.missing if made else 0,
    }
    print(json.dumps(figures), flush=True)


async def _tick(late: list[float]) -> None:
    while True:
        due = trio.current_time() + TICK
        await trio.sleep_until(due)
        late.append(trio.current_time() - due)


def measure(frames: int, rate: float, capture: Path | None) -> dict[str, float | list[float]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        standing = multiprocessing.Process(target=broker, args=(listening,), daemon=True)
        standing.start()
        command = [sys.executable, __file__, "--relay", str(listening.getsockname()[1])]
        command += [] if capture is None else ["--capture", str(capture)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
            assert proxy.stdin is not None
            assert proxy.stdout is not None
            host, _, port = json.loads(proxy.stdout.readline()).rpartition(":")
            begun = time.monotonic()
            sender = multiprocessing.Process(target=client, args=((host, int(port)), frames // 2, rate / 2))
            sender.start()
            sender.join()
            seconds = time.monotonic() - begun
            proxy.stdin.close()
            figures: dict[str, float | list[float]] = json.loads(proxy.stdout.readline())
        standing.terminate()
        standing.join()
    return figures | {"seconds": seconds}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=8000)
    parser.add_argument("--relay", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--capture", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.relay:
        trio.run(relay, ("127.0.0.1", options.relay), options.capture)
        return 0
    print(f"{options.frames:,} frames" + (f", {options.rate:,.0f} a second" if options.rate else ""))
    print(f"{'':>12} {'frames/s':>9} {'loop CPU us/frame':>18} {'all CPU':>8} {'late ms: median':>16}", end="")
    print(f"{'99 %':>7} {'99.9 %':>7} {'most':>7} {'MB':>6} {'packets':>8} {'written after s':>16}")
    missing = 0
    with tempfile.TemporaryDirectory(prefix="ackdrop-capture-") as folder:
        for name, path in (("without", None), ("with", Path(folder) / "capture.pcapng")):
            told = measure(options.frames, options.rate, path)
            median, most99, most999, most = told["late"]  # type: ignore[misc]
            each = [told[word] / options.frames * 1e6 for word in ("loop", "all")]  # type: ignore[operator]
            print(
                f"{name:>12} {options.frames / told['seconds']:9,.0f} {each[0]:18.1f} {each[1]:8.1f} "  # type: ignore[operator]
                f"{median:16.2f} {most99:6.2f} {most999:7.2f} {most:7.2f} {told['memory']:6.0f} {told['packets']:8,} "
                f"{told['behind']:16.2f}"
            )
            missing += int(told["missing"])  # type: ignore[arg-type]
    if missing:
        print(f"the capture lacks {missing:,} bytes")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
