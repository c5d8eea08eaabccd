"""Redpanda from its image, where a Docker engine answers. Everything goes through the `docker` command line.

The container runs in the foreground of a supervised `docker run`, with a name of its own; the supervisor's last rite is
`docker rm -f -v NAME`, so that the container goes however ackdrop ends; not before, for it may be stopped and started
again. It is advertised as 127.0.0.1 at the very port that is published, so that clients here and Redpanda's own inside
find it by the same address.
"""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import trio

from ..environment import inherited
from .control import OfContainer
from .ports import LOOPBACK, held
from .running import RunningBroker, Say
from .starting import again_where_taken, did_not_start, until_ready
from .supervised import Spec, new_folder, supervised

IMAGE = "redpandadata/redpanda:latest"
"""What Redpanda's own documentation starts; `ACKDROP_REDPANDA_IMAGE` names another."""

ENGINE_WITHIN = 5.0
PULLED_WITHIN = 900.0
READY_WITHIN = 60.0
ADMIN_PORT = 9644
TAKEN = "port is already allocated"
REMEDY = "see that `docker pull` of the image works, or take the embedded broker with --broker embedded"


def image() -> str:
    """The image to run."""
    return os.environ.get("ACKDROP_REDPANDA_IMAGE") or IMAGE


async def why_not() -> str | None:
    """Why Docker cannot be used here, as a clause; None where an engine of this machine answers."""
    code, told = await _docker("version", "--format", "{{.Server.Version}}")
    if code is None:
        return told
    if code != 0:
        return f"the docker client has no engine: {told.partition('. ')[0] or f'exit code {code}'}"
    elsewhere = await _elsewhere()
    return f"Docker's engine is on another machine ({elsewhere})" if elsewhere else None


async def _elsewhere() -> str | None:
    """The engine's address where it is another machine's, whose published ports are not ours."""
    address = os.environ.get("DOCKER_HOST")
    if not address:
        code, told = await _docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        address = told if code == 0 else ""
    host = urlsplit(address).hostname if "://" in address and not address.startswith(("unix:", "npipe:")) else None
    return address if host not in (None, "localhost", LOOPBACK, "::1") else None


async def _docker(*arguments: str) -> tuple[int | None, str]:
    """Ask the docker client: its exit code and the first line it said; None and a clause where it cannot be asked."""
    try:
        with trio.fail_after(ENGINE_WITHIN):
            done = await trio.run_process(
                ["docker", *arguments], capture_stdout=True, capture_stderr=True, check=False, stdin=b""
            )
    except OSError:
        return None, "there is no docker client"
    except trio.TooSlowError:
        return None, f"the docker client did not answer within {ENGINE_WITHIN:g} s"
    said = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")
    return done.returncode, said.splitlines()[0] if said else ""


def run_command(name: str, port: int, admin: int, which: str) -> list[str]:
    """The `docker run` of one Redpanda that listens on 127.0.0.1:`port`, its Admin API on 127.0.0.1:`admin`.

    `dev-container` makes it small, but also acknowledges before the data is safe; that part is taken back, for lost
    records would be blamed on the fault under test.
    """
    return [
        *("docker", "run", "--name", name, "--label", "ackdrop", "--pull", "never"),
        *("--publish", f"{LOOPBACK}:{port}:{port}", "--publish", f"{LOOPBACK}:{admin}:{ADMIN_PORT}"),
        which,
        *("redpanda", "start", "--mode", "dev-container", "--smp", "1", "--memory", "1G"),
        *("--kafka-addr", f"0.0.0.0:{port}", "--advertise-kafka-addr", f"{LOOPBACK}:{port}"),
        *("--set", "redpanda.write_caching_default=false", "--unsafe-bypass-fsync=false"),
    ]


async def commands(name: str, port: int, admin: int) -> list[list[str]]:
    """Pull the image where it is not here yet, then run it."""
    which = image()
    code, _ = await _docker("image", "inspect", "--format", "{{.Id}}", which)
    pull = [] if code == 0 else [["docker", "pull", "--quiet", which]]
    return [*pull, run_command(name, port, admin, which)]


@asynccontextmanager
async def broker(say: Say) -> AsyncIterator[RunningBroker]:
    """A Redpanda of our own in a container; gone at the end of the block, and however else ackdrop ends.

    The caller has asked `why_not` before. Raises BrokerError with its last lines when it does not start.
    """
    async with AsyncExitStack() as stack:
        yield await again_where_taken(functools.partial(_start, stack, say))


async def _start(stack: AsyncExitStack, say: Say) -> RunningBroker:
    """One start. What must be undone at the end goes onto the stack, where it succeeds, and is undone where not."""
    name = f"ackdrop-redpanda-{secrets.token_hex(4)}"
    with held(2) as (port, admin):
        pass  # the engine's own bind does not get past a held port
    steps = await commands(name, port, admin)
    if len(steps) > 1:
        say(f"Pulling {image()}, once ...")
    spec = Spec(
        folder=str(new_folder()),
        files={},
        commands=steps,
        environment=inherited(),
        grace=10.0,
        rites=[["docker", "rm", "--force", "--volumes", name]],
    )
    async with AsyncExitStack() as undo:
        child = await undo.enter_async_context(supervised(spec))
        problem = await until_ready(child, port, before=PULLED_WITHIN, within=READY_WITHIN)
        if problem is not None:
            raise did_not_start(f"{image()} in Docker", problem, child, taken=TAKEN, remedy=REMEDY)
        stack.push_async_exit(undo.pop_all())
    note = f"{image()} was started for this run, with an empty log; it syncs before it acknowledges."
    return RunningBroker(
        f"{LOOPBACK}:{port}",
        "docker",
        child.log_file,
        [note],
        admin=f"{LOOPBACK}:{admin}",
        control=OfContainer(name, port),
    )
