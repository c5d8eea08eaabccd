"""The probe's requests as scapy's packets, made field by field; and what it wants to know of their answers.

This is the room's only door to `packets/`, and so to scapy: it costs a third of a second, and is imported late. An
answer that is not what the protocol says of its API and version gives an Answer that is `unreadable`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ..errors import UndecodableError
from ..kafka.codes import error_name
from ..packets import (
    AddPartitionsTopic,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    ApiVersionsRequest,
    EndTxnRequest,
    EndTxnResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    KafkaRequest,
    KafkaResponse,
    ProducePartition,
    ProduceRequest,
    ProduceResponse,
    ProduceTopic,
    Record,
    RecordBatch,
)
from .model import Answer, Batch

NEWEST = {
    "produce": ProduceRequest.LATEST,
    "init_producer_id": InitProducerIdRequest.LATEST,
    "add_partitions_to_txn": AddPartitionsToTxnRequest.LATEST,
    "end_txn": EndTxnRequest.LATEST,
    "find_coordinator": FindCoordinatorRequest.LATEST,
    "api_versions": ApiVersionsRequest.LATEST,
}
"""The newest version of each API that a packet can be made of."""

Identity = tuple[int, int]
"""A producer id and its epoch."""
Place = tuple[str, bytes | None, int]
"""A topic's name, its id (16 bytes) and a partition."""

_CLIENT = "ackdrop-probe"
_TIMEOUT_MS = 30_000
_NO_ID = bytes(16)
_PRODUCE, _FIND, _INIT, _ADD, _END = 0, 10, 22, 24, 26


def produce(
    version: int, number: int, place: Place, batch: Batch, acks: int, transactional_id: str | None = None
) -> bytes:
    """A Produce request of one batch, with the correlation id `number`. From version 13 on its topic goes by id."""
    topic, topic_id, partition = place
    body = ProduceRequest(
        transactional_id=transactional_id,
        acks=acks,
        timeout_ms=_TIMEOUT_MS,
        topic_data=ProduceTopic(
            topic=topic,
            topic_id=UUID(bytes=topic_id or _NO_ID),
            partition_data=ProducePartition(index=partition, records=_batch(batch)),
        ),
    )
    return _request(version, number, body)


def _batch(batch: Batch) -> RecordBatch:
    """The very same bytes for the same batch."""
    records = [Record(value=f"{batch.payload}{n}".encode()) for n in range(batch.records)]
    return RecordBatch(
        flags="transactional" if batch.transactional else 0,
        base_timestamp=batch.timestamp,
        producer_id=batch.producer_id,
        producer_epoch=batch.producer_epoch,
        base_sequence=batch.base_sequence,
        records=records,
    )


def init_producer_id(version: int, number: int, transactional_id: str | None) -> bytes:
    """InitProducerId: a new producer id, or the next epoch of a transactional one."""
    return _request(version, number, InitProducerIdRequest(transactional_id=transactional_id))


def find_coordinator(version: int, number: int, transactional_id: str) -> bytes:
    """FindCoordinator for a transactional id, from version 1 on."""
    body = FindCoordinatorRequest(key=transactional_id, key_type="transaction", coordinator_keys=[transactional_id])
    return _request(version, number, body)


def add_partition(
    version: int, number: int, transactional_id: str, producer: Identity, topic: str, partition: int
) -> bytes:
    """AddPartitionsToTxn for one partition, up to version 3."""
    body = AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=transactional_id,
        v3_and_below_producer_id=producer[0],
        v3_and_below_producer_epoch=producer[1],
        v3_and_below_topics=AddPartitionsTopic(topic=topic, partitions=[partition]),
    )
    return _request(version, number, body)


def end_txn(version: int, number: int, transactional_id: str, producer: Identity) -> bytes:
    """EndTxn, a commit."""
    body = EndTxnRequest(
        transactional_id=transactional_id, producer_id=producer[0], producer_epoch=producer[1], committed=1
    )
    return _request(version, number, body)


def api_versions(version: int, number: int) -> bytes:
    """ApiVersions, which every broker answers."""
    return _request(version, number, ApiVersionsRequest())


def _request(version: int, number: int, body: Any) -> bytes:
    return bytes(KafkaRequest(api_version=version, correlation_id=number, client_id=_CLIENT) / body)


def produced(version: int, frame: memoryview) -> Answer:
    """What became of the batch."""

    def told(body: Any) -> tuple[Answer, None]:
        entry = _one(_one(body.responses).partition_responses)
        text = entry.error_message if version >= 8 else None
        return _answer(entry.error_code, entry.base_offset, text), None

    return _read(_PRODUCE, ProduceResponse, version, frame, told)[0]


def granted(version: int, frame: memoryview) -> tuple[Answer, Identity | None]:
    """The producer id and epoch; None with an error."""

    def told(body: Any) -> tuple[Answer, Identity | None]:
        return _answer(body.error_code), None if body.error_code else (body.producer_id, body.producer_epoch)

    return _read(_INIT, InitProducerIdResponse, version, frame, told)


def coordinator(version: int, frame: memoryview) -> tuple[Answer, int | None]:
    """The coordinator's node id; None with an error."""

    def told(body: Any) -> tuple[Answer, int | None]:
        one = _one(body.coordinators) if version >= 4 else body
        return _answer(one.error_code, text=one.error_message), None if one.error_code else one.node_id

    return _read(_FIND, FindCoordinatorResponse, version, frame, told)


def added(version: int, frame: memoryview) -> tuple[Answer, None]:
    """Whether the partition belongs to the transaction now."""

    def told(body: Any) -> tuple[Answer, None]:
        entry = _one(_one(body.results_by_topic_v3_and_below).results_by_partition)
        return _answer(entry.partition_error_code), None

    return _read(_ADD, AddPartitionsToTxnResponse, version, frame, told)


def ended(version: int, frame: memoryview) -> tuple[Answer, Identity | None]:
    """Whether the transaction is at its end; from version 5 on with the identity that goes on (KIP-890)."""

    def told(body: Any) -> tuple[Answer, Identity | None]:
        goes_on = version >= 5 and not body.error_code and body.producer_id >= 0
        return _answer(body.error_code), (body.producer_id, body.producer_epoch) if goes_on else None

    return _read(_END, EndTxnResponse, version, frame, told)


def _answer(code: int, base_offset: int | None = None, text: str | None = None) -> Answer:
    told = text and text.encode("utf-8", "replace").decode()  # what is no UTF-8 came as surrogates
    return Answer("answered", error_name(code), base_offset, told)


def _one(found: list[Any] | None) -> Any:
    """The only element of what may be null. Raises UndecodableError."""
    if found is None or len(found) != 1:
        raise UndecodableError(f"it tells of {len(found or ())}, and not of one")
    return found[0]


def _read(
    key: int, body: type[Any], version: int, frame: memoryview, told: Callable[[Any], tuple[Answer, Any]]
) -> tuple[Answer, Any]:
    """What `told` finds in the body of this answer."""
    try:
        answer = KafkaResponse(bytes(frame), api_key=key, api_version=version)
        if not isinstance(answer.payload, body):
            raise UndecodableError("it has no such body")
        return told(answer.payload)
    except UndecodableError as error:
        return Answer("unreadable", text=f"the answer cannot be read: {error}"), None
