"""What `show()` prints."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.config import conf
from scapy.layers.inet import IP, TCP
from scapy.themes import ColorOnBlackTheme

from ackdrop.packets import (
    AbortedTransaction,
    ControlRecord,
    FetchPartitionResponse,
    FetchResponse,
    FetchTopicResponse,
    KafkaRequest,
    KafkaResponse,
    MetadataRequest,
    MetadataRequestTopic,
    ProducePartition,
    ProduceRequest,
    ProduceTopic,
    Record,
    RecordBatch,
    RecordHeader,
    UnknownTag,
)

PRODUCE = """\
###[ Kafka request ]###
  length         = 121
  api_key        = produce (0)
  api_version    = 9
  correlation_id = 7
  client_id      = 'me'
###[ Produce request ]###
     transactional_id = null
     acks             = -1
     timeout_ms       = 30000
     \\topic_data      \\
      |###[ Topic ]###
      |  topic          = 'or\\x1bders'
      |  \\partition_data\\
      |   |###[ Partition ]###
      |   |  index   = 0
      |   |  \\records\\
      |   |   |###[ Record batch ]###
      |   |   |  base_offset            = 0
      |   |   |  batch_length           = 68
      |   |   |  partition_leader_epoch = -1
      |   |   |  magic                  = 2
      |   |   |  crc                    = 0x00000001 (wrong: 0x8bd86214 is right)
      |   |   |  flags                  = none
      |   |   |  compression            = none
      |   |   |  last_offset_delta      = 1
      |   |   |  base_timestamp         = 1700000000123 (2023-11-14 22:13:20.123)
      |   |   |  max_timestamp          = 1700000000125 (2023-11-14 22:13:20.125)
      |   |   |  producer_id            = -1
      |   |   |  producer_epoch         = -1
      |   |   |  base_sequence          = -1
      |   |   |  records_count          = 2
      |   |   |  \\records               \\
      |   |   |   |###[ Record ]###
      |   |   |   |  length          = 11
      |   |   |   |  attributes      = 0
      |   |   |   |  timestamp_delta = 0
      |   |   |   |  offset_delta    = 0
      |   |   |   |  key             = null
      |   |   |   |  value           = b'v'
      |   |   |   |  \\headers        \\
      |   |   |   |   |###[ Record header ]###
      |   |   |   |   |  key   = 'h'
      |   |   |   |   |  value = b'1'
      |   |   |   |###[ Record ]###
      |   |   |   |  length          = 6
      |   |   |   |  attributes      = 0
      |   |   |   |  timestamp_delta = 2
      |   |   |   |  offset_delta    = 1
      |   |   |   |  key             = null
      |   |   |   |  value           = null
      |   |   |   |  headers         = []
      |  \\tags          \\
      |   |###[ Tagged field ]###
      |   |  tag  = 9
      |   |  data = b'?'
"""


def test_a_produce_request() -> None:
    records = [Record(value=b"v", headers=RecordHeader(key="h", value=b"1")), Record(value=None, timestamp_delta=2)]
    batch = RecordBatch(crc=1, base_timestamp=1_700_000_000_123, records=records)
    topic = ProduceTopic(
        topic="or\x1bders", partition_data=ProducePartition(records=batch), tags=UnknownTag(tag=9, data=b"?")
    )
    request = KafkaRequest(correlation_id=7, client_id="me", api_version=9) / ProduceRequest(topic_data=topic)
    assert request.show2(dump=True) == PRODUCE


def test_a_fetch_response_names_errors_ids_and_the_ends_of_transactions() -> None:
    marker = RecordBatch(flags="transactional+control", records=ControlRecord(key="commit", value=bytes(6)))
    partition = FetchPartitionResponse(
        error_code="OFFSET_OUT_OF_RANGE", aborted_transactions=AbortedTransaction(producer_id=4), records=marker
    )
    topic = FetchTopicResponse(topic_id="AAECAwQFBgcICQoLDA0ODw", partitions=partition)
    response = KafkaResponse(api_version=13) / FetchResponse(responses=[topic, FetchTopicResponse()])
    text = str(response.show2(dump=True))
    for line in (
        "api_key        = fetch (1)",
        "topic_id   = AAECAwQFBgcICQoLDA0ODw",
        "topic_id   = none",
        "partitions = []",
        "error_code             = OFFSET_OUT_OF_RANGE (1)",
        "flags                  = transactional+control",
        "key             = commit (b'\\x00\\x00\\x00\\x01')",
        "###[ Aborted transaction ]###",
        "###[ Control record ]###",
    ):
        assert line in text
    assert " topic " not in text  # a version that names topics by their ids
    assert KafkaResponse(bytes(response), api_key=1, api_version=13)[ControlRecord].marker == "commit"


def test_null_and_all_zero_are_shown_as_such() -> None:
    every = KafkaRequest(api_version=12) / MetadataRequest()
    assert "topics                              = null" in str(every.show(dump=True))
    one = KafkaRequest(api_version=12) / MetadataRequest(topics=MetadataRequestTopic(topic=None))
    text = str(one.show(dump=True))
    assert "topic_id = none" in text
    assert "topic    = null" in text


def test_a_response_without_its_request_says_so() -> None:
    text = str(KafkaResponse(bytes(KafkaResponse(correlation_id=3) / b"abc")).show(dump=True))
    assert "api_version    = unknown without its request" in text
    assert "load      = b'abc'" in text


def test_it_prints_and_colours_as_scapy_does(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "color_theme", ColorOnBlackTheme())
    (IP() / TCP() / KafkaRequest() / MetadataRequest()).show()
    printed = capsys.readouterr().out
    assert "Metadata request" in printed
    assert "\x1b[" in printed


def test_a_summary_is_one_line() -> None:
    assert (KafkaRequest(correlation_id=3) / MetadataRequest()).summary() == (
        "Kafka metadata v7 request 3 / MetadataRequest"
    )
    assert KafkaResponse(correlation_id=3).summary() == "Kafka response 3"
