"""What Apache Kafka promises: improvement proposals (KIP-...), the protocol guide, and the sources of its broker."""

from __future__ import annotations

from .effects import APPENDED, DEDUPLICATED, DONE, refused
from .promising import Promised

_GAP = (refused("OUT_OF_ORDER_SEQUENCE_NUMBER"),)
_STALE = (refused("INVALID_PRODUCER_EPOCH"),)
_ANY = 1 << 15
"""Above every version."""
_NEW, _KNOWN = (APPENDED,), (DEDUPLICATED,)
_STATE = "sources of Apache Kafka 4: ProducerStateEntry"
_CHECKS = "sources of Apache Kafka 4: ProducerAppendInfo"

PROMISED: tuple[Promised, ...] = (
    Promised(
        "exact-duplicate",
        "a duplicate of one of the last five batches is acked with the offset of the original, and not written",
        f"KIP-98; {_STATE}.findDuplicateBatch",
        {"again": _KNOWN, "third": _KNOWN},
        since=((1, 0),),
    ),
    Promised(
        "window",
        "the last five batches of a producer are kept; a duplicate of an older one is out of order",
        f"{_STATE}.NUM_BATCHES_TO_RETAIN = 5; ProducerAppendInfo.checkSequence",
        {**{f"back-{n}": _KNOWN for n in range(1, 6)}, **{f"back-{n}": _GAP for n in range(6, 11)}, "next": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "window",
        "a duplicate whose original is not kept any more may be answered with DUPLICATE_SEQUENCE_NUMBER, which a "
        "producer takes for success",
        "KIP-192; protocol guide, error 46",
        {f"back-{n}": (refused("DUPLICATE_SEQUENCE_NUMBER"),) for n in range(6, 11)},
        since=((1, 0),),
    ),
    Promised(
        "other-payload",
        "epoch, first and last sequence are compared, and nothing else",
        f"{_STATE}.batchWithSequenceRange",
        {"other": _KNOWN},
        since=((1, 0),),
    ),
    Promised(
        "other-count",
        "a duplicate has the first and the last sequence of its original; anything else has to follow",
        f"{_STATE}.batchWithSequenceRange; ProducerAppendInfo.checkSequence",
        {"fewer": _GAP, "more": _GAP},
        since=((1, 0),),
    ),
    Promised(
        "other-connection",
        "what is remembered belongs to producer and partition, not to a connection",
        "KIP-98",
        {"again": _KNOWN},
        since=((1, 0),),
    ),
    Promised(
        "two-partitions",
        "sequences count for each producer and partition",
        "KIP-98",
        {"second": _NEW, "ahead": _GAP, "goes-on": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "gap",
        "a sequence that does not follow is refused, and changes nothing",
        f"KIP-98; {_CHECKS}.checkSequence",
        {"gap": _GAP, "goes-on": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "overlap",
        "a batch is known again as a whole, or it has to follow",
        f"{_CHECKS}.checkSequence",
        {"both": _GAP, "middle": _GAP, "half-new": _GAP, "goes-on": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "wrap-around",
        "after 2^31-1 comes 0; a negative sequence is no valid record",
        f"{_CHECKS}.inSequence; LogValidator.validateBatch",
        {"one": _GAP, "negative": (refused("INVALID_RECORD"),), "zero": _NEW, "again": _KNOWN},
        since=((2, 5),),
    ),
    Promised(
        "wrap-inside",
        "sequences go on with 0 within a batch, too",
        "sources of Apache Kafka 4: DefaultRecordBatch.incrementSequence",
        {"across": _NEW, "again": _KNOWN, "goes-on": _NEW},
        since=((2, 5),),
    ),
    Promised(
        "newer-epoch",
        "a newer epoch begins with sequence 0, and everything of an older one is refused from then on",
        f"KIP-360; {_CHECKS}.checkProducerEpoch",
        {"new": _NEW, "new-again": _KNOWN, "old-again": _STALE, "old-next": _STALE, "new-next": _NEW},
        since=((2, 7),),
    ),
    Promised(
        "newer-epoch-ahead",
        "a newer epoch that does not begin with sequence 0 is out of order",
        f"{_CHECKS}.checkSequence",
        {"ahead": _GAP},
        since=((2, 5),),
    ),
    Promised(
        "older-epoch",
        "an older epoch is refused, also for a duplicate: the epoch is compared",
        f"{_STATE}.findDuplicateBatch; ProducerAppendInfo.checkProducerEpoch",
        {"again": _STALE, "next": _STALE, "goes-on": _NEW},
        since=((2, 7),),
    ),
    Promised(
        "unknown-producer",
        "a producer of which a partition knows nothing may begin",
        "KIP-98",
        {"zero": _NEW, "again": _KNOWN},
        since=((1, 0),),
    ),
    Promised(
        "unknown-producer-ahead",
        "a producer of which a partition knows nothing may begin with any sequence: its state may have expired",
        f"KIP-360; {_CHECKS}.checkSequence",
        {"seven": _NEW, "again": _KNOWN, "goes-on": _NEW},
        since=((2, 5),),
    ),
    Promised(
        "pipelined",
        "requests of a connection are taken one after the other, so the original is there when its duplicate comes",
        "protocol guide, Network; " + _STATE + ".findDuplicateBatch",
        {"twice": (f"{APPENDED} + {DEDUPLICATED}",), "interleaved": (f"{APPENDED} + 2 x {DEDUPLICATED}",)},
        since=((1, 0),),
    ),
    Promised(
        "two-connections",
        "a batch is checked and appended under the lock of its log, so that one of two is the duplicate",
        "sources of Apache Kafka 4: UnifiedLog.append",
        {f"at-once-{n}": (f"{APPENDED} + {DEDUPLICATED}",) for n in range(1, 6)},
        since=((1, 0),),
    ),
    Promised(
        "acks",
        "acks decides when the answer comes, not what is written: the broker asks for acks=all in no place",
        "sources of Apache Kafka 4: UnifiedLog.analyzeAndValidateProducerState",
        {
            "acks-1": _NEW,
            "acks-1-again": _KNOWN,
            "acks-0": (f"no answer asked for, {APPENDED}",),
            "acks-0-again": ("no answer asked for, not written",),
            "acks-all": _NEW,
            "acks-all-again": _KNOWN,
            "mixed": _KNOWN,
            "mixed-all": _KNOWN,
        },
        since=((1, 0),),
    ),
    Promised(
        "txn-fencing",
        "a producer is fenced by the next one with its transactional id: the coordinator says PRODUCER_FENCED, the "
        "partition INVALID_PRODUCER_EPOCH",
        "KIP-98, KIP-588",
        {
            "old-adds": (refused("PRODUCER_FENCED"),),
            "old-next": _STALE,
            "old-again": _STALE,
            "old-ends": (refused("PRODUCER_FENCED"),),
            "new-adds": (DONE,),
            "new-first": _NEW,
            "new-ends": (DONE,),
        },
        since=((2, 7),),
        spoken={"add_partitions_to_txn": (2, _ANY), "end_txn": (2, _ANY)},
    ),
    Promised(
        "txn-fencing",
        "a producer is fenced by the next one with its transactional id: INVALID_PRODUCER_EPOCH",
        "KIP-98",
        {
            "old-adds": _STALE,
            "old-next": _STALE,
            "old-again": _STALE,
            "old-ends": _STALE,
            "new-adds": (DONE,),
            "new-first": _NEW,
            "new-ends": (DONE,),
        },
        since=((2, 7),),
        spoken={"add_partitions_to_txn": (0, 1), "end_txn": (0, 1)},
    ),
    Promised(
        "txn-outside",
        "a transactional batch of a partition that is in no transaction is refused",
        "KIP-890, part 1",
        {
            "outside": (refused("TRANSACTION_ABORTABLE"), refused("INVALID_TXN_STATE")),
            "inside": _NEW,
            "again": _KNOWN,
            "plain": (refused("INVALID_TXN_STATE"),),
        },
        since=((3, 8),),
    ),
    Promised(
        "txn-outside-12",
        "from Produce 12 on the broker itself adds the partition to the transaction",
        "KIP-890, part 2",
        {"outside": _NEW, "end": (DONE,)},
        since=((4, 0),),
    ),
    Promised(
        "txn-after-end",
        "the end of a transaction moves the producer to a new epoch (EndTxn 5), so that what is late is refused",
        "KIP-890, part 2",
        {"again": _STALE, "next": _STALE},
        since=((4, 0),),
        spoken={"end_txn": (5, _ANY)},
    ),
    Promised(
        "txn-after-end",
        "a transactional batch of a partition that is in no transaction any more is refused",
        "KIP-890, part 1",
        {name: (refused("TRANSACTION_ABORTABLE"), refused("INVALID_TXN_STATE")) for name in ("again", "next")},
        since=((3, 8),),
        spoken={"end_txn": (0, 4)},
    ),
    Promised(
        "after-move",
        "who follows a leader keeps what it knows of producers, too: the last five batches of each",
        "sources of Apache Kafka 4: UnifiedLog.appendAsFollower",
        {**{f"back-{n}": _KNOWN for n in range(1, 6)}, "back-6": _GAP, "next": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "after-restart",
        "a snapshot of the producers' state keeps the last batch of each",
        "sources of Apache Kafka 4: ProducerStateManager.writeSnapshot",
        {"back-1": _KNOWN, **{f"back-{n}": _GAP for n in range(2, 7)}, "next": _NEW},
        since=((1, 0),),
    ),
    Promised(
        "after-restart",
        "what is remembered of a producer is as old as the time in its last batch; what is older than "
        "producer.id.expiration.ms (a day) is not loaded at a start",
        "sources of Apache Kafka 4: ProducerStateManager.isProducerExpired",
        {"old-again": _KNOWN, "old-after": _NEW},
        since=((1, 0),),
    ),
)
