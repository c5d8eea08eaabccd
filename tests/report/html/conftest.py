"""What the tests of the HTML report share: chains of attempts, and a run's folder with a small ledger."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import strategies as st

from ackdrop.ledger import Ledger
from ackdrop.observations import Acked, Answered, Attempt, ConnectionOpened, Decided, Forwarded
from ackdrop.report.finished import Finished
from ackdrop.result import AttemptLine, Finding, Place, RunResult

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>\u202egnp.exe' + "x" * 250
"""A name that runs where it is not escaped, turns text around, and is longer than any line."""

FIRST = AttemptLine(
    at=0.857, connection=2, correlation_id=9, topic="orders", partition=0, producer_id=-1, producer_epoch=-1,
    base_sequence=-1, records=1, crc=77, base_offset=2, error=None, ack="dropped", number=3, answered_at=0.861,
    acked_at=0.862, fault="lose the third ack",
)  # fmt: skip
AGAIN = dataclasses.replace(
    FIRST, at=3.966, connection=3, base_offset=3, ack="delivered", number=4, retry_of=3, answered_at=3.969,
    acked_at=3.9691, fault=None,
)  # fmt: skip

ATTEMPT = Attempt(
    number=1, at=100.0, connection=1, correlation_id=1, client_id="app", software="kafka-python 3.0.12", api_version=7,
    acks=-1, transactional_id=None, topic="orders", partition=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
    records=1, crc=0xFFFF_FFFF, size=120, retry_of=None, tries=1, ambiguous=False,
)  # fmt: skip


def chain(*lines: AttemptLine, kind="duplicate", cause="retry-unprotected", fault="lose the third ack", **more):
    offsets = [line.base_offset for line in lines if line.base_offset is not None and line.base_offset >= 0]
    places = [Place("orders", 0, offset) for offset in offsets]
    return dataclasses.replace(Finding(kind, cause, "p1/2", places, fault, list(lines)), **more)


def seen(number: int, *, ack: str | None = "delivered", fault: str | None = None, late=0.0, **changes):
    """What is observed of one attempt: 10 ms after the last one, answered after 4 ms. `ack` None: no answer."""
    at = 100.0 + number / 100
    attempt = dataclasses.replace(ATTEMPT, number=number, correlation_id=number, **{"at": at, **changes})
    facts: list[object] = [attempt, Forwarded(attempt.at + 0.001, number)]
    if fault is not None:
        facts.append(
            Decided(attempt.at + 0.004, fault, attempt.connection, number, "app", attempt.topic, 0, 1, True, "drop",
                    True, number)
        )  # fmt: skip
    if ack is not None:
        error = 0 if ack in ("delivered", "delayed") else None
        facts.append(Answered(attempt.at + 0.004, number, 0, number - 1))
        facts.append(Acked(attempt.at + 0.004 + late, number, ack, error))
    return facts


def write_ledger(folder: Path, arms: dict[str, Sequence[object]]) -> None:
    with Ledger.create(folder) as ledger:
        for name, facts in arms.items():
            writer = ledger.arm(name, name == "on", ["lose the third ack"])
            writer.put([ConnectionOpened(99.9, link, 0, "127.0.0.1:5000") for link in (1, 2)])
            writer.put(facts)


def lost_ack() -> list[object]:
    """Twelve attempts: the third one's ack is dropped, and two seconds later it is sent again."""
    facts = [
        fact for n in range(1, 4) for fact in seen(n, **({"ack": "dropped", "fault": "lose it"} if n == 3 else {}))
    ]
    facts += seen(4, at=102.1, connection=2, retry_of=3, tries=2)
    return facts + [fact for n in range(5, 13) for fact in seen(n, at=102.1 + n / 100, connection=2)]


@pytest.fixture
def make_chain() -> Callable[..., Finding]:
    return chain


@pytest.fixture
def attempts() -> tuple[AttemptLine, AttemptLine]:
    """An attempt whose ack was dropped, and its retry."""
    return FIRST, AGAIN


@pytest.fixture
def facts() -> Callable[..., list[object]]:
    return seen


@pytest.fixture
def wire_of(tmp_path: Path):
    """The arm's wire as a ledger gives it back."""

    def make(facts: Sequence[object]):
        write_ledger(tmp_path / "wire", {"off": facts})
        return Ledger.open(tmp_path / "wire").wire("off")

    return make


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[RunResult], Finished]:
    """The result with a folder: its ledger has a lost ack and a retry in both arms, its scenario two lines."""

    def keep(result: RunResult) -> Finished:
        folder = tmp_path / "run"
        write_ledger(folder, {arm.name: lost_ack() for arm in result.arms})
        (folder / "scenario.yaml").write_text("version: 1\ntitle: <b>It & that</b>\n", encoding="utf-8")
        return Finished(result, folder)

    return keep


@pytest.fixture
def hostile() -> str:
    return HOSTILE


@pytest.fixture
def parsed() -> Callable[[str], ET.Element]:
    """The SVG as a tree: it is well-formed XML."""
    return lambda svg: ET.fromstring(str(svg))


_NAMES = st.one_of(st.text(max_size=20), st.just(HOSTILE), st.just("lose the third ack of the second producer"))
_MOMENTS = st.floats(0, 100)
_ERRORS = st.sampled_from([None, None, None, "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND"])
_LINES = st.builds(
    AttemptLine,
    at=_MOMENTS,
    connection=st.integers(0, 10**6),
    correlation_id=st.integers(0, 2**31),
    topic=st.one_of(st.just("orders"), _NAMES),
    partition=st.integers(0, 2),
    producer_id=st.sampled_from([-1, 0, 7, 2**62]),
    producer_epoch=st.integers(0, 2**15 - 1),
    base_sequence=st.sampled_from([0, 1, 2**31 - 1]),
    records=st.sampled_from([1, 2, 500]),
    crc=st.integers(0, 2),
    base_offset=st.sampled_from([None, -1, 0, 2, 3, 2**62]),
    error=_ERRORS,
    ack=st.sampled_from(["delivered", "dropped", "withheld", "delayed", "none"]),
    number=st.integers(0, 12),
    acks=st.sampled_from([-1, 1, 0]),
    retry_of=st.one_of(st.none(), st.integers(0, 12)),
    answered_at=st.one_of(st.none(), _MOMENTS),
    acked_at=st.one_of(st.none(), _MOMENTS),
    fault=st.one_of(st.none(), _NAMES),
    injected=st.booleans(),
)


def _findings(lines: list[AttemptLine]) -> st.SearchStrategy[Finding]:
    kinds = ["duplicate", "deduplicated", "lost", "out_of_order", "unacked_present", "phantom", "offset_mismatch"]
    return st.builds(
        Finding,
        kind=st.sampled_from(kinds),
        cause=st.sampled_from([None, "injected", "ambiguous"]),
        record=_NAMES,
        places=st.lists(st.builds(Place, _NAMES, st.integers(0, 2), st.integers(0, 5)), max_size=3),
        fault=st.one_of(st.none(), _NAMES),
        attempts=st.just(sorted(lines, key=lambda line: line.at)),
    )


@pytest.fixture(scope="session")
def any_finding() -> st.SearchStrategy[Finding]:
    """Any finding at all, also such as cannot be."""
    return st.lists(_LINES, min_size=1, max_size=11).flatmap(_findings)
