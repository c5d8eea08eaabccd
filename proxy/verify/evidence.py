"""What an arm left behind, handed to the checks as one value: the wire, the producer's word, and the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..observations import ArmWire, Isolation, Send
from ..result import Expectation, ProducerInfo
from .log import Log


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """Everything that one arm's verdict rests on. Nothing else is consulted, and nothing here is changed.

    `name`                 the arm's name, as the scenario has it
    `idempotence`          what the arm claims; None for a program that is not ours and claims nothing
    `wire`                 what the proxy saw, merged by attempt (times on the run's clock, `wire.zero` among them);
                           None: nobody watched, and the log is judged alone
    `sends`                what the producer's futures said; None for a program that is not ours
    `log`                  all that stands between the start offsets and the high watermarks, with the isolation level
                           that is judged; None when it was not read
    `producer`             client, version and configuration, handed through to the result
    `run_id`               the run whose records are ours
    `expectations`         the scenario's `expect:` for this arm
    `gone`                 a sentence for each part of the log that is missing ("the log starts at 512: ...")
    `rules`                the names of all fault rules, in the scenario's order, so that one which never matched counts
    `elsewhere`            those of them that can apply to nothing in this arm, and to something in another one
    `control`              the scenario has a control arm; False for `control: none` and without a scenario
    `is_control`           this arm is the control
    `producer_finished`    the producer said everything that it had to say before it ended
    `producer_error`       why the producer died, None where it did not
    `barrier_quiet`        every partition's end stood still before the log was read
    `isolation`            the isolation level that was asked for; a log that was read has its own
    `disk_failure`         why the ledger could not be written, if only for a while, in a clause; None: it always could
    `named`                the user has named what foreign records are known by, as the log may say itself: equal names
                           are copies for certain
    """

    name: str
    idempotence: bool | None
    wire: ArmWire | None
    sends: Sequence[Send] | None
    log: Log | None
    producer: ProducerInfo
    run_id: str = ""
    expectations: tuple[Expectation, ...] = ()
    gone: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    control: bool = False
    is_control: bool = False
    producer_finished: bool = True
    producer_error: str | None = None
    barrier_quiet: bool = True
    isolation: Isolation = "read_uncommitted"
    disk_failure: str | None = None
    named: bool = False

    @property
    def foreign(self) -> bool:
        """The producer is not ours: its futures are unknown, and its records carry no identity of ours."""
        return self.sends is None

    @property
    def watched(self) -> bool:
        """A program that is not ours, of which nothing else is expected: the built-in expectations hold."""
        return self.foreign and self.wire is not None and not self.expectations

    @property
    def alone(self) -> bool:
        """A log of which nothing else is known: nobody watched the wire."""
        return self.wire is None

    @property
    def whose_unknown(self) -> bool:
        """Which records in the log passed the proxy is not known: they carry no identity of ours, and the ledger lacks
        some of what was seen on the wire."""
        return self.foreign and self.wire is not None and self.wire.let_go > 0

    def unread(self) -> list[tuple[str, int]]:
        """The (topic, partition) pairs that the broker appended to and whose start offset was never taken."""
        if self.wire is None:
            return []
        written = {(s.attempt.topic, s.attempt.partition) for s in self.wire.attempts if s.error == 0}
        written.update((folded.topic, folded.partition) for folded in self.wire.ranges)
        return sorted(written - self.wire.starts.keys())
