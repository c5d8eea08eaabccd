"""The project's own program: writes orders to the broker that the environment names."""

import os

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    enable_idempotence=os.environ["IDEMPOTENCE"] == "true",
    acks="all",
    retries=5,
    request_timeout_ms=2000,
    retry_backoff_ms=20,
)
for number in range(6):
    producer.send(os.environ["TOPIC"], b"order %d" % number).get(15)
producer.close()
