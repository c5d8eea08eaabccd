"""Every exception of ours.

Three parties can be at fault, and each has a branch of its own: the person who called us (`UsageError`), the
surroundings (`SurroundingsError`: no broker, a port taken, a producer that cannot start) and the peer on the wire
(`WireError`: bytes that cannot be read). `exit_code` is the process exit code that the error ends the command with
when nothing handles it; `remedy` says what the reader can do next.
"""

from __future__ import annotations

from collections.abc import Iterator


class AckdropError(Exception):
    """The base of every exception that ackdrop raises on purpose."""

    exit_code = 4

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if remedy is not None:
            self.add_note(f"try: {remedy}")  # a traceback shows it, too


class UsageError(AckdropError):
    """The command line or a value in it is wrong. Nothing was run."""

    exit_code = 2


class ScenarioError(UsageError):
    """A scenario is not valid. `problems` holds every error of the file, each already rendered with its place."""

    def __init__(self, problems: list[str], *, remedy: str | None = None) -> None:
        super().__init__("\n".join(problems), remedy=remedy)
        self.problems = problems


class SurroundingsError(AckdropError):
    """What ackdrop needs around it is missing or does not work."""


class BrokerError(SurroundingsError):
    """No broker, a broker that cannot be reached, that did not start, or that refused what we asked of it."""


class ProducerError(SurroundingsError):
    """The producer under test could not be started: library missing, interpreter missing, option refused."""


class ListenerError(SurroundingsError):
    """A listener of the proxy could not be opened, usually because its port is taken."""


class FaultError(SurroundingsError):
    """A fault of the scenario that cannot be done here: this broker is not ours to stop, or no other could lead."""


class WireError(AckdropError):
    """Bytes on the wire that are not what the protocol says. The peer's fault, never a reason to crash."""


class UndecodableError(WireError):
    """A frame that ackdrop would have to read or rewrite, and cannot."""


class TooMuchError(UndecodableError):
    """Records that would expand to more bytes than are allowed."""


def ours_in(group: BaseExceptionGroup[BaseException]) -> AckdropError | None:
    """The first error of ours in a group that holds no other, cancellations aside; None where something else failed.

    A nursery wraps every error that leaves it, and raising what this gives takes it out again.
    """
    leaves = list(_leaves(group))
    ours = [error for error in leaves if isinstance(error, AckdropError)]
    failed = [error for error in leaves if isinstance(error, (Exception, KeyboardInterrupt, SystemExit))]
    return ours[0] if ours and len(ours) == len(failed) else None


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
