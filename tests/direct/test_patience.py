from __future__ import annotations

import pytest
import trio

from ackdrop.direct.patience import PassingError, check, patiently
from ackdrop.errors import BrokerError


class Attempts:
    """Fails with `error` so often, then succeeds; remembers when it was tried."""

    def __init__(self, error: Exception, failures: int) -> None:
        self.error, self.failures = error, failures
        self.at: list[float] = []
        self.recovered = 0

    async def __call__(self) -> str:
        await trio.lowlevel.checkpoint()
        self.at.append(trio.current_time())
        if len(self.at) <= self.failures:
            raise self.error
        return "done"

    async def recover(self) -> None:
        await trio.lowlevel.checkpoint()
        self.recovered += 1


async def test_what_passes_is_tried_again_with_growing_pauses(autojump_clock):
    attempts = Attempts(PassingError("no leader"), 7)
    assert await patiently(attempts, 10, attempts.recover) == "done"
    pauses = [round(later - sooner, 3) for sooner, later in zip(attempts.at, attempts.at[1:], strict=False)]
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert attempts.recovered == 7


async def test_patience_ends_with_the_last_refusal(autojump_clock):
    attempts = Attempts(PassingError("no leader"), 1000)
    with pytest.raises(PassingError, match="no leader"):
        await patiently(attempts, 10, attempts.recover)
    assert attempts.at[-1] <= 10


async def test_what_does_not_pass_is_raised_at_once(autojump_clock):
    attempts = Attempts(BrokerError("refused"), 1)
    with pytest.raises(BrokerError, match="refused"):
        await patiently(attempts, 10, attempts.recover)
    assert attempts.at == [0]


@pytest.mark.parametrize("passing", [3, 5, 6, 7, 41, 74])
def test_codes_of_leader_changes_pass(passing):
    with pytest.raises(PassingError):
        check(passing, "t/0")


def test_other_codes_do_not_pass_and_say_what_to_do():
    with pytest.raises(BrokerError, match=r"(?m)^t: INVALID_REPLICATION_FACTOR \(too few brokers\)$") as caught:
        check(38, "t", "too few brokers")
    assert not isinstance(caught.value, PassingError)
    assert "replicas" in caught.value.remedy


def test_no_error_is_none():
    check(0, "t")
