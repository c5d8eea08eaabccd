"""The neutral words, in each client's own terms; and that the clients know these terms."""

from __future__ import annotations

import importlib
import inspect
import json
from typing import Any

import aiokafka
import confluent_kafka
import pytest

from ackdrop.workload import drive_aiokafka, drive_confluent, drive_kafka_python, words

pytestmark = pytest.mark.filterwarnings(
    "ignore:(read|open)_text is deprecated:DeprecationWarning"
)  # kafka, at its import

EVERY_WORD = {
    "acks": "all",
    "retries": 5,
    "request_timeout": 3.0,
    "delivery_timeout": 12.5,
    "retry_backoff": 0.25,
    "linger": 0.005,
    "batch_size": 4096,
    "max_in_flight": 2,
    "compression": "gzip",
}


def test_kafka_python_has_every_word() -> None:
    kafka = importlib.import_module("kafka")
    config, missing = words.translate(EVERY_WORD, drive_kafka_python.TABLE, kafka.KafkaProducer.DEFAULT_CONFIG)
    assert missing == []
    assert config == {
        "acks": "all",
        "retries": 5,
        "request_timeout_ms": 3000,
        "delivery_timeout_ms": 12500,
        "retry_backoff_ms": 250,
        "linger_ms": 5,
        "batch_size": 4096,
        "max_in_flight_requests_per_connection": 2,
        "compression_type": "gzip",
    }


def test_confluent_has_every_word_and_takes_it() -> None:
    config, missing = words.translate(EVERY_WORD, drive_confluent.TABLE)
    assert missing == []
    assert config == {
        "acks": "all",
        "retries": 5,
        "socket.timeout.ms": 3000,
        "request.timeout.ms": 3000,
        "delivery.timeout.ms": 12500,
        "retry.backoff.ms": 250,
        "linger.ms": 5,
        "batch.size": 4096,
        "max.in.flight.requests.per.connection": 2,
        "compression.type": "gzip",
    }
    confluent_kafka.Producer(config)


def test_aiokafka_lacks_some() -> None:
    defaults = drive_aiokafka.defaults_of(aiokafka)
    config, missing = words.translate(EVERY_WORD, drive_aiokafka.TABLE, defaults)
    assert missing == ["retries", "delivery_timeout", "max_in_flight"]
    assert config == {
        "acks": "all",
        "request_timeout_ms": 3000,
        "retry_backoff_ms": 250,
        "linger_ms": 5,
        "max_batch_size": 4096,
        "compression_type": "gzip",
    }
    assert set(config) <= set(inspect.signature(aiokafka.AIOKafkaProducer.__init__).parameters)


def test_an_older_version_lacks_what_it_does_not_know() -> None:
    config, missing = words.translate(EVERY_WORD, drive_kafka_python.TABLE, known={"acks", "retries"})
    assert config == {"acks": "all", "retries": 5}
    assert "delivery_timeout" in missing


def test_a_word_that_is_none_is_the_clients_own_affair() -> None:
    assert words.translate({"retries": None}, drive_aiokafka.TABLE) == ({}, [])


@pytest.mark.parametrize("table", [drive_kafka_python.TABLE, drive_aiokafka.TABLE])
def test_no_compression_as_python_says_it(table: words.Table) -> None:
    assert words.translate({"compression": "none"}, table)[0] == {"compression_type": None}
    assert words.translate({"compression": "zstd"}, table)[0] == {"compression_type": "zstd"}


def test_the_effective_settings_show_defaults_and_hide_secrets() -> None:
    defaults: dict[str, Any] = {"retries": float("inf"), "linger_ms": 0, "acks": object()}
    config = {"acks": 1, "sasl_plain_password": "hunter2", "ssl.key.pem": "-----", "partitioner": object()}
    seen = words.effective(config, drive_kafka_python.TABLE, defaults)
    assert seen == {"retries": "inf", "linger_ms": 0, "acks": 1, "sasl_plain_password": "***", "ssl.key.pem": "***"}
    json.dumps(seen, allow_nan=False)


def test_texts_lose_secrets_and_length() -> None:
    settings = {"sasl.password": "hunter2", "acks": "all"}
    assert words.redact("bad login\n  hunter2, acks all", settings) == "bad login ***, acks all"
    assert len(words.redact("x" * 5000, {})) == 500
