"""A link: our conversation with one broker, in the versions that both sides know.

ApiVersions is asked first, in version 3, which tells the broker's features too (KIP-511, KIP-584). A broker that does
not know the version answers in version 0 with error 35 and its own range for ApiVersions; any other version that it
does not know makes Redpanda close the connection without a word. So every request after that is chosen from what the
broker told. Then a broker is told who is speaking, where it wants to know. A connection that ends in the middle of a
conversation is opened again, once; where it ends again, it is asked why (see `diagnosis.py`).
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import Struct
from typing import Any

import trio

from .. import __version__
from ..errors import BrokerError
from ..kafka import asked
from ..kafka.apis import api_key
from ..kafka.codes import error_code, error_name
from .approach import PLAINLY, Approach
from .authentication import CLIENT_ID, NEWEST, SaslWanted, authentication
from .connection import Connection, ConnectionLost, shown
from .diagnosis import Stage, explained, wanted_mechanisms

_NEWEST_ASKED = {"api_versions": 3, "fetch": 12, "delete_topics": 5}
"""The newest version that we ask for, where it is not the newest that kafka-python knows: from Fetch 13 and
DeleteTopics 6 on topics may go by id instead of name (KIP-516); of ApiVersions no field after version 3 is used."""

_NO_LISTENER = "See that this is the client listener of a broker (not of a controller), and of no very old one."
_ERROR = Struct(">h")
_UNSUPPORTED_VERSION = 35
_ILLEGAL_SASL_STATE = error_code("ILLEGAL_SASL_STATE")
_LISTENS_FOR = 0.85
"""The part of the time for which a broker listens after which we say anew who we are, on a new connection (KIP-368)."""

Range = tuple[int, int]


class Link:
    """A conversation with the broker at one address; opened when it is first needed.

    `versions` maps API keys to the broker's (lowest, highest) version, `features` and `finalized` map feature names
    to the levels that the broker supports and that its cluster has agreed on; all are empty until the link has been
    opened. `reopened` counts how often a broken connection was replaced. `name` is what the broker's certificate has to
    be for, where that is not `host`.
    """

    def __init__(
        self, host: str, port: int, timeout: float = 10.0, approach: Approach = PLAINLY, name: str | None = None
    ) -> None:
        self.host, self.port, self.timeout = host, port, timeout
        self._approach, self._name = approach, name
        self.address = shown(host, port)
        self.versions: dict[int, Range] = {}
        self.features: dict[str, Range] = {}
        self.finalized: dict[str, Range] = {}
        self.reopened = 0
        self._connection: Connection | None = None
        self._asked = 0
        self._stage: Stage = "opening"
        self._listens_until = math.inf
        self._turn = trio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        host: str,
        port: int,
        timeout: float = 10.0,  # noqa: ASYNC109
        approach: Approach = PLAINLY,
    ) -> AsyncIterator[Link]:
        """A link whose versions are known; closed at the end. `timeout` bounds every single wait, in seconds."""
        link = cls(host, port, timeout, approach)
        try:
            await link.connect()
            yield link
        finally:
            link.close()

    async def connect(self) -> None:
        """Opens the connection where there is none. Raises BrokerError."""
        async with self._turn:
            await self._twice("api_versions", None)

    async def dial(self) -> Connection:
        """Another connection to this broker, which belongs to the caller: its versions have been asked for, and it was
        said who we are. Raises BrokerError."""
        fresh = Link(self.host, self.port, self.timeout, self._approach, self._name)
        await fresh.connect()
        connection, fresh._connection = fresh._connection, None
        assert connection is not None
        return connection

    def close(self) -> None:
        """Ends the conversation. A later `ask` begins a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def version(self, api: str) -> int:
        """The highest version of this API that both sides know. Raises BrokerError when there is none."""
        ours = _newest(api)
        lowest, highest = self.versions.get(api_key(api), (0, -1))
        if highest < lowest:
            raise BrokerError(f"{self.address}: whoever listens there does not know {api}", remedy=_NO_LISTENER)
        if lowest > ours:
            raise BrokerError(
                f"{self.address}: the broker knows {api} from version {lowest} on, ackdrop up to {ours}",
                remedy="Use a newer ackdrop, or an older broker.",
            )
        return min(ours, highest)

    async def ask(self, api: str, **fields: Any) -> Any:
        """Asks, and gives the decoded body of the answer: kafka-python's field names on both sides.

        Raises BrokerError when there is no answer in time, UndecodableError when it cannot be read.
        """
        version, frame = await self.ask_raw(api, **fields)
        body = _decode(api, version, frame)
        if getattr(body, "error_code", 0) == _ILLEGAL_SASL_STATE and self._approach.sasl is None:
            mechanisms = await wanted_mechanisms(self.host, self.port, self._approach, self._name)
            raise SaslWanted(self.address, mechanisms or ())
        return body

    async def ask_raw(self, api: str, **fields: Any) -> tuple[int, memoryview]:
        """Asks, and gives the version that was asked in and the whole frame of the answer."""
        async with self._turn:
            return await self._twice(api, fields)

    async def _twice(self, api: str, fields: dict[str, Any] | None) -> tuple[int, memoryview]:
        """One conversation, begun again on a new connection when the first one is lost in the middle."""
        try:
            return await self._once(api, fields)
        except ConnectionLost:
            self.reopened += 1
        try:
            return await self._once(api, fields)
        except ConnectionLost as error:
            raise await explained(error, self._stage, self.host, self.port, self._approach, self._name) from None

    async def _once(self, api: str, fields: dict[str, Any] | None) -> tuple[int, memoryview]:
        # A conversation that ends early, cancelled or failed, leaves an answer on its way: the connection belongs to
        # this call until its answer is whole, and is closed when that never happens.
        if trio.current_time() >= self._listens_until:
            self.close()
        connection, self._connection = self._connection, None
        try:
            if connection is None:
                self._stage = "opening"
                connection = await Connection.open(self.host, self.port, self.timeout, self._approach, self._name)
                self._stage = "learning"
                await self._learn(connection)
                self._stage = "authenticating"
                await self._authenticate(connection)
                self._stage = "asking"
            answer = (0, memoryview(b"")) if fields is None else await self._converse(connection, api, fields)
            self._connection = connection
        finally:
            if self._connection is None and connection is not None:
                connection.close()
        return answer

    async def _converse(
        self, connection: Connection, api: str, fields: dict[str, Any], version: int | None = None
    ) -> tuple[int, memoryview]:
        version = self.version(api) if version is None else version
        self._asked = (self._asked + 1) & 0x7FFFFFFF
        request = _encode(api, version, self._asked, fields)
        return version, await connection.exchange(request, f"{api} version {version}", self.timeout)

    async def _learn(self, connection: Connection) -> None:
        """Asks which versions the broker knows."""
        version, frame = await self._converse(connection, "api_versions", _OURSELVES, _newest("api_versions"))
        if _error(frame) == _UNSUPPORTED_VERSION:
            known = {entry.api_key: entry.max_version for entry in _decode("api_versions", 0, frame).api_keys}
            lower = min(known.get(api_key("api_versions"), 0), version - 1)
            version, frame = await self._converse(connection, "api_versions", _OURSELVES, lower)
        if error := _error(frame):
            raise BrokerError(f"{self.address}: refused to tell its versions: {error_name(error)}")
        body = _decode("api_versions", version, frame)
        self.versions = {entry.api_key: (entry.min_version, entry.max_version) for entry in body.api_keys}
        self.features = {entry.name: (entry.min_version, entry.max_version) for entry in body.supported_features or ()}
        self.finalized = {
            entry.name: (entry.min_version_level, entry.max_version_level) for entry in body.finalized_features or ()
        }

    async def _authenticate(self, connection: Connection) -> None:
        """Says who we are, where we are to."""
        self._listens_until = math.inf
        sasl = self._approach.sasl
        if sasl is None:
            return
        _, newest = self.versions.get(api_key("sasl_authenticate"), (0, 0))
        frames, answer = authentication(sasl, self.address, min(newest, NEWEST)), None
        while True:
            try:
                request = next(frames) if answer is None else frames.send(answer)
            except StopIteration as end:
                if end.value is not None:
                    self._listens_until = trio.current_time() + _LISTENS_FOR * end.value
                return
            answer = await connection.exchange(request, "SASL authentication", self.timeout)


_OURSELVES = {"client_software_name": "ackdrop", "client_software_version": __version__}


def _newest(api: str) -> int:
    if api in asked.ASKED:
        newest = asked.ASKED[api].newest
    else:
        from ..kafka import bodies

        newest = bodies.NEWEST(api)
    return min(_NEWEST_ASKED.get(api, newest), newest)


def _encode(api: str, version: int, correlation_id: int, fields: dict[str, Any]) -> bytes:
    if api in asked.ASKED:
        return asked.encode_request(api, version, correlation_id, CLIENT_ID, **fields)
    from ..kafka import bodies

    return bodies.encode_request(api, version, correlation_id, CLIENT_ID, **fields)


def _decode(api: str, version: int, frame: memoryview) -> Any:
    if api in asked.ASKED:
        return asked.decode_response(api, version, frame)
    from ..kafka import bodies

    return bodies.decode_response(api, version, frame)


def _error(api_versions_answer: memoryview) -> int:
    """The error code of an ApiVersions answer: always right after the header, which never has tags."""
    return int(_ERROR.unpack_from(api_versions_answer, 8)[0]) if len(api_versions_answer) >= 10 else 0
