"""An application for the compose file: writes an order every 50 ms, each under its own key, until it is stopped."""

import os
import signal
import threading
import uuid

from kafka import KafkaProducer

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
signal.signal(signal.SIGINT, lambda *_: stopped.set())

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    enable_idempotence=os.environ.get("IDEMPOTENCE", "true") == "true",
    acks="all",
    retries=10,
    request_timeout_ms=3000,
)
count = 0
while not stopped.wait(0.05):
    producer.send("orders", key=uuid.uuid4().hex.encode(), value=b"order %d" % count)
    count += 1
producer.flush(30)
producer.close()
print(f"{count} orders were sent", flush=True)
