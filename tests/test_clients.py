"""The registry of clients."""

from __future__ import annotations

import importlib

import pytest

from ackdrop import clients
from ackdrop.errors import UsageError
from ackdrop.scenario.spec import ConfigSpec


@pytest.mark.parametrize("name", sorted(clients.CLIENTS))
def test_every_client_has_a_driver_that_is_not_named_after_it(name: str) -> None:
    client = clients.find(name)
    assert client.driver.is_file()
    assert client.driver.stem not in {each.module for each in clients.CLIENTS.values()}


@pytest.mark.parametrize("name", sorted(clients.CLIENTS))
def test_what_a_client_lacks_is_what_its_driver_has_no_word_for(name: str) -> None:
    client = clients.find(name)
    driver = importlib.import_module(f"ackdrop.workload.{client.driver.stem}")
    assert set(ConfigSpec.model_fields) - set(driver.TABLE) == set(client.lacks)


def test_remedies_name_the_extra_or_the_interpreter() -> None:
    confluent, kafka = clients.find("confluent-kafka"), clients.find("kafka-python")
    assert confluent.remedy(None) == "pip install 'ackdrop[confluent-kafka]'"
    assert kafka.remedy(None) == "pip install kafka-python"
    assert confluent.remedy("venv/bin/python") == "venv/bin/python -m pip install confluent-kafka"


def test_an_unknown_client_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="'sarama'") as caught:
        clients.find("sarama")
    assert caught.value.remedy == "one of: kafka-python, confluent-kafka, aiokafka"
