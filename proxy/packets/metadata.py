"""Where everything is: Metadata and FindCoordinator."""

from __future__ import annotations

from typing import Any

from scapy.fields import SignedIntField

from .arrays import ArrayField, StructsField
from .fields import BoolField, ErrorField, Int8EnumField, StringField, TopicIdField
from .structs import KafkaBody, KafkaStruct, between, since, until
from .tags import TagsField

NOT_ASKED = -(1 << 31)
"""What authorized operations are where nobody asked for them."""


class _Metadata(KafkaStruct):
    API, ASSUMED = 3, 7


class MetadataRequestTopic(_Metadata):
    """A topic by its name or, since v10, by its id."""

    name = "Topic"
    fields_desc = [since(10, TopicIdField("topic_id")), StringField("topic", ""), TagsField()]


class TopicsField(StructsField):
    """The topics that are asked for. In v0 no list is an empty one: there is no null, and either means all of them."""

    def addfield(self, pkt: Any, s: bytes, val: Any) -> bytes:
        return super().addfield(pkt, s, val if val is not None or pkt.version() else [])


class MetadataRequest(KafkaBody):
    """No list of topics asks for all of them; in v0 that is an empty list, since v1 an empty one asks for none."""

    API, ASSUMED, LATEST = 3, 7, 13
    name = "Metadata request"
    fields_desc = [
        TopicsField("topics", None, MetadataRequestTopic),
        since(4, BoolField("allow_auto_topic_creation", 1)),
        between(8, 10, BoolField("include_cluster_authorized_operations", 0)),
        since(8, BoolField("include_topic_authorized_operations", 0)),
        TagsField(),
    ]


class MetadataBroker(_Metadata):
    name = "Broker"
    fields_desc = [
        SignedIntField("node_id", 0),
        StringField("host", ""),
        SignedIntField("port", 9092),
        since(1, StringField("rack", None)),
        TagsField(),
    ]


class MetadataPartition(_Metadata):
    name = "Partition"
    fields_desc = [
        ErrorField(),
        SignedIntField("partition_index", 0),
        SignedIntField("leader_id", 0),
        since(7, SignedIntField("leader_epoch", -1)),
        ArrayField("replica_nodes", [], SignedIntField("node_id", 0)),
        ArrayField("isr_nodes", [], SignedIntField("node_id", 0)),
        since(5, ArrayField("offline_replicas", [], SignedIntField("node_id", 0))),
        TagsField(),
    ]


class MetadataTopic(_Metadata):
    name = "Topic"
    fields_desc = [
        ErrorField(),
        StringField("topic", ""),
        since(10, TopicIdField("topic_id")),
        since(1, BoolField("is_internal", 0)),
        StructsField("partitions", [], MetadataPartition),
        since(8, SignedIntField("topic_authorized_operations", NOT_ASKED)),
        TagsField(),
    ]


class MetadataResponse(KafkaBody):
    API, ASSUMED, LATEST = 3, 7, 13
    name = "Metadata response"
    fields_desc = [
        since(3, SignedIntField("throttle_time_ms", 0)),
        StructsField("brokers", [], MetadataBroker),
        since(2, StringField("cluster_id", None)),
        since(1, SignedIntField("controller_id", -1)),
        StructsField("topics", [], MetadataTopic),
        between(8, 10, SignedIntField("cluster_authorized_operations", NOT_ASKED)),
        since(13, ErrorField()),
        TagsField(),
    ]


class _FindCoordinator(KafkaStruct):
    API, ASSUMED = 10, 2


class FindCoordinatorRequest(KafkaBody):
    """Who coordinates this group, transactional id or share partition; since v4 several at once (KIP-699)."""

    API, ASSUMED, LATEST = 10, 2, 6
    name = "FindCoordinator request"
    fields_desc = [
        until(3, StringField("key", "")),
        since(1, Int8EnumField("key_type", 0, {0: "group", 1: "transaction", 2: "share"})),
        since(4, ArrayField("coordinator_keys", [], StringField("key", ""))),
        TagsField(),
    ]


class Coordinator(_FindCoordinator):
    name = "Coordinator"
    fields_desc = [
        StringField("key", ""),
        SignedIntField("node_id", -1),
        StringField("host", ""),
        SignedIntField("port", -1),
        ErrorField(),
        StringField("error_message", None),
        TagsField(),
    ]


class FindCoordinatorResponse(KafkaBody):
    API, ASSUMED, LATEST = 10, 2, 6
    name = "FindCoordinator response"
    fields_desc = [
        since(1, SignedIntField("throttle_time_ms", 0)),
        until(3, ErrorField()),
        between(1, 3, StringField("error_message", None)),
        until(3, SignedIntField("node_id", -1)),
        until(3, StringField("host", "")),
        until(3, SignedIntField("port", -1)),
        since(4, StructsField("coordinators", [], Coordinator)),
        TagsField(),
    ]
