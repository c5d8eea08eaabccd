"""Fetch: from the log, batch by batch."""

from __future__ import annotations

from scapy.fields import SignedIntField, SignedLongField

from .arrays import ArrayField, StructField, StructsField
from .fields import ErrorField, Int8EnumField, StringField, TopicIdField
from .produce import LeaderIdAndEpoch, NodeEndpoint
from .sets import BatchesField
from .structs import KafkaBody, KafkaStruct, since, until
from .tags import TaggedField, TagsField

EVERYTHING = 0x7FFFFFFF
FROM_NOWHERE = 0x7FFFFFFF_FFFFFFFF


class _Fetch(KafkaStruct):
    API, ASSUMED = 1, 11


class FetchPartition(_Fetch):
    name = "Partition"
    fields_desc = [
        SignedIntField("partition", 0),
        since(9, SignedIntField("current_leader_epoch", -1)),
        SignedLongField("fetch_offset", 0),
        since(12, SignedIntField("last_fetched_epoch", -1)),
        since(5, SignedLongField("log_start_offset", -1)),
        SignedIntField("partition_max_bytes", 1 << 20),
        TaggedField(0, 17, TopicIdField("replica_directory_id", None)),
        TaggedField(1, 18, SignedLongField("high_watermark", None)),
        TagsField(),
    ]


class FetchTopic(_Fetch):
    """A topic by its name, or by its id since v13."""

    name = "Topic"
    fields_desc = [
        until(12, StringField("topic", "")),
        since(13, TopicIdField("topic_id")),
        StructsField("partitions", [], FetchPartition),
        TagsField(),
    ]


class ForgottenTopic(_Fetch):
    """Partitions that leave the session (KIP-227)."""

    name = "Forgotten topic"
    fields_desc = [
        until(12, StringField("topic", "")),
        since(13, TopicIdField("topic_id")),
        ArrayField("partitions", [], SignedIntField("partition", 0)),
        TagsField(),
    ]


class ReplicaState(_Fetch):
    """Which follower asks, and since when it has been one; consumers do not send it."""

    name = "Replica"
    fields_desc = [SignedIntField("replica_id", -1), SignedLongField("replica_epoch", -1), TagsField()]


class FetchRequest(KafkaBody):
    """The defaults are those of a consumer without a session."""

    API, ASSUMED, LATEST = 1, 11, 18
    name = "Fetch request"
    fields_desc = [
        TaggedField(0, 12, StringField("cluster_id", None)),
        until(14, SignedIntField("replica_id", -1)),
        TaggedField(1, 15, StructField("replica_state", ReplicaState)),
        SignedIntField("max_wait_ms", 500),
        SignedIntField("min_bytes", 1),
        since(3, SignedIntField("max_bytes", EVERYTHING)),
        since(4, Int8EnumField("isolation_level", 0, {0: "read_uncommitted", 1: "read_committed"})),
        since(7, SignedIntField("session_id", 0)),
        since(7, SignedIntField("session_epoch", -1)),
        StructsField("topics", [], FetchTopic),
        since(7, StructsField("forgotten_topics_data", [], ForgottenTopic)),
        since(11, StringField("rack_id", "")),
        TagsField(),
    ]


class EpochEndOffset(_Fetch):
    """Where the log of a follower and that of its leader part."""

    name = "Diverging epoch"
    fields_desc = [SignedIntField("epoch", -1), SignedLongField("end_offset", -1), TagsField()]


class SnapshotId(_Fetch):
    name = "Snapshot"
    fields_desc = [SignedLongField("end_offset", -1), SignedIntField("epoch", -1), TagsField()]


class AbortedTransaction(_Fetch):
    name = "Aborted transaction"
    fields_desc = [SignedLongField("producer_id", 0), SignedLongField("first_offset", 0), TagsField()]


class FetchPartitionResponse(_Fetch):
    name = "Partition"
    fields_desc = [
        SignedIntField("partition_index", 0),
        ErrorField(),
        SignedLongField("high_watermark", 0),
        since(4, SignedLongField("last_stable_offset", -1)),
        since(5, SignedLongField("log_start_offset", -1)),
        TaggedField(0, 12, StructField("diverging_epoch", EpochEndOffset)),
        TaggedField(1, 12, StructField("current_leader", LeaderIdAndEpoch)),
        TaggedField(2, 12, StructField("snapshot_id", SnapshotId)),
        since(4, StructsField("aborted_transactions", None, AbortedTransaction)),
        since(11, SignedIntField("preferred_read_replica", -1)),
        BatchesField("records"),
        TagsField(),
    ]


class FetchTopicResponse(_Fetch):
    name = "Topic"
    fields_desc = [
        until(12, StringField("topic", "")),
        since(13, TopicIdField("topic_id")),
        StructsField("partitions", [], FetchPartitionResponse),
        TagsField(),
    ]


class FetchResponse(KafkaBody):
    API, ASSUMED, LATEST = 1, 11, 18
    name = "Fetch response"
    fields_desc = [
        since(1, SignedIntField("throttle_time_ms", 0)),
        since(7, ErrorField()),
        since(7, SignedIntField("session_id", 0)),
        StructsField("responses", [], FetchTopicResponse),
        TaggedField(0, 16, StructsField("node_endpoints", None, NodeEndpoint)),
        TagsField(),
    ]
