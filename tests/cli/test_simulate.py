"""`ackdrop scenario simulate`, on recordings made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ackdrop.cli.scenario import scenario as verbs
from ackdrop.errors import UsageError
from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.events import FORMAT
from ackdrop.observations import Changed, Reached

SCENARIO = """\
version: 1
faults:
  - {name: lose it, at: AT, when: {nth: 2}, do: {drop: {}}}
"""


def frame(number: int, side: str = "response") -> Reached:
    place = f"produce.{side}"
    entries = (("t-1f", 0, -1, 1, number, 1, 90),)
    return Reached(
        float(number), place, "produce", 7, side, "me", 1, -1, False, number, -1, None, entries, number - 1.0
    )


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Path]:
    def make(*frames: Reached | Changed, faults: tuple[str, ...] = ("any",), limit: int = 1 << 20) -> Path:
        folder = tmp_path / "run"
        with Ledger.create(folder, limits=Limits(events=limit)) as ledger:
            arm = ledger.arm("off", False, faults, topic_suffix="-1f")
            for each in frames:
                arm.put([each])
                ledger.flush()
        return folder

    return make


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., Result]:
    def run(folder: Path, *more: str, at: str = "produce.response") -> Result:
        file = tmp_path / "mine.yaml"
        file.write_text(SCENARIO.replace("AT", at))
        return CliRunner().invoke(verbs, ["simulate", str(file), str(folder), *more])

    return run


def test_it_shows_what_would_have_been_hit(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    result = simulate(recording(*map(frame, (1, 2, 3))))
    assert result.exit_code == 0
    assert result.output == (
        "arm off\n  fault    matched  fired  at\n  lose it        3      1  1.000 s, connection 1, request 2: t/0\n"
    )


def test_as_json(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    (arm,) = json.loads(simulate(recording(*map(frame, (1, 2, 3))), "--json").output)["arms"]
    (fault,) = arm["faults"]
    assert (arm["lacking"], fault["matched"], fault["fired"]) == ([], 3, 1)
    assert fault["at"] == [
        {
            **{"elapsed": 1.0, "connection": 1, "correlation_id": 2, "client_id": "me"},
            **{"topic": "t", "partition": 0, "n": 2},
        }
    ]


@pytest.mark.parametrize("at", ["metadata.response", "produce.request", "'*.request'"])
def test_a_place_that_was_never_reached(
    recording: Callable[..., Path], simulate: Callable[..., Result], at: str
) -> None:
    result = simulate(recording(*map(frame, (1, 2, 3))), at=at)
    assert result.exit_code == 3
    assert "The recording lacks something: it has no " in result.output


def test_a_run_without_faults(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    result = simulate(recording(faults=()))
    assert result.exit_code == 3
    assert "frames are recorded only where a run has faults" in result.output


def change(at: float, what: str, fault: str = "lose it") -> Changed:
    return Changed(at, fault, what, "control", None, at - 1.0)  # type: ignore[arg-type]


def test_a_fault_is_asked_while_it_was_armed(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    """The 1st frame is counted, the 2nd and 3rd are not; the 4th is the second one; the 5th comes after a reset."""
    first, *rest = map(frame, (1, 2, 3, 4, 5))
    frames = [first, change(1.5, "disarmed"), *rest[:2], change(3.5, "armed"), rest[2], change(4.5, "reset"), rest[3]]
    (fault,) = json.loads(simulate(recording(*frames, faults=("lose it", "any")), "--json").output)["arms"][0]["faults"]
    assert (fault["matched"], [one["correlation_id"] for one in fault["at"]]) == (3, [4])


def test_a_fault_that_came_later_is_asked_from_then_on(
    recording: Callable[..., Path], simulate: Callable[..., Result]
) -> None:
    first, second, *rest = map(frame, (1, 2, 3, 4))
    result = simulate(recording(first, second, change(2.5, "added"), *rest), "--json")
    (fault,) = json.loads(result.output)["arms"][0]["faults"]
    assert (result.exit_code, fault["matched"], fault["at"][0]["correlation_id"]) == (0, 2, 4)


def test_a_fault_that_the_scenario_lacks(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    result = simulate(recording(frame(1), change(1.5, "added", "another"), frame(2)))
    assert result.exit_code == 3
    assert 'the run was given faults while it went on that are not in this scenario: "another"' in result.output


def test_a_time_without_any_fault(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    result = simulate(recording(frame(1), change(1.5, "disarmed", "any"), change(2.5, "armed", "any"), frame(3)))
    assert result.exit_code == 3
    assert "frames are recorded only while a fault is armed" in result.output


def test_an_older_recording(tmp_path: Path, simulate: Callable[..., Result]) -> None:
    (tmp_path / "events.jsonl").write_text('{"event":"arm","arm":"off","idempotence":false,"faults":["any"]}\n')
    result = simulate(tmp_path)
    assert result.exit_code == 3
    assert "an older version of ackdrop recorded it" in result.output


@pytest.mark.parametrize("older", [2, 3])
def test_a_recording_of_an_older_format(
    recording: Callable[..., Path], simulate: Callable[..., Result], older: int
) -> None:
    folder = recording(*map(frame, (1, 2, 3)))
    lines = (folder / "events.jsonl").read_text()
    (folder / "events.jsonl").write_text(lines.replace(f'"format":{FORMAT}', f'"format":{older}'))
    assert f'"format":{older}' in (folder / "events.jsonl").read_text()
    result = simulate(folder)
    assert (result.exit_code, "lose it        3      1  1.000 s" in result.output) == (0, True)


def test_a_recording_that_was_cut(recording: Callable[..., Path], simulate: Callable[..., Result]) -> None:
    result = simulate(recording(*map(frame, range(1, 30)), limit=2000))
    assert result.exit_code == 3
    assert "frames were let go for its size" in result.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "holds no events.jsonl"),
        ("", "holds no arm"),
        ("{\n", "cannot be understood"),
        ("[]\n", "cannot be understood"),
        ('{"event":"frame","arm":"off"}\n', "cannot be understood"),
        ('{"event":"arm","arm":"off","faults":["x"]}\n{"event":"passed","arm":"off"}\n', "cannot be understood"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, simulate: Callable[..., Result], content: str | None, says: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if content is not None:
        (folder / "events.jsonl").write_text(content)
    error = simulate(folder).exception
    assert isinstance(error, UsageError)
    assert says in error.message
