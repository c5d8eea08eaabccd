from __future__ import annotations

import pytest

from ackdrop.kafka import bodies
from ackdrop.kafka.apis import API_NAMES, FIRST_FLEXIBLE, NEVER, api_key, api_name


def test_names_and_keys_are_each_others_inverse() -> None:
    assert [api_key(api_name(key)) for key in API_NAMES] == list(API_NAMES)
    assert (api_name(0), api_name(18), api_name(60)) == ("produce", "api_versions", "describe_cluster")


def test_an_unknown_key_has_a_name_and_an_unknown_name_no_key() -> None:
    assert api_name(999) == "api_999"
    with pytest.raises(KeyError):
        api_key("api_999")


def test_kafka_python_agrees_on_every_key_and_first_flexible_version() -> None:
    known = 0
    for key, name in API_NAMES.items():
        try:
            message = bodies._message_class(name, "Request")
        except KeyError:
            continue
        known += 1
        first, _ = message._flexible_versions
        assert (message.API_KEY, FIRST_FLEXIBLE[key]) == (key, NEVER if first < 0 else first), name
    assert known > 40
