"""What a chain of attempts shows, from the wire alone: whether the log holds its records twice.

The log is not in a capture. What is there are the broker's answers: two successes at two offsets are two copies; a
success at the same offset under the same numbers (producer id, epoch, sequence) is a batch that the broker knew again
(KIP-98). An attempt without an answer may have been appended or not, and so may one that failed with an error that can
come after the append. Numbered attempts are written once as long as the broker remembers their producer,
whatever is not seen; others are written as often as they were sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...core.produce import SUCCESS
from ...kafka.codes import error_code, error_name
from .retries import Attempt, Chain

Word = Literal["duplicate", "cannot-tell", "lost-ack", "deduplicated", "protected", "once", "refused"]
"""What is shown, the worst first: two copies; it cannot be told; an ack was lost, and no retry is there; the broker
knew the retry again; it had the numbers to know it by; the first attempt was surely not written; no attempt was."""

WORST: tuple[Word, ...] = ("duplicate", "cannot-tell", "lost-ack", "deduplicated", "protected", "once", "refused")

MAYBE_APPENDED = frozenset(
    map(
        error_code,
        ("UNKNOWN_SERVER_ERROR", "REQUEST_TIMED_OUT", "NETWORK_EXCEPTION", "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
         "KAFKA_STORAGE_ERROR", "NOT_LEADER_OR_FOLLOWER"),
    )
)  # fmt: skip
"""Errors after which a batch may stand in the log: a leader that is deposed while it waits for its followers says
NOT_LEADER_OR_FOLLOWER too, with the batch written."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` and why. `attempts` are those that it is about; `offsets` where successes say that the records begin."""

    word: Word
    why: str
    attempts: tuple[Attempt, ...]
    offsets: tuple[int, ...]


def verdict(chain: Chain) -> Verdict:
    """The worst that one of its retries shows."""
    found = [_of_path(path) for path in _paths(chain)]
    if not found:
        return _without_retry(chain.attempts[0])
    return min(found, key=lambda each: WORST.index(each.word))


def retry_verdicts(chain: Chain) -> dict[int, Verdict]:
    """Of each retry, by its number."""
    found: dict[int, Verdict] = {}
    for path in _paths(chain):
        number, told = path[-1].number, _of_path(path)
        if number not in found or WORST.index(told.word) < WORST.index(found[number].word):
            found[number] = told
    return found


def _paths(chain: Chain) -> Iterator[list[Attempt]]:
    """Each retry with what it repeats, and what that repeats."""
    for attempt in chain.attempts:
        if attempt.retry_of is None:
            continue
        if not attempt.origins:
            yield [attempt]
        for origin in attempt.origins:
            path, seen = [attempt, origin], {attempt, origin}
            while path[-1].origins and path[-1].origins[-1] not in seen:
                path.append(path[-1].origins[-1])
                seen.add(path[-1])
            yield path[::-1]


def _without_retry(attempt: Attempt) -> Verdict:
    if attempt.base_offset is not None and attempt.error in SUCCESS:
        why = f"It was appended at {attempt.base_offset}, and its ack was lost; in this capture it is not sent again."
    elif attempt.kept_back:
        why = "It was never sent on to the broker, and in this capture it is not sent again."
    else:
        why = "Whether it was appended is not in this capture, and it is not sent again in it."
    return Verdict("lost-ack", why, (attempt,), _offsets([attempt]))


def _of_path(path: list[Attempt]) -> Verdict:
    word, why = _shown(path)
    return Verdict(word, why, tuple(path), _offsets(path))


def _shown(path: list[Attempt]) -> tuple[Word, str]:
    if len(path) == 1:
        return "cannot-tell", "The first attempt is so long ago that it is not remembered."
    by_numbers: dict[object, list[Attempt]] = {}
    for attempt in path:
        by_numbers.setdefault(attempt.numbers or attempt.number, []).append(attempt)
    least = sum(_least(equal) for equal in by_numbers.values())
    most = sum(_most(equal) for equal in by_numbers.values())
    offsets = _offsets(path)
    if any(attempt.ambiguous for attempt in path):
        again = f" They stand at offsets {_listed(offsets)}." if len(offsets) > 1 else ""
        return (
            "cannot-tell",
            f"The same records were sent again; whether the client or the application did is open.{again}",
        )
    if least > 1 and len(offsets) < 2:
        return "cannot-tell", _of_one_offset(path)
    if least > 1:
        return "duplicate", _of_duplicate(path, offsets, len(by_numbers))
    if most > 1:
        return "cannot-tell", _of_open(path)
    if not most:
        return "refused", "No attempt was written."
    return _of_one(path, by_numbers, offsets)


def _of_one(path: list[Attempt], by_numbers: dict[object, list[Attempt]], offsets: tuple[int, ...]) -> tuple[Word, str]:
    successes = [attempt for attempt in path if _success(attempt)]
    (kept,) = (equal for equal in by_numbers.values() if _most(equal))
    if len(kept) < 2 and kept[0] is not path[-1]:
        return "once", f"The retry was refused ({_errors([path[-1]])}), so there is one copy at most."
    if len(kept) < 2:
        before = "never sent on" if path[0].kept_back else f"refused ({_errors(path)})"
        return "once", f"What came before was {before}, so the retry is the only copy."
    if not successes:
        return "protected", "The same producer id, epoch and sequence: one copy at most. No success is in this capture."
    if any(attempt.error == error_code("DUPLICATE_SEQUENCE_NUMBER") for attempt in successes):
        return "deduplicated", "The broker knew it again by its sequence number, and did not write it twice."
    if len(successes) > 1:
        return (
            "deduplicated",
            f"The same sequence was answered with the same offset {offsets[0]}: it was not written twice.",
        )
    return "protected", (
        "The same producer id, epoch and sequence: the broker writes it once, unless it had forgotten the producer."
    )


def _of_duplicate(path: list[Attempt], offsets: tuple[int, ...], groups: int) -> str:
    where = f"The records stand at offsets {_listed(offsets)}: two acks of the broker say so"
    if groups == 1:
        return f"{where}, for one producer id, epoch and sequence. The broker should have known it again."
    if all(attempt.numbers is None for attempt in path):
        return f"{where}. Without a producer id it could not know them again."
    return f"{where}. They were sent again under other numbers, so it could not know them again."


def _of_one_offset(path: list[Attempt]) -> str:
    if any(_success(attempt) and attempt.base_offset in (None, -1) for attempt in path):
        return "Two acks say that it was appended, and they do not tell two offsets."
    return (
        f"Two acks name the same offset {_offsets(path)[0]}, where a log holds one batch: it was cut back in between,"
        " as a change of leaders can do, or these are two logs."
    )


def _of_open(path: list[Attempt]) -> str:
    first, last = path[0], path[-1]
    if last.answered_at is None:
        return "The retry has no answer in this capture."
    if not _success(last):
        return "The retry failed, and whether it, or the first attempt, was written is not in this capture."
    if first.answered_at is None:
        return f"It is a duplicate if the first attempt was appended, whose answer is not in this capture.{_hint(last)}"
    return f"It is a duplicate if the first attempt was appended; after {_errors(path)} it may have been."


def _hint(last: Attempt) -> str:
    """What offsets say of it, which is no proof: somebody else may write there, and a request may come late."""
    if last.unaccounted is None:
        return ""
    if not last.unaccounted:
        return " The retry's offset follows the one that was acked before it: until then it had not been appended."
    few = "one record stands" if last.unaccounted == 1 else f"{last.unaccounted} records stand"
    return (
        f" Right before the retry {few} that no answer here accounts for: the first attempt's, unless others write to"
        " the partition, too."
    )


def _least(equal: list[Attempt]) -> int:
    """How many copies attempts under the same numbers (or one without any) have left for certain."""
    return len(_offsets(equal)) or any(map(_success, equal))


def _most(equal: list[Attempt]) -> int:
    """How many they can have left."""
    return max(_least(equal), any(_success(attempt) or _open(attempt) for attempt in equal))


def _success(attempt: Attempt) -> bool:
    return attempt.error in SUCCESS


def _open(attempt: Attempt) -> bool:
    """Whether it may have been written, though no success says so."""
    return not attempt.kept_back and (attempt.answered_at is None or attempt.error in MAYBE_APPENDED)


def _offsets(attempts: list[Attempt]) -> tuple[int, ...]:
    """The offsets that successes tell, each once; a broker that tells none says -1."""
    told = (attempt.base_offset for attempt in attempts if _success(attempt))
    return tuple(sorted({offset for offset in told if offset is not None and offset >= 0}))


def _errors(path: list[Attempt]) -> str:
    codes = [attempt.error for attempt in path if attempt.error is not None and not _success(attempt)]
    return _listed([error_name(code) for code in dict.fromkeys(codes)])


def _listed(items: list[str] | tuple[int, ...]) -> str:
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else "none"
