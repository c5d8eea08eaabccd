"""Equal digests are found whatever the size of the log, in portions as small as one likes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.observations import LogRecord
from ackdrop.verify import copies as module
from ackdrop.verify.copies import Selection, copies
from ackdrop.verify.log import Log

FIRST = LogRecord("t", 0, 0, "a", None, None, None, False, -1, -1, -1, 0, 7, 1000)
PARTITIONS = st.lists(st.lists(st.integers(0, 12), max_size=30), max_size=3)


def log_of(partitions: list[list[int]]) -> Log:
    return Log.of(
        replace(FIRST, partition=partition, offset=offset, identity=str(name))
        for partition, names in enumerate(partitions)
        for offset, name in enumerate(names)
    )


def whole(log: Log) -> Selection:
    selection = Selection()
    selection.add(0, log.size)
    return selection


def naive(names: list[int], positions: list[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for position in positions:
        groups[names[position]].append(position)
    return sorted(group for group in groups.values() if len(group) > 1)


@pytest.mark.parametrize(("in_bucket", "at_a_time"), [(1 << 20, 1 << 17), (2, 1), (8, 3)])
@given(partitions=PARTITIONS)
def test_the_positions_of_all_copies(in_bucket, at_a_time, partitions):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "IN_BUCKET", in_bucket)
        patched.setattr(module, "AT_A_TIME", at_a_time)
        log = log_of(partitions)
        names = [name for partition in partitions for name in partition]
        found = [list(group) for group in copies(log, whole(log))]
        assert sorted(found) == naive(names, [*range(len(names))])


@given(partitions=PARTITIONS, chosen=st.sets(st.integers(0, 60)))
def test_only_what_is_selected_is_looked_at(partitions, chosen):
    log = log_of(partitions)
    names = [name for partition in partitions for name in partition]
    positions = sorted(at for at in chosen if at < len(names))
    selection = Selection()
    for position in positions:
        selection.add(position, position + 1)
    assert selection.count == len(positions)
    assert sorted(list(group) for group in copies(log, selection)) == naive(names, positions)
