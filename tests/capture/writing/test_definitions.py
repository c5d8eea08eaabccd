"""Where credentials stand is what Kafka's own definitions say, in every version that its jar knows."""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest
import trio

from ackdrop.broker import jars
from ackdrop.capture.writing.blanking import Dialogue
from ackdrop.capture.writing.secrets import _ANSWERS, _REQUESTS

from ...definitions import Field, Message, definitions

pytestmark = pytest.mark.integration

Messages = dict[tuple[int, Any], Message]
NAMES = re.compile(r"AuthBytes|Hmac|Salt|Password|Secret|Credential$")
TABLES: dict[str, Any] = {"request": _REQUESTS, "response": _ANSWERS}
CREATE_TOPICS, DESCRIBE_CONFIGS = 19, 32
METADATA = struct.pack(">ihhihi", 14, 3, 1, 99, -1, 0)
METADATA_ANSWER = struct.pack(">iiiii", 16, 99, 0, 0, 0)


@pytest.fixture(scope="module")
def messages() -> Messages:
    found = trio.run(jars.provide)
    return definitions(next(path for path in found if path.name.startswith("kafka-clients-")))


def secret(fields: tuple[Field, ...]) -> bool:
    """Whether it holds credentials as bytes, or names and values of configurations that somebody sets."""
    names = {field.name for field in fields}
    here = any(field.type == "bytes" and NAMES.search(field.name) for field in fields)
    return here or any(secret(field.fields) for field in fields) or ("Configs" in names and any(map(sets, fields)))


def sets(field: Field) -> bool:
    return field.name == "Configs" and {"Name", "Value"} <= {each.name for each in field.fields}


@pytest.mark.parametrize("kind", TABLES)
def test_every_message_with_credentials_is_known_in_all_its_versions(messages: Messages, kind: str) -> None:
    found = {
        key: message.versions.last
        for (key, which), message in messages.items()
        if which == kind and secret(message.fields)
    }
    if kind == "response":  # what brokers tell of configurations, they tell without the values of secret ones
        del found[CREATE_TOPICS], found[DESCRIBE_CONFIGS]
    assert {key: last for key, (last, _) in TABLES[kind].items()} == found


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_each_is_walked_to_its_very_end(messages: Messages, kind: str, size: int) -> None:
    """What follows is shown, so nothing was taken for damaged; and portions make no difference."""
    for key in TABLES[kind]:
        message = messages[key, kind]
        for version in range(message.versions.first, message.versions.last + 1):
            for seed in range(12):
                frame = message.make(version, seed)
                dialogue = Dialogue()
                if kind == "request":
                    stream, following = dialogue.requests, METADATA
                else:
                    (correlation_id,) = struct.unpack_from(">i", frame, 4)
                    dialogue.requests.feed(struct.pack(">ihhih", 10, key, version, correlation_id, -1)[:14])
                    stream, following = dialogue.answers, METADATA_ANSWER
                whole = frame + following
                shown = b"".join(stream.feed(whole[at : at + size]).data for at in range(0, len(whole), size))
                assert shown[-len(following) :] == following, (message.name, version, seed)
                assert len(shown) == len(whole)
