"""Waiting until a broker is ready, or knowing why it will not be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ackdrop.broker.ports import held
from ackdrop.broker.starting import PortTakenError, again_where_taken, did_not_start, until_ready
from ackdrop.broker.supervised import Spec, new_folder, supervised
from ackdrop.environment import inherited
from ackdrop.errors import BrokerError


async def outcome(*programs: str, before: float = 20.0, within: float = 20.0) -> str | None:
    commands = [[sys.executable, "-I", "-c", program] for program in programs]
    with held(1) as [port]:
        async with supervised(Spec(str(new_folder()), {}, commands, inherited())) as child:
            return await until_ready(child, port, before=before, within=within)


async def test_a_first_command_that_fails(temporary: Path) -> None:
    assert await outcome("raise SystemExit(1)", "pass") == "it ended with exit code 1"


async def test_a_broker_that_ends_at_once(temporary: Path) -> None:
    assert await outcome("pass", "pass") == "it ended with exit code 0"


async def test_a_broker_that_is_killed(temporary: Path) -> None:
    assert await outcome("import os; os.kill(os.getpid(), 9)") == "it was ended by signal 9"


async def test_a_broker_that_never_answers(temporary: Path) -> None:
    assert "did not answer at 127.0.0.1:" in str(await outcome("import time; time.sleep(60)", within=0.2))


async def test_a_first_command_that_never_ends(temporary: Path) -> None:
    problem = await outcome("import time; time.sleep(60)", "pass", before=0.2)
    assert problem == "it was not started within 0.2 s"


async def test_a_broker_that_cannot_be_run(temporary: Path) -> None:
    with held(1) as [port]:
        async with supervised(Spec(str(new_folder()), {}, [["/there/is/none"]], {})) as child:
            assert "cannot be run" in str(await until_ready(child, port, before=20, within=20))


async def test_only_a_taken_port_is_tried_again() -> None:
    tried: list[BrokerError] = []

    async def start(error: BrokerError, fails: int) -> str:
        tried.append(error)
        if len(tried) <= fails:
            raise error
        return "up"

    assert await again_where_taken(lambda: start(PortTakenError("taken"), 2)) == "up"
    assert len(tried) == 3
    tried.clear()
    with pytest.raises(PortTakenError):
        await again_where_taken(lambda: start(PortTakenError("taken"), 9))
    assert len(tried) == 3
    tried.clear()
    with pytest.raises(BrokerError, match="no memory"):
        await again_where_taken(lambda: start(BrokerError("no memory"), 9))
    assert len(tried) == 1


async def test_the_error_of_a_failed_start_shows_the_last_lines(temporary: Path) -> None:
    said = "print('one'); print('two')"
    async with supervised(Spec(str(new_folder()), {}, [[sys.executable, "-I", "-c", said]], {})) as child:
        await until_ready(child, 1, before=20, within=20)
        error = did_not_start("it", "it ended", child, taken="three", remedy="do that")
        assert error.message == "it did not start: it ended. Its last lines:\n    one\n    two"
        assert error.remedy == "do that"
        assert type(error) is BrokerError
        assert type(did_not_start("it", "it ended", child, taken="two", remedy="")) is PortTakenError
    message = did_not_start("it", "it ended", child, taken="two", remedy="").message
    assert message == "it did not start: it ended, without a word"
