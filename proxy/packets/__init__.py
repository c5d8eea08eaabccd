"""Kafka as scapy's packets: looked at and made by hand, never on the data path.

This is the only room that imports scapy, and whoever needs it imports it late: it takes a third of a second.

A request is made by hand like any of scapy's packets, and its answer read with the request that it answers:

    request = KafkaRequest(correlation_id=7, client_id="me") / ProduceRequest(
        acks=-1,
        topic_data=ProduceTopic(topic="orders", partition_data=ProducePartition(index=0, records=RecordBatch(
            producer_id=1000, producer_epoch=0, base_sequence=0, records=[Record(key=b"k", value=b"v")]))),
    )
    stream.sendall(bytes(request))                              # lengths, counts and CRC are computed
    answer = KafkaResponse(frame, request=request)              # `frame` with its four length bytes
    answer.responses[0].partition_responses[0].error_code       # 0
    answer.show()

The version is the header's: `KafkaRequest(api_version=9) / ProduceRequest()`. Where it is not given it is the newest
one that Redpanda and Apache Kafka 4 both speak (each body's `ASSUMED`): Produce 7, Fetch 11, Metadata 7,
FindCoordinator 2, SaslHandshake 1, ApiVersions 3, InitProducerId 3, AddPartitionsToTxn 2, EndTxn 2. Fields that a
version does not have are neither written nor shown.

    fields.py        strings, bytes, UUIDs, varints, names for numbers
    structs.py       what depends on the version; bytes that stay as they were
    arrays.py, tags.py    structures as fields; tagged fields
    columns.py       what `show()` prints
    frames.py, headers.py    lengths, request and response headers, and what a response answers
    computed.py      lengths, counts and check sums
    codecs.py        opening what is compressed, within limits
    records.py, batches.py    records, and the batches that hold them
    messages.py      what stood in the place of batches before Kafka 0.11
    sets.py          a partition's batches, one after the other
    produce.py, fetch.py, metadata.py, transactions.py, connecting.py    the bodies
    apis.py          which body a header carries
    conversation.py  which request each response answers
    tcp.py           segments, port 9092, a session for scapy's `sniff`
    files.py         capture files, packet by packet
    shown.py         a frame with all of its fields, for `ackdrop capture show`

Fields have Kafka's own names in snake_case, but for `Name`: a packet of scapy has one already, so it is `topic`,
`feature`, ….
"""

from __future__ import annotations

from .apis import BODIES
from .batches import RecordBatch
from .connecting import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeature,
    SaslHandshakeRequest,
    SaslHandshakeResponse,
    SupportedFeature,
)
from .fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchPartition,
    FetchPartitionResponse,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    FetchTopicResponse,
    ForgottenTopic,
    ReplicaState,
    SnapshotId,
)
from .headers import KafkaRequest, KafkaResponse
from .messages import Message
from .metadata import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    MetadataBroker,
    MetadataPartition,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataTopic,
)
from .produce import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    ProducePartition,
    ProducePartitionResponse,
    ProduceRequest,
    ProduceResponse,
    ProduceTopic,
    ProduceTopicResponse,
    RecordError,
)
from .records import ControlRecord, Record, RecordHeader
from .tags import UnknownTag
from .transactions import (
    AddPartitionsPartitionResult,
    AddPartitionsResult,
    AddPartitionsTopic,
    AddPartitionsTopicResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsTransaction,
    EndTxnRequest,
    EndTxnResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
)

__all__ = [
    "BODIES",
    "AbortedTransaction",
    "AddPartitionsPartitionResult",
    "AddPartitionsResult",
    "AddPartitionsToTxnRequest",
    "AddPartitionsToTxnResponse",
    "AddPartitionsTopic",
    "AddPartitionsTopicResult",
    "AddPartitionsTransaction",
    "ApiVersion",
    "ApiVersionsRequest",
    "ApiVersionsResponse",
    "ControlRecord",
    "Coordinator",
    "EndTxnRequest",
    "EndTxnResponse",
    "EpochEndOffset",
    "FetchPartition",
    "FetchPartitionResponse",
    "FetchRequest",
    "FetchResponse",
    "FetchTopic",
    "FetchTopicResponse",
    "FinalizedFeature",
    "FindCoordinatorRequest",
    "FindCoordinatorResponse",
    "ForgottenTopic",
    "InitProducerIdRequest",
    "InitProducerIdResponse",
    "KafkaRequest",
    "KafkaResponse",
    "LeaderIdAndEpoch",
    "Message",
    "MetadataBroker",
    "MetadataPartition",
    "MetadataRequest",
    "MetadataRequestTopic",
    "MetadataResponse",
    "MetadataTopic",
    "NodeEndpoint",
    "ProducePartition",
    "ProducePartitionResponse",
    "ProduceRequest",
    "ProduceResponse",
    "ProduceTopic",
    "ProduceTopicResponse",
    "Record",
    "RecordBatch",
    "RecordError",
    "RecordHeader",
    "ReplicaState",
    "SaslHandshakeRequest",
    "SaslHandshakeResponse",
    "SnapshotId",
    "SupportedFeature",
    "UnknownTag",
]
