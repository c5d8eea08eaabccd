"""Producer ids and transactions: InitProducerId, AddPartitionsToTxn, EndTxn."""

from __future__ import annotations

from scapy.fields import SignedIntField, SignedLongField, SignedShortField

from .arrays import ArrayField, StructsField
from .fields import BoolField, ErrorField, StringField
from .structs import KafkaBody, KafkaStruct, since, until
from .tags import TagsField


class InitProducerIdRequest(KafkaBody):
    """A producer id for an idempotent producer (no `transactional_id`) or a transactional one.

    With the id and epoch that it had (v3, KIP-360) a producer asks for its next epoch.
    """

    API, ASSUMED, LATEST = 22, 3, 6
    name = "InitProducerId request"
    fields_desc = [
        StringField("transactional_id", None),
        SignedIntField("transaction_timeout_ms", 60_000),
        since(3, SignedLongField("producer_id", -1)),
        since(3, SignedShortField("producer_epoch", -1)),
        since(6, BoolField("enable_2pc", 0)),
        since(6, BoolField("keep_prepared_txn", 0)),
        TagsField(),
    ]


class InitProducerIdResponse(KafkaBody):
    API, ASSUMED, LATEST = 22, 3, 6
    name = "InitProducerId response"
    fields_desc = [
        SignedIntField("throttle_time_ms", 0),
        ErrorField(),
        SignedLongField("producer_id", -1),
        SignedShortField("producer_epoch", 0),
        since(6, SignedLongField("ongoing_txn_producer_id", -1)),
        since(6, SignedShortField("ongoing_txn_producer_epoch", -1)),
        TagsField(),
    ]


class _AddPartitionsToTxn(KafkaStruct):
    API, ASSUMED = 24, 2


class AddPartitionsTopic(_AddPartitionsToTxn):
    name = "Topic"
    fields_desc = [
        StringField("topic", ""),
        ArrayField("partitions", [], SignedIntField("partition", 0)),
        TagsField(),
    ]


class AddPartitionsTransaction(_AddPartitionsToTxn):
    name = "Transaction"
    fields_desc = [
        StringField("transactional_id", ""),
        SignedLongField("producer_id", -1),
        SignedShortField("producer_epoch", 0),
        BoolField("verify_only", 0),
        StructsField("topics", [], AddPartitionsTopic),
        TagsField(),
    ]


class AddPartitionsToTxnRequest(KafkaBody):
    """Clients use up to v3; from v4 on brokers ask for several transactions at once (KIP-890)."""

    API, ASSUMED, LATEST = 24, 2, 5
    name = "AddPartitionsToTxn request"
    fields_desc = [
        since(4, StructsField("transactions", [], AddPartitionsTransaction)),
        until(3, StringField("v3_and_below_transactional_id", "")),
        until(3, SignedLongField("v3_and_below_producer_id", -1)),
        until(3, SignedShortField("v3_and_below_producer_epoch", 0)),
        until(3, StructsField("v3_and_below_topics", [], AddPartitionsTopic)),
        TagsField(),
    ]


class AddPartitionsPartitionResult(_AddPartitionsToTxn):
    name = "Partition"
    fields_desc = [SignedIntField("partition_index", 0), ErrorField("partition_error_code"), TagsField()]


class AddPartitionsTopicResult(_AddPartitionsToTxn):
    name = "Topic"
    fields_desc = [
        StringField("topic", ""),
        StructsField("results_by_partition", [], AddPartitionsPartitionResult),
        TagsField(),
    ]


class AddPartitionsResult(_AddPartitionsToTxn):
    name = "Transaction"
    fields_desc = [
        StringField("transactional_id", ""),
        StructsField("topic_results", [], AddPartitionsTopicResult),
        TagsField(),
    ]


class AddPartitionsToTxnResponse(KafkaBody):
    API, ASSUMED, LATEST = 24, 2, 5
    name = "AddPartitionsToTxn response"
    fields_desc = [
        SignedIntField("throttle_time_ms", 0),
        since(4, ErrorField()),
        since(4, StructsField("results_by_transaction", [], AddPartitionsResult)),
        until(3, StructsField("results_by_topic_v3_and_below", [], AddPartitionsTopicResult)),
        TagsField(),
    ]


class EndTxnRequest(KafkaBody):
    """Commit, or abort: `committed`."""

    API, ASSUMED, LATEST = 26, 2, 5
    name = "EndTxn request"
    fields_desc = [
        StringField("transactional_id", ""),
        SignedLongField("producer_id", -1),
        SignedShortField("producer_epoch", 0),
        BoolField("committed", 1),
        TagsField(),
    ]


class EndTxnResponse(KafkaBody):
    """Since v5 the producer goes on with another epoch, told here (KIP-890)."""

    API, ASSUMED, LATEST = 26, 2, 5
    name = "EndTxn response"
    fields_desc = [
        SignedIntField("throttle_time_ms", 0),
        ErrorField(),
        since(5, SignedLongField("producer_id", -1)),
        since(5, SignedShortField("producer_epoch", -1)),
        TagsField(),
    ]
