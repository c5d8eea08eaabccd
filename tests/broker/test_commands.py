"""Commands that a scenario gives: run without a shell, and what is told where they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from trio.testing import MockClock

from ackdrop.broker import commands
from ackdrop.broker.commands import Commands, run
from ackdrop.direct.approach import Approach
from ackdrop.errors import BrokerError


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", program)


async def test_arguments_arrive_as_they_are_and_the_environment_beside_ours(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = f"import os, sys; open({str(told)!r}, 'w').write(sys.argv[1] + os.environ['TOPIC'] + os.environ['PATH'])"
    await run((*python(program), "$HOME *; "), {"TOPIC": "orders"})
    assert told.read_text().startswith("$HOME *; orders/")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import sys; print('one\\ntwo\\n', file=sys.stderr); sys.exit(3)", "ended with exit code 3: two"),
        ("import sys; print('said'); sys.exit(1)", "ended with exit code 1"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
    ],
)
async def test_a_command_that_fails_tells_its_last_line(program: str, told: str) -> None:
    with pytest.raises(BrokerError) as error:
        await run(python(program))
    assert error.value.message == f"{sys.executable} {told}"


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(BrokerError, match=r"^/there/is/none cannot be run: No such file or directory$"):
        await run(("/there/is/none",))


async def test_a_command_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WITHIN", 0.2)
    with pytest.raises(BrokerError, match=r"was still running after 0.2 s"):
        await run(python("import time; time.sleep(600)"))


async def test_command_and_undo(tmp_path: Path) -> None:
    done, undone = tmp_path / "done", tmp_path / "undone"
    control = Commands(("touch", str(done)), ("touch", str(undone)), "127.0.0.1:1", {})
    steps = control.steps("restart")
    await steps.begin()
    assert (done.exists(), undone.exists()) == (True, False)
    await steps.end()
    assert undone.exists()


async def test_then_the_broker_has_to_answer(autojump_clock: MockClock) -> None:
    steps = Commands(("true",), (), "127.0.0.1:1", {}).steps("kill")
    await steps.end()
    with pytest.raises(BrokerError, match=r"the broker did not answer at 127.0.0.1:1 again within 60 s"):
        await steps.back()


async def test_of_several_brokers_one_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    async def answering(host: str, port: int, *, approach: Approach) -> None:
        asked.append((host, port))
        if port != 3:
            raise BrokerError("nobody")

    monkeypatch.setattr(commands, "answering", answering)
    await Commands(("true",), (), "a:1,b:2,[::1]:3", {}).steps("kill").back()
    assert sorted(asked) == [("::1", 3), ("a", 1), ("b", 2)]
    with pytest.raises(BrokerError, match="nobody"):
        await Commands(("true",), (), "a:1,b:2", {}).steps("kill").back()
