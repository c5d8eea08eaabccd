"""The supervisor and our end of it: every ending leaves no process and no folder.

The commands here are small Python programs; the same endings with a real broker are in the integration tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import trio

from ackdrop.broker.supervised import Child, Spec, last_lines, new_folder, remove_left_behind, supervised
from ackdrop.environment import inherited

if TYPE_CHECKING:
    from .conftest import Gone

DEADLINE = 20.0
FOREVER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + FOREVER


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-c", program]


def spec(*programs: str, grace: float = 3.0, rites: Sequence[Sequence[str]] = ()) -> Spec:
    return Spec(str(new_folder()), {"name": "text"}, [*map(python, programs)], inherited(), "log", grace, rites)


async def written(child: Child, text: str) -> None:
    """Until the log holds this text."""
    with trio.fail_after(DEADLINE):
        while text not in child.last_words():  # noqa: ASYNC110  another process writes the file
            await trio.sleep(0.01)


async def test_it_makes_the_folder_and_removes_it(temporary: Path, gone: Gone) -> None:
    async with supervised(spec(FOREVER)) as child:
        assert await child.event() == ("started", "0", str(child.pid))
        folder = child.spec.folder
        assert os.path.dirname(folder) == str(temporary)
        assert (Path(folder) / "name").read_text() == "text"
        assert os.stat(folder).st_mode & 0o077 == 0
        await written(child, "here")
    assert os.listdir(temporary) == []
    gone(child.pid, child.process.pid)


async def test_an_exception_ends_it(temporary: Path, gone: Gone) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with supervised(spec(FOREVER)) as child:
            await child.event()
            raise ZeroDivisionError
    assert os.listdir(temporary) == []
    gone(child.pid, child.process.pid)


async def test_a_cancellation_ends_it(temporary: Path, gone: Gone) -> None:
    with trio.CancelScope() as scope:
        async with supervised(spec(FOREVER)) as child:
            await child.event()
            scope.cancel()
            await trio.sleep_forever()
    assert os.listdir(temporary) == []
    gone(child.pid, child.process.pid)


async def test_a_command_that_will_not_end_is_killed_after_its_grace(temporary: Path, gone: Gone) -> None:
    async with supervised(spec(STUBBORN, grace=0.1)) as child:
        await child.event()
        await written(child, "here")
    gone(child.pid)
    assert os.listdir(temporary) == []


async def test_a_supervisor_that_does_not_end_is_killed_with_its_command(
    temporary: Path, gone: Gone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ackdrop.broker.supervised.END_WITHIN", 0.2)
    async with supervised(spec(STUBBORN, grace=600.0)) as child:
        await child.event()
        await written(child, "here")
    gone(child.pid, child.process.pid)
    assert os.listdir(temporary) == []


async def test_commands_run_one_after_the_other(temporary: Path) -> None:
    async with supervised(spec("print('first')", "print('second'); raise SystemExit(7)")) as child:
        events = [await child.event() for _ in range(4)]
        assert [event[:2] for event in events] == [("started", "0"), ("exited", "0"), ("started", "1"), ("exited", "1")]
        assert events[-1][2] == "7"
        assert child.last_words() == "first\nsecond"


async def test_a_command_that_fails_is_the_last(temporary: Path) -> None:
    async with supervised(spec("raise SystemExit(3)", FOREVER)) as child:
        await child.event()
        assert await child.event() == ("exited", "0", "3")
        with trio.move_on_after(0.1) as quiet:
            await child.event()
        assert quiet.cancelled_caught


async def test_a_command_that_cannot_be_run_is_told(temporary: Path) -> None:
    missing = Spec(str(new_folder()), {}, [["/there/is/none"]], {})
    async with supervised(missing) as child:
        assert await child.event() == ("failed", "/there/is/none cannot be run: No such file or directory")
    assert os.listdir(temporary) == []


async def test_a_folder_that_cannot_be_made_is_told(temporary: Path) -> None:
    nowhere = str(temporary / "none" / "folder")
    async with supervised(Spec(nowhere, {}, [python(FOREVER)], {})) as child:
        assert await child.event() == ("failed", f"{nowhere} cannot be made: No such file or directory")
        assert await child.event() == ("gone",)


async def test_the_last_rites_are_run(temporary: Path, tmp_path: Path) -> None:
    rite = python(f"open({str(tmp_path / 'rite')!r}, 'w')")
    async with supervised(spec(FOREVER, rites=[["/there/is/none"], rite])) as child:
        await child.event()
    assert (tmp_path / "rite").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
async def test_its_command_dies_with_a_killed_supervisor_and_the_next_one_removes_the_folder(
    temporary: Path, gone: Gone
) -> None:
    async with supervised(spec(FOREVER)) as child:
        await child.event()
        child.process.kill()
        assert await child.event() == ("gone",)
        gone(child.pid)
        assert os.listdir(temporary)
        remove_left_behind()
        assert os.listdir(temporary) == []


async def test_a_folder_in_use_or_in_the_making_is_not_left_behind(temporary: Path) -> None:
    making, old = new_folder(), new_folder()
    making.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    async with supervised(spec(FOREVER)) as child:
        await child.event()
        remove_left_behind()
        assert set(os.listdir(temporary)) == {making.name, os.path.basename(child.spec.folder)}


def test_detached_it_outlives_us_until_a_signal(temporary: Path, gone: Gone, starter: Starter) -> None:
    parent = starter("await child.detach()")
    supervisor, command, folder = parent.told()
    parent.process.wait(DEADLINE)
    assert os.listdir(temporary) == [os.path.basename(folder)]
    assert psutil.pid_exists(command)
    psutil.Process(supervisor).terminate()
    gone(supervisor, command)
    assert os.listdir(temporary) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_its_starter_ends_it(temporary: Path, gone: Gone, starter: Starter, number: signal.Signals) -> None:
    parent = starter("await trio.sleep_forever()")
    supervisor, command, folder = parent.told()
    assert os.listdir(temporary) == [os.path.basename(folder)]
    os.kill(parent.process.pid, number)
    gone(supervisor, command, parent.process.pid)
    assert os.listdir(temporary) == []


def test_the_terminal_s_ctrl_c_does_not_reach_it(temporary: Path, gone: Gone, starter: Starter) -> None:
    ignoring = "signal.signal(signal.SIGINT, lambda *_: print('ignored', flush=True))"
    parent = starter("await trio.sleep_forever()", ignoring)
    supervisor, command, _ = parent.told()
    os.killpg(parent.process.pid, signal.SIGINT)
    assert parent.line() == "ignored"
    assert psutil.pid_exists(command)
    parent.process.kill()
    gone(supervisor, command)


def test_stack_frames_and_endless_lines_are_left_out_of_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n\nERROR it broke\n\tat a.b.C(D.java:1)\nCaused by: that\n" + "x" * 1000 + "\n")
    assert last_lines(log, 3).splitlines() == ["ERROR it broke", "Caused by: that", "x" * 240]
    assert last_lines(tmp_path / "none") == ""


def test_the_first_errors_are_shown_even_where_many_lines_follow(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("1 INFO up\n2 ERROR no port\nCaused by: taken\n" + "".join(f"{n} INFO bye\n" for n in range(3, 99)))
    assert last_lines(log, 6).splitlines() == [
        "2 ERROR no port",
        "Caused by: taken",
        "...",
        *[f"{n} INFO bye" for n in (96, 97, 98)],
    ]


class Parent:
    """A Python program of its own that started a supervised command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def told(self) -> tuple[int, int, str]:
        """The supervisor's process id, the command's, and the folder."""
        supervisor, command, folder = self.line().split()
        return int(supervisor), int(command), folder


Starter = Callable[..., Parent]


@pytest.fixture
def starter(temporary: Path) -> Iterator[Starter]:
    """Starts such a program, in a process group of its own; the text is what it does once the command runs."""
    started: list[subprocess.Popen[str]] = []

    def start(then: str, first: str = "") -> Parent:
        program = textwrap.dedent(
            f"""
            import os, signal, sys, trio
            {first}
            from ackdrop.broker.supervised import Spec, new_folder, supervised
            async def main():
                spec = Spec(str(new_folder()), {{}}, [[sys.executable, "-I", "-c", {FOREVER!r}]], dict(os.environ))
                async with supervised(spec) as child:
                    await child.event()
                    print(child.process.pid, child.pid, spec.folder, flush=True)
                    {then}
            trio.run(main)
            """
        )
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,
        )
        started.append(process)
        return Parent(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("after", range(12))
def test_no_cause_falls_between_the_first_errors_and_the_end(tmp_path: Path, after: int) -> None:
    log = tmp_path / "log"
    log.write_text("12:00:00 ERROR it broke\nCaused by: that\n" + "more\n" * after)
    told = last_lines(log, 6)
    assert "it broke" in told
    assert "Caused by: that" in told
    assert len(told.splitlines()) <= 6
