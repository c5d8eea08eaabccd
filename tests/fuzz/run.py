"""The long version of the fuzzing: `python -m tests.fuzz.run --frames 5000000 --seed 1`, from the repository's root.

It counts frames, and looks at the memory of its process on the way. It stops at the first thing that is wrong, prints
the frame and the seed, and ends with 1; at the end it prints its figures, and ends with 1 where memory grew.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback

import psutil

from ackdrop.core import routing
from ackdrop.packets.apis import BODIES

from . import corpus, targets

SLOW = 2.0
"""Seconds of processor time that one frame may take: it is small."""
GROWTH = 24 << 20
"""Bytes by which the process may grow once it is warm: caches, and what the allocator keeps."""
SCENE = 40
"""Connections on one wire."""


def parsers(draw: random.Random, count: int) -> int:
    """Give so many frames to every parser; every tenth to kafka-python's decoder as well."""
    for number in range(count):
        frame = corpus.frame(draw)
        if draw.random() < 0.9:
            frame = frame._replace(data=corpus.spoilt(draw, frame.data))
        if draw.random() < 0.1:
            frame = frame._replace(api_version=draw.randint(-1, 20), api_key=draw.choice((0, 1, 3, 10, 18, 60, 78)))
        begun = time.thread_time()
        try:
            targets.parsers(frame)
            if number % 10 == 0:
                targets.decoders(frame)
        except Exception:
            _found(frame, traceback.format_exc())
        if time.thread_time() - begun > SLOW:
            _found(frame, f"took more than {SLOW:g} s")
    return count


def packets(draw: random.Random, count: int) -> int:
    """Give so many frames to the scapy layers, most of them spoilt; now and then two of them at once."""
    apis = [request.API for request, _ in BODIES]
    for _ in range(count):
        frame = corpus.frame(draw)
        while frame.api_key not in apis and draw.random() < 0.9:
            frame = corpus.frame(draw)
        if draw.random() < 0.9:
            frame = frame._replace(data=corpus.spoilt(draw, frame.data))
        if draw.random() < 0.1:
            frame = frame._replace(data=frame.data + corpus.frame(draw).data)
        if draw.random() < 0.1:
            frame = frame._replace(api_version=draw.randint(-1, 20), api_key=draw.choice(apis))
        begun = time.thread_time()
        try:
            targets.packets(frame)
        except Exception:
            _found(frame, traceback.format_exc())
        if time.thread_time() - begun > SLOW:
            _found(frame, f"took more than {SLOW:g} s")
    return count


def _found(frame: corpus.Frame, what: str) -> None:
    raise SystemExit(f"{what}\n{frame.kind} of API {frame.api_key} v{frame.api_version}: {frame.data.hex()}")


def connections(draw: random.Random, count: int) -> int:
    """Send so many frames, or a few more, over connections of wires of their own; how many it were.

    What counts as a large answer is smaller here than it is: else none would be.
    """
    done, kept = 0, routing.KEPT_WHOLE
    while done < count:
        routing.KEPT_WHOLE = draw.choice((kept, 50))
        scene = targets.Scene(draw)
        try:
            for _ in range(SCENE):
                scene.play(draw.randint(1, 8))
            scene.end()
        finally:
            routing.KEPT_WHOLE = kept
        done += scene.frames
    return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=["parsers", "connections", "packets"], default="parsers")
    given = parser.parse_args()
    run = {"parsers": parsers, "connections": connections, "packets": packets}[given.target]
    draw = random.Random(given.seed)
    process, begun, done, warm = psutil.Process(), time.monotonic(), 0, 0
    portion = max(given.frames // 20, 1)
    while done < given.frames:
        done += run(draw, min(portion, given.frames - done))
        memory = process.memory_info().rss
        warm = warm or (memory if done * 5 >= given.frames else 0)
        print(f"{done:>10,} frames  {time.monotonic() - begun:7.1f} s  {memory / 2**20:7.1f} MiB", flush=True)
    grown = process.memory_info().rss - warm
    print(
        f"{given.target}, seed {given.seed}: {done:,} frames, no crash, {grown / 2**20:+.1f} MiB since a fifth of them"
    )
    return int(grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
