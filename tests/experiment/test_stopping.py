"""The first signal asks for a good end, the second one ends at once; and errors come out of their groups."""

from __future__ import annotations

import os
import signal

import pytest
import trio
from trio.testing import MockClock

from ackdrop.errors import BrokerError, ProducerError, UsageError
from ackdrop.experiment.stopping import Stop, signals, ungrouped

both = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@both
async def test_the_first_signal_asks_and_lets_the_body_go_on(number: signal.Signals) -> None:
    async with signals() as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        await stop.event.wait()
        await trio.lowlevel.checkpoint()
    assert (stop.asked, stop.signal) == (True, number)


@both
async def test_the_second_signal_cancels_the_body(number: signal.Signals) -> None:
    reached = False
    with trio.fail_after(10):
        async with signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            await stop.event.wait()
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
            reached = True
    assert (reached, stop.signal) == (False, signal.SIGINT)


async def test_time_that_is_up_asks_and_is_no_interruption(autojump_clock: MockClock) -> None:
    said: list[float] = []
    begun = trio.current_time()
    async with signals(5.0, lambda: said.append(trio.current_time() - begun)) as stop:
        assert (stop.asked, stop.out_of_time, stop.interrupted) == (False, False, False)
        await stop.event.wait()
        assert (stop.asked, stop.out_of_time, stop.interrupted) == (True, True, False)
    assert said == [5.0]


@both
async def test_a_signal_after_the_time_interrupts_and_only_the_next_one_cancels(number: signal.Signals) -> None:
    reached: list[bool] = []
    with trio.fail_after(10):
        async with signals(0.01) as stop:
            await stop.event.wait()
            os.kill(os.getpid(), number)
            while not stop.interrupted:
                await trio.lowlevel.checkpoint()
            reached.append(stop.out_of_time)
            os.kill(os.getpid(), number)
            await trio.sleep_forever()
            reached.append(True)
    assert reached == [False]


async def test_time_that_is_up_after_a_signal_changes_nothing(autojump_clock: MockClock) -> None:
    said: list[bool] = []
    async with signals(5.0, lambda: said.append(True)) as stop:
        stop.ask(signal.SIGTERM)
        await trio.sleep(10)
    assert (stop.interrupted, stop.out_of_time, said) == (True, False, [])


async def test_a_body_that_ends_before_the_time_is_not_kept(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    async with signals(3600.0) as stop:
        pass
    assert (stop.asked, trio.current_time()) == (False, begun)


async def test_handlers_are_as_before_at_the_end() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with signals():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_errors_of_ours_leave_signals_as_they_are() -> None:
    error = BrokerError("gone")
    with pytest.raises(BrokerError) as caught:
        async with signals():
            raise error
    assert caught.value is error


async def test_defects_leave_signals_in_their_groups() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with signals():
            raise ZeroDivisionError
    assert caught.group_contains(ZeroDivisionError)


async def test_until_cancels_its_body_when_the_stop_is_asked_for() -> None:
    stop = Stop()
    async with stop.until() as scope:
        trio.lowlevel.current_trio_token().run_sync_soon(stop.ask)
        await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_until_cancels_at_once_where_the_stop_was_asked_for_before() -> None:
    stop = Stop()
    stop.ask(signal.SIGTERM)
    async with stop.until() as scope:
        await trio.sleep_forever()
    assert (scope.cancelled_caught, stop.signal) == (True, signal.SIGTERM)


async def test_until_gives_a_grace(autojump_clock: MockClock) -> None:
    stop = Stop()
    stop.ask()
    begun = trio.current_time()
    async with stop.until(7.0) as scope:
        await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() - begun == 7.0


async def test_until_leaves_a_body_alone_that_ends_by_itself(autojump_clock: MockClock) -> None:
    stop = Stop()
    async with stop.until() as scope:
        await trio.sleep(1)
    assert not scope.cancelled_caught


async def test_errors_of_ours_leave_until_as_they_are() -> None:
    with pytest.raises(UsageError, match="wrong"):
        async with Stop().until():
            raise UsageError("wrong")


async def test_ungrouped_takes_ours_out_of_any_depth() -> None:
    error = ProducerError("missing")
    with pytest.raises(ProducerError) as caught, ungrouped():
        raise ExceptionGroup("a", [ExceptionGroup("b", [error])])
    assert caught.value is error


async def test_ungrouped_takes_ours_out_from_among_cancellations() -> None:
    """The nursery is being cancelled from outside when its child fails: its group holds both."""

    async def fail() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise BrokerError("gone")

    async def wait() -> None:
        async with trio.open_nursery():
            await trio.sleep_forever()

    async def work() -> None:
        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail)
                nursery.start_soon(trio.sleep_forever)
                nursery.start_soon(wait)

    with pytest.raises(BrokerError), trio.move_on_after(0):
        await work()


@pytest.mark.parametrize(
    "group",
    [
        ExceptionGroup("a", [BrokerError("gone"), ZeroDivisionError()]),
        ExceptionGroup("a", [ExceptionGroup("b", [ZeroDivisionError()]), BrokerError("gone")]),
        BaseExceptionGroup("a", [BrokerError("gone"), KeyboardInterrupt()]),
    ],
)
def test_ungrouped_leaves_a_group_with_anything_else_in_it(group: BaseExceptionGroup[BaseException]) -> None:
    with pytest.raises(BaseExceptionGroup) as caught, ungrouped():
        raise group
    assert caught.value is group


def test_ungrouped_leaves_other_errors_and_none() -> None:
    with ungrouped():
        pass
    with pytest.raises(ZeroDivisionError), ungrouped():
        raise ZeroDivisionError
