"""Produce: batches to the log, and where they were put."""

from __future__ import annotations

from scapy.fields import SignedIntField, SignedLongField, SignedShortField

from .arrays import StructField, StructsField
from .fields import ErrorField, StringField, TimeField, TopicIdField
from .sets import BatchesField
from .structs import KafkaBody, KafkaStruct, since, until
from .tags import TaggedField, TagsField


class _Produce(KafkaStruct):
    API, ASSUMED = 0, 7


class ProducePartition(_Produce):
    name = "Partition"
    fields_desc = [SignedIntField("index", 0), BatchesField("records"), TagsField()]


class ProduceTopic(_Produce):
    """A topic by its name, or by its id since v13."""

    name = "Topic"
    fields_desc = [
        until(12, StringField("topic", "")),
        since(13, TopicIdField("topic_id")),
        StructsField("partition_data", [], ProducePartition),
        TagsField(),
    ]


class ProduceRequest(KafkaBody):
    """`acks` is -1 for all in-sync replicas, 1 for the leader alone, 0 for no answer at all."""

    API, ASSUMED, LATEST = 0, 7, 13
    name = "Produce request"
    fields_desc = [
        since(3, StringField("transactional_id", None)),
        SignedShortField("acks", -1),
        SignedIntField("timeout_ms", 30_000),
        StructsField("topic_data", [], ProduceTopic),
        TagsField(),
    ]


class RecordError(_Produce):
    """Why a record made its batch be refused (KIP-467)."""

    name = "Record error"
    fields_desc = [
        SignedIntField("batch_index", 0),
        StringField("batch_index_error_message", None),
        TagsField(),
    ]


class LeaderIdAndEpoch(_Produce):
    """Who leads the partition now, told with an error (KIP-951); -1 where that is not known."""

    name = "Current leader"
    fields_desc = [SignedIntField("leader_id", -1), SignedIntField("leader_epoch", -1), TagsField()]


class NodeEndpoint(_Produce):
    """Where a leader that was told can be reached (KIP-951)."""

    name = "Node endpoint"
    fields_desc = [
        SignedIntField("node_id", 0),
        StringField("host", ""),
        SignedIntField("port", 0),
        StringField("rack", None),
        TagsField(),
    ]


class ProducePartitionResponse(_Produce):
    """What became of a partition's batches; `base_offset` is -1 with an error."""

    name = "Partition"
    fields_desc = [
        SignedIntField("index", 0),
        ErrorField(),
        SignedLongField("base_offset", 0),
        since(2, TimeField("log_append_time_ms", -1)),
        since(5, SignedLongField("log_start_offset", -1)),
        since(8, StructsField("record_errors", [], RecordError)),
        since(8, StringField("error_message", None)),
        TaggedField(0, 10, StructField("current_leader", LeaderIdAndEpoch)),
        TagsField(),
    ]


class ProduceTopicResponse(_Produce):
    name = "Topic"
    fields_desc = [
        until(12, StringField("topic", "")),
        since(13, TopicIdField("topic_id")),
        StructsField("partition_responses", [], ProducePartitionResponse),
        TagsField(),
    ]


class ProduceResponse(KafkaBody):
    API, ASSUMED, LATEST = 0, 7, 13
    name = "Produce response"
    fields_desc = [
        StructsField("responses", [], ProduceTopicResponse),
        since(1, SignedIntField("throttle_time_ms", 0)),
        TaggedField(0, 10, StructsField("node_endpoints", None, NodeEndpoint)),
        TagsField(),
    ]
