"""What the tests of the orders share."""

from __future__ import annotations

import uuid

import pytest
from kafka import KafkaAdminClient


@pytest.fixture
def topic(ackdrop_broker):
    """A topic of the test's own, made past the proxy."""
    name = f"ackdrop-orders-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=ackdrop_broker.bootstrap)
    admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()
    return name
