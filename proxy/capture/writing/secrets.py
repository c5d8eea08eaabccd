"""Where credentials stand in Kafka's messages: in SASL, in SCRAM's and delegation tokens' APIs, and in configurations.

A message is stepped through as its bytes come, whatever portions they come in. So what tells that a value is secret
has to stand before it, and it always does. Each function here is such a walk: it yields steps, and of the bytes that it
wants to see it is sent those that it asked for. It has to end where its frame ends. Of a version that is not known here
the whole body is secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from enum import Enum, auto

from ...errors import UndecodableError
from ...kafka.apis import api_key, flexible_version


class Step(Enum):
    """What happens to the next bytes."""

    SHOW = auto()
    HIDE = auto()
    READ = auto()
    """They are shown, and the walk wants to see them."""


Walk = Generator[tuple[Step, int], bytes, None]
_Read = Generator[tuple[Step, int], bytes, int]
Body = Callable[["Steps"], Walk]

_SECRET_NAME = re.compile(rb"password|passwd|secret|jaas|credential|token|key", re.IGNORECASE)
_LONGEST_NAME = 32_767

ALL = 1 << 62
"""A step that goes to the end of the frame."""

SASL_HANDSHAKE, SASL_AUTHENTICATE = api_key("sasl_handshake"), api_key("sasl_authenticate")


class Steps:
    """The small change of walks, in a version that is `flexible` or not (KIP-482)."""

    def __init__(self, version: int, flexible: bool) -> None:
        self.version = version
        self._flexible = flexible

    def integer(self, size: int) -> _Read:
        """A signed integer of so many bytes."""
        return int.from_bytes((yield Step.READ, size), "big", signed=True)

    def fixed(self, size: int) -> Walk:
        yield Step.SHOW, size

    def string(self) -> Walk:
        yield Step.SHOW, (yield from self._length(2))

    def name(self) -> Generator[tuple[Step, int], bytes, bytes]:
        """A string that has to be known."""
        length = yield from self._length(2)
        if length > _LONGEST_NAME:
            raise UndecodableError(f"a name of {length} bytes")
        return (yield Step.READ, length) if length else b""

    def secret_string(self, secret: bool = True) -> Walk:
        yield Step.HIDE if secret else Step.SHOW, (yield from self._length(2))

    def secret_bytes(self) -> Walk:
        yield Step.HIDE, (yield from self._length(4))

    def array(self, item: Callable[[], Walk]) -> Walk:
        """Structures, or what has a fixed size."""
        for _ in range((yield from self._length(4))):
            yield from item()

    def structure(self, *parts: Walk) -> Walk:
        for part in parts:
            yield from part
        yield from self.tags()

    def tags(self) -> Walk:
        if self._flexible:
            for _ in range((yield from self._uvarint())):
                yield from self._uvarint()
                yield Step.SHOW, (yield from self._uvarint())

    def _length(self, size: int) -> _Read:
        """The length of what follows; 0 where it is null."""
        if self._flexible:
            return max((yield from self._uvarint()) - 1, 0)
        length = yield from self.integer(size)
        if length < -1:
            raise UndecodableError(f"a length of {length}")
        return max(length, 0)

    def _uvarint(self) -> _Read:
        value = 0
        for shift in range(0, 35, 7):
            byte = (yield Step.READ, 1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise UndecodableError("a varint that does not end")


# Bodies, as Apache Kafka's message definitions have them. Fields of fixed size are added up where they are neighbours.


def _authenticate_request(steps: Steps) -> Walk:
    return steps.structure(steps.secret_bytes())


def _authenticate_answer(steps: Steps) -> Walk:
    lifetime = 8 if steps.version >= 1 else 0
    return steps.structure(steps.fixed(2), steps.string(), steps.secret_bytes(), steps.fixed(lifetime))


def _scram_request(steps: Steps) -> Walk:
    def deletion() -> Walk:
        return steps.structure(steps.string(), steps.fixed(1))

    def upsertion() -> Walk:  # name, mechanism and iterations; salt, salted password
        return steps.structure(steps.string(), steps.fixed(1 + 4), steps.secret_bytes(), steps.secret_bytes())

    return steps.structure(steps.array(deletion), steps.array(upsertion))


def _token_request(steps: Steps) -> Walk:
    return steps.structure(steps.secret_bytes(), steps.fixed(8))


def _token(steps: Steps) -> Walk:
    for _ in range(4 if steps.version >= 3 else 2):  # the owner, and who asked for it: type and name
        yield from steps.string()
    yield from steps.fixed(8 + 8 + 8)
    yield from steps.string()
    yield from steps.secret_bytes()


def _token_answer(steps: Steps) -> Walk:
    return steps.structure(steps.fixed(2), _token(steps), steps.fixed(4))


def _tokens_answer(steps: Steps) -> Walk:
    def renewer() -> Walk:
        return steps.structure(steps.string(), steps.string())

    def token() -> Walk:
        return steps.structure(_token(steps), steps.array(renewer))

    return steps.structure(steps.fixed(2), steps.array(token), steps.fixed(4))


def _config(steps: Steps, between: int) -> Walk:
    """A name and its value, with so many bytes between."""
    secret = _SECRET_NAME.search((yield from steps.name())) is not None
    yield from steps.fixed(between)
    yield from steps.secret_string(secret)
    yield from steps.tags()


def _configs_request(steps: Steps, between: int) -> Walk:
    def resource() -> Walk:
        configs = steps.array(lambda: _config(steps, between))
        return steps.structure(steps.fixed(1), steps.string(), configs)

    return steps.structure(steps.array(resource), steps.fixed(1))


def _topics_request(steps: Steps) -> Walk:
    def assignment() -> Walk:
        return steps.structure(steps.fixed(4), steps.array(lambda: steps.fixed(4)))

    def topic() -> Walk:
        configs = steps.array(lambda: _config(steps, 0))
        return steps.structure(steps.string(), steps.fixed(4 + 2), steps.array(assignment), configs)

    return steps.structure(steps.array(topic), steps.fixed(4 + (1 if steps.version >= 1 else 0)))


_REQUESTS: dict[int, tuple[int, Body]] = {
    SASL_AUTHENTICATE: (2, _authenticate_request),
    api_key("alter_user_scram_credentials"): (0, _scram_request),
    api_key("renew_delegation_token"): (2, _token_request),
    api_key("expire_delegation_token"): (2, _token_request),
    api_key("alter_configs"): (2, lambda steps: _configs_request(steps, 0)),
    api_key("incremental_alter_configs"): (1, lambda steps: _configs_request(steps, 1)),
    api_key("create_topics"): (7, _topics_request),
}
"""The last version that is known, and the body."""

_ANSWERS: dict[int, tuple[int, Body]] = {
    SASL_AUTHENTICATE: (2, _authenticate_answer),
    api_key("create_delegation_token"): (3, _token_answer),
    api_key("describe_delegation_token"): (3, _tokens_answer),
}

SECRET_ANSWERS = frozenset(_ANSWERS)
"""The APIs whose answers hold credentials."""


def request(key: int, version: int) -> Walk | None:
    """The walk through a request, from behind its correlation id; None for one without secrets."""
    return _chosen(_REQUESTS, key, version, _request)


def answer(key: int, version: int) -> Walk | None:
    """The walk through an answer, from behind its correlation id; None for one without secrets."""
    return _chosen(_ANSWERS, key, version, _answer)


def hidden() -> Walk:
    """The walk through a frame of which nothing is shown."""
    yield Step.HIDE, ALL


def _chosen(
    bodies: Mapping[int, tuple[int, Body]], key: int, version: int, whole: Callable[[Body, Steps], Walk]
) -> Walk | None:
    known = bodies.get(key)
    if known is None:
        return None
    last, body = known
    return whole(body, Steps(version, flexible_version(key, version))) if version <= last else hidden()


def _request(body: Body, steps: Steps) -> Walk:
    yield from Steps(0, False).string()  # the client's id, which never is compact
    yield from steps.tags()
    yield from body(steps)


def _answer(body: Body, steps: Steps) -> Walk:
    yield from steps.tags()
    yield from body(steps)
