"""The maintainer's command that renews `jars.json`: `python -m ackdrop.broker.pin [KAFKA_VERSION]`.

It resolves Apache Kafka's server and the logger binding that its jars lack, downloads every jar with `jgo` (which
checks each against the repository's own checksum), and writes coordinates, sizes and SHA-256 sums. An upgrade of the
embedded broker is this one command and the tests after it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .jars import LIST, Jar, pinned, sha256_of

SERVER = "org.apache.kafka:kafka_2.13"
BINDING = "org.apache.logging.log4j:log4j-slf4j-impl"
"""Kafka logs through slf4j 1.7 and brings log4j 2 without the binding between them: no line would ever be logged."""


def _server(context: Any, kafka: str) -> list[Any]:
    """The artifacts that Kafka's server needs at run time, itself included."""
    inputs, others = context.resolver.resolve([context.create_dependency(f"{SERVER}:{kafka}")])
    return [dependency.artifact for dependency in (*inputs, *others) if dependency.scope not in ("test", "provided")]


def _binding(context: Any, server: list[Any]) -> Any:
    """The binding of the server's own log4j version, alone: what it needs is among the server's jars.

    Resolved together, the binding's bill of materials would change the versions of the server's own jars.
    """
    log4j = next(artifact.version for artifact in server if artifact.artifactId == "log4j-core")
    return context.create_dependency(f"{BINDING}:{log4j}").artifact


def _measure(artifact: Any) -> Jar:
    """Download one artifact and take its size and sum."""
    path = Path(artifact.resolve())
    return Jar(artifact.groupId, artifact.artifactId, artifact.version, sha256_of(path), path.stat().st_size)


def collect(kafka: str) -> list[Jar]:
    """Every jar of this Kafka version and of the binding that fits its log4j, sorted by coordinates."""
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory(prefix="ackdrop-pin-") as folder:
        context = MavenContext(repo_cache=Path(folder))
        server = _server(context, kafka)
        with ThreadPoolExecutor(8) as pool:
            jars = list(pool.map(_measure, [*server, _binding(context, server)]))
    return sorted(jars, key=lambda jar: jar.coordinates)


def render(kafka: str, jars: list[Jar]) -> str:
    """The text of `jars.json`: one jar a line, so that an upgrade reads well as a difference."""
    lines = [
        json.dumps({"group": j.group, "artifact": j.artifact, "version": j.version, "size": j.size, "sha256": j.sha256})
        for j in jars
    ]
    return f'{{\n"kafka": {json.dumps(kafka)},\n"jars": [\n' + ",\n".join(lines) + "\n]\n}\n"


def main() -> None:
    """Write the list anew, for the version given or for the one that is pinned now."""
    kafka = sys.argv[1] if len(sys.argv) > 1 else pinned().kafka
    jars = collect(kafka)
    LIST.write_text(render(kafka, jars), encoding="ascii")
    print(f"{LIST}: {len(jars)} jars, {sum(jar.size for jar in jars) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
