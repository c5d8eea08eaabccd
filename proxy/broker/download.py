"""Downloads the jars that the cache lacks, several at once, checked before they are put in their place.

`jgo` knows where jars are published and fetches them. What it fetches goes into a private folder inside our cache (its
`repo_cache` setting; the user's `~/.m2` is neither read nor written), is checked against the pinned SHA-256 and only
then moved to its place in one step: two runs that download at once never see half a file of each other's.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import trio

from ..errors import BrokerError
from .jars import Jar, is_sound, sha256_of
from .running import Progress

AT_ONCE = 8
TRIES = 3
BACKOFF = 0.5
"""Seconds before the second try; twice as many before the third."""
SILENCE = 15
"""Seconds without a byte from the repository before a try is given up."""
TICK = 0.1
"""Seconds between two calls of the progress."""
STOPPED_WITHIN = 1.0


class _Stopped(Exception):
    """Raised in a thread whose download nobody waits for any more."""


class _Tally:
    """Bytes that have come, counted by several threads; and how many of these still run."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.running = 0
        self.stopped = False
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        if self.stopped:
            raise _Stopped
        with self._lock:
            self.done += count

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Counts a thread while it runs."""
        with self._lock:
            self.running += 1
        try:
            yield
        finally:
            with self._lock:
                self.running -= 1

    async def stop(self) -> None:
        """End the threads that still run. One that waits for the network is not waited for: it cleans up itself."""
        self.stopped = True
        with trio.CancelScope(shield=True), trio.move_on_after(STOPPED_WITHIN):
            while self.running:  # noqa: ASYNC110  threads cannot set a trio.Event once trio has ended
                await trio.sleep(0.01)


async def download(folder: Path, missing: list[Jar], progress: Progress | None) -> None:
    """Fetch these jars into `folder`, the largest first. The first that fails ends them all, as a BrokerError."""
    tally = _Tally(sum(jar.size for jar in missing))
    limiter = trio.CapacityLimiter(AT_ONCE)
    failures: list[BrokerError] = []
    await trio.to_thread.run_sync(_silence_jgo)

    async def one(jar: Jar) -> None:
        async with limiter:
            try:
                await _fetch_with_retries(jar, folder, private, tally)
            except BrokerError as error:
                failures.append(error)
                fetching.cancel_scope.cancel()

    with _private_folder(folder) as private:
        try:
            async with trio.open_nursery() as watching:
                watching.start_soon(_watch, tally, progress)
                async with trio.open_nursery() as fetching:
                    for jar in sorted(missing, key=lambda jar: -jar.size):
                        fetching.start_soon(one, jar)
                watching.cancel_scope.cancel()
        finally:
            await tally.stop()
    if failures:
        raise failures[0]
    if progress:
        progress(tally.total, tally.total)


def _silence_jgo() -> None:
    """Import jgo away from trio's thread, and keep its warnings off the terminal: the pinned hash is what counts."""
    import jgo.maven  # noqa: F401

    logging.getLogger("jgo").addHandler(logging.NullHandler())


async def _watch(tally: _Tally, progress: Progress | None) -> None:
    """Tell the progress how far it is, again and again until cancelled."""
    while progress:
        progress(min(tally.done, tally.total), tally.total)
        await trio.sleep(TICK)


@contextmanager
def _private_folder(folder: Path) -> Iterator[Path]:
    """A folder of this process inside the cache, for what is not yet checked; gone afterwards.

    What a killed process left behind is removed by the next one: the folder's name holds its process id.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(folder)
        private = Path(tempfile.mkdtemp(prefix=f".part-{os.getpid()}-", dir=folder))
    except OSError as error:
        raise BrokerError(
            f"the cache folder {folder} cannot be written: {error.strerror}",
            remedy="make it writable or give another folder with ACKDROP_CACHE",
        ) from error
    try:
        yield private
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _remove_left_behind(folder: Path) -> None:
    for left in folder.glob(".part-*"):
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)


async def _fetch_with_retries(jar: Jar, folder: Path, private: Path, tally: _Tally) -> None:
    """Fetch one jar, again after a hiccup of the network; BrokerError names the jar and what to do."""
    for attempt in range(TRIES):
        await trio.sleep(attempt * BACKOFF)
        try:
            place = private / f"{jar.name}-{attempt}"
            await trio.to_thread.run_sync(_in_thread, jar, folder, place, tally, abandon_on_cancel=True)
            return
        except (OSError, RuntimeError) as error:  # requests raises OSErrors, jgo a RuntimeError for a 404
            problem = " ".join(str(error).split())[:300]
    raise BrokerError(
        f"{jar.coordinates} could not be downloaded: {problem}",
        remedy="the embedded broker's jars are fetched once, from the public Maven repository: check the network"
        " (HTTPS_PROXY is honoured), name a mirror with ACKDROP_MAVEN_REPO, or give a broker of yours with --bootstrap",
    )


def _in_thread(jar: Jar, folder: Path, place: Path, tally: _Tally) -> None:
    """`_fetch`, as a thread that cleans up after itself when it has been abandoned."""
    with tally.thread():
        try:
            _fetch(jar, folder, place, tally)
        finally:
            shutil.rmtree(place.parent if tally.stopped else place, ignore_errors=True)


def _fetch(jar: Jar, folder: Path, place: Path, tally: _Tally) -> None:
    """Download, check and put one jar in its place. OSError or RuntimeError: worth another try."""
    came = 0

    def count(size: int) -> None:
        nonlocal came
        came += size
        tally.add(size)

    try:
        fetched = _resolve(jar, place, count)
        if not is_sound(fetched, jar):
            raise BrokerError(
                f"{jar.coordinates} came with the SHA-256 {sha256_of(fetched)}, and {jar.sha256} is pinned",
                remedy="the file is not the published one: look for a proxy or a mirror that changes files on the way"
                " (HTTPS_PROXY, ACKDROP_MAVEN_REPO), or download through another network",
            )
        fetched.replace(folder / jar.name)
    except (OSError, RuntimeError):
        if not tally.stopped:
            tally.add(-came)
        raise
    count(jar.size - came)


def _resolve(jar: Jar, place: Path, count: Callable[[int], None]) -> Path:
    """Let jgo fetch one jar into the folder `place`; `count` hears of every chunk's size in bytes."""
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def chunks(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield count

    mirror = os.environ.get("ACKDROP_MAVEN_REPO")
    context = MavenContext(
        resolver=PythonResolver(progress_callback=chunks),
        repo_cache=place,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=SILENCE,
    )
    return Path(context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve())
