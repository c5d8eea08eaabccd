"""A scenario's files, changed while the proxy runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FAULT = "  - {name: NAME, at: produce.response, when: {nth: N}, do: {drop: {}}}\n"


def scenario(*faults: tuple[str, int], before: str = "") -> str:
    listed = [FAULT.replace("NAME", name).replace("nth: N", f"nth: {nth}") for name, nth in faults]
    return "".join(["version: 1\n", before, "faults:\n", *listed])


@pytest.fixture
def watched(tmp_path: Path, begin: Any) -> Any:
    """A proxy whose scenario lies in `mine.yaml`, with a part beside it."""
    (tmp_path / "part.yaml").write_text(scenario(("shared", 1)))
    file = tmp_path / "mine.yaml"
    file.write_text(scenario(("lose it", 3), before="include: part.yaml\n"))
    running = begin("--control", "127.0.0.1:0", "--scenario", str(file))
    running.file = file
    return running


def nth(proxy: Any) -> dict[str, int]:
    return {one["state"]["name"]: one["entry"]["when"]["nth"] for one in proxy.client().get("/v1/faults")}


def test_a_change_is_taken_and_kept(watched: Any) -> None:
    watched.file.write_text(scenario(("lose it", 4), ("another", 9), before="include: part.yaml\n"))
    watched.wait_for("mine.yaml was changed: its faults are taken (new: another; changed: lose it)")
    assert nth(watched) == {"shared": 1, "lose it": 4, "another": 9}
    state = watched.client().get("/v1/state")
    assert state["about"]["scenario"]["revision"] == 2
    assert [one["text"] for one in state["snapshot"]["recent"] if one["kind"] == "change"] == [
        "removed by a change of the scenario's file",
        "added by a change of the scenario's file",
        "added by a change of the scenario's file",
    ]
    kept = watched.folder / state["about"]["folder"] / "scenario.2.yaml"
    assert "another" in kept.read_text()


def test_editors_put_a_new_file_in_the_place_of_the_old_one(watched: Any) -> None:
    fresh = watched.file.with_suffix(".new")
    fresh.write_text(scenario(("lose it", 5)))
    os.replace(fresh, watched.file)
    watched.wait_for("its faults are taken (changed: lose it; gone: shared)")
    assert nth(watched) == {"lose it": 5}


def test_a_part_is_watched_too(watched: Any) -> None:
    watched.file.with_name("part.yaml").write_text(scenario(("shared", 2)))
    watched.wait_for("its faults are taken (changed: shared)")
    assert nth(watched)["shared"] == 2


def test_a_broken_edit_is_refused_with_its_errors_and_the_old_one_stays(watched: Any) -> None:
    watched.file.write_text(scenario(("lose it", 4)).replace("nth: 4", "nht: 4, first: x"))
    watched.wait_for("mine.yaml was changed and is not valid, so the faults stay as they are:")
    watched.wait_for("unknown key 'nht'")
    watched.wait_for("faults[0].when.first: ")
    assert nth(watched) == {"shared": 1, "lose it": 3}
    refused = watched.client().get("/v1/state")["about"]["scenario"]["refused"]
    assert [error.splitlines()[0].partition(": ")[0] for error in refused] == [
        f"{watched.file}:3:50",
        f"{watched.file}:3:65",
    ]
    since = len(watched.said)
    watched.file.write_text(scenario(("lose it", 3), before="include: part.yaml\n"))
    watched.wait_for("mine.yaml is valid again; its faults are those that are in force", since)
    assert watched.client().get("/v1/state")["about"]["scenario"]["refused"] == []


@pytest.mark.parametrize("gone", ["mine.yaml", "part.yaml"])
def test_a_file_that_goes_and_comes_back(watched: Any, gone: str) -> None:
    path = watched.file.with_name(gone)
    content = path.read_text()
    path.unlink()
    watched.wait_for("is not valid, so the faults stay as they are:")
    assert nth(watched) == {"shared": 1, "lose it": 3}
    since = len(watched.said)
    path.write_text(content.replace("nth: 3", "nth: 7").replace("nth: 1", "nth: 8"))
    watched.wait_for("its faults are taken", since)


def test_what_was_added_by_hand_is_not_the_files(watched: Any) -> None:
    watched.client().ask("POST", "/v1/faults", b"{name: mine, at: connection, do: {reset: {}}, when: {nth: 99}}")
    watched.file.write_text(scenario(("mine", 1)))
    watched.wait_for('the fault "mine" was added while the proxy ran')
    assert set(nth(watched)) == {"shared", "lose it", "mine"}


def test_a_file_that_means_several_scenarios_is_refused(watched: Any) -> None:
    watched.file.write_text(scenario(("lose it", 3), before="matrix: {acks: [all, 1]}\n"))
    watched.wait_for("it means 2 scenarios now, and one can be in force")


def test_what_set_gave_is_given_again(tmp_path: Path, begin: Any) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(scenario(("lose it", 3), before="variables: {n: 1}\n").replace("nth: 3", "nth: '${n}'"))
    running = begin("--control", "127.0.0.1:0", "--scenario", str(file), "--set", "n=6")
    assert nth(running) == {"lose it": 6}
    file.write_text(file.read_text().replace("lose it", "lose more"))
    running.wait_for("its faults are taken")
    assert nth(running) == {"lose more": 6}


def test_a_pipe_is_read_once_and_not_watched(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "ackdrop", "proxy", "--bootstrap", "127.0.0.1:1", "--listen", "127.0.0.1:0"]
    command += ["--scenario", "/dev/stdin", "--for", "2s", "--no-verify"]
    text = scenario(("lose it", 3))
    done = subprocess.run(command, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "ackdrop listens on" in done.stderr
    assert "is not valid" not in done.stderr
