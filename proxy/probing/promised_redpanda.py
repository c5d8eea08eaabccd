"""What Redpanda promises: its documentation, and the sources of its broker (`src/v/cluster`)."""

from __future__ import annotations

from .effects import APPENDED, DEDUPLICATED, refused
from .promising import Promised

_GAP = (refused("OUT_OF_ORDER_SEQUENCE_NUMBER"),)
_STALE = (refused("INVALID_PRODUCER_EPOCH"),)
_NEW, _KNOWN = (APPENDED,), (DEDUPLICATED,)
_DOCS = "Redpanda's documentation, Idempotent producers"
_STATE = "sources of Redpanda 24.3: producer_state.cc"
_ANY_FIRST = ((24, 1, 15), (24, 2, 2), (24, 3, 1))
"""The releases since which a producer of which a partition knows nothing may begin with any sequence."""
_STATES = ((23, 3),)
"""Since then producers' states are those of producer_state.cc."""

PROMISED: tuple[Promised, ...] = (
    Promised(
        "exact-duplicate",
        "a duplicate is acked with the offset of the original, and not written",
        f"{_DOCS}; {_STATE}, requests::try_emplace",
        {"again": _KNOWN, "third": _KNOWN},
    ),
    Promised(
        "window",
        "the last five batches are kept, and those in flight; an older one is out of order",
        f"{_STATE}, requests_cached_max = 5",
        {**{f"back-{n}": _KNOWN for n in range(1, 6)}, **{f"back-{n}": _GAP for n in range(6, 11)}, "next": _NEW},
    ),
    Promised(
        "other-payload",
        "first and last sequence are compared, and nothing else",
        f"{_STATE}, requests::try_emplace",
        {"other": _KNOWN},
    ),
    Promised(
        "other-count",
        "a duplicate has the first and the last sequence of its original; anything else has to follow",
        f"{_STATE}, requests::try_emplace",
        {"fewer": _GAP, "more": _GAP},
        since=_STATES,
    ),
    Promised(
        "other-connection",
        "what is remembered belongs to producer and partition, not to a connection",
        _DOCS,
        {"again": _KNOWN},
    ),
    Promised(
        "two-partitions",
        "sequences count for each producer and partition",
        "sources of Redpanda 24.3: rm_stm.cc, one for each partition",
        {"second": _NEW, "ahead": _GAP, "goes-on": _NEW},
    ),
    Promised("gap", "a sequence that does not follow is refused", f"{_STATE}, is_valid_sequence", {"gap": _GAP}),
    Promised(
        "overlap",
        "a batch is known again as a whole, or it has to follow",
        f"{_STATE}, requests::try_emplace",
        {"both": _GAP, "middle": _GAP, "half-new": _GAP, "goes-on": _NEW},
        since=_STATES,
    ),
    Promised(
        "wrap-around",
        "after 2^31-1 comes 0",
        f"{_STATE}, is_valid_sequence",
        {"one": _GAP, "zero": _NEW, "again": _KNOWN},
        since=_ANY_FIRST,
    ),
    Promised(
        "wrap-inside",
        "a batch whose last sequence is below its first one is malformed",
        f"{_STATE}, try_emplace_request",
        {"across": (refused("INVALID_REQUEST"),)},
        since=_ANY_FIRST,
    ),
    Promised(
        "newer-epoch",
        "a newer epoch begins with sequence 0",
        f"{_STATE}, reset_with_new_epoch",
        {"new": _NEW},
    ),
    Promised(
        "older-epoch",
        "for a duplicate the epoch is not compared",
        f"{_STATE}, requests::try_emplace",
        {"again": _KNOWN},
        since=_STATES,
    ),
    Promised(
        "unknown-producer",
        "a producer of which a partition knows nothing may begin",
        _DOCS,
        {"zero": _NEW, "again": _KNOWN},
    ),
    Promised(
        "unknown-producer-ahead",
        "a producer of which a partition knows nothing has to begin with sequence 0",
        "sources of Redpanda 22.3: rm_stm.cc",
        {"seven": _GAP},
        until=_ANY_FIRST,
    ),
    Promised(
        "unknown-producer-ahead",
        "a producer of which a partition knows nothing may begin with any sequence",
        "sources of Redpanda 24.3: rm_stm.cc, skip_sequence_checks",
        {"seven": _NEW, "again": _KNOWN, "goes-on": _NEW},
        since=_ANY_FIRST,
    ),
    Promised(
        "pipelined",
        "a duplicate of a batch in flight gets the answer of its original",
        f"{_STATE}, request::result",
        {"twice": (f"{APPENDED} + {DEDUPLICATED}",)},
    ),
    Promised(
        "two-connections",
        "a duplicate of a batch in flight gets the answer of its original",
        f"{_STATE}, request::result",
        {f"at-once-{n}": (f"{APPENDED} + {DEDUPLICATED}",) for n in range(1, 6)},
    ),
    Promised(
        "txn-fencing",
        "a batch of a producer that was fenced is refused",
        "sources of Redpanda 24.3: rm_stm.cc, do_transactional_replicate",
        {"old-next": _STALE, "old-again": _STALE},
        since=_STATES,
    ),
    Promised(
        "txn-outside",
        "a transactional batch without a transaction in its partition is refused",
        "sources of Redpanda 24.3: rm_stm.cc, do_transactional_replicate",
        {"outside": _STALE},
        since=_STATES,
    ),
    Promised(
        "after-move",
        "every replica applies the same log to what it knows of producers: the last five batches of each",
        f"{_STATE}, producer_state::apply_data",
        {**{f"back-{n}": _KNOWN for n in range(1, 6)}, "back-6": _GAP, "next": _NEW},
        since=_STATES,
    ),
    Promised(
        "after-restart",
        "all batches that were kept stand in the snapshot of a partition's producers",
        f"{_STATE}, producer_state_snapshot",
        {**{f"back-{n}": _KNOWN for n in range(1, 6)}, "back-6": _GAP, "next": _NEW},
        since=_STATES,
    ),
)
