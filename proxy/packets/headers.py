"""Request and response headers, of every version: the two roots of a Kafka conversation.

A response does not say what it answers: `api_key` and `api_version` are fields of it that take no
bytes, told by the request (`KafkaResponse(data, request=request)`) or by name; without them its body is raw.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from typing import Any

from scapy.fields import ConditionalField, Field, SignedIntField, SignedShortField
from scapy.packet import Packet

from ..errors import UndecodableError
from ..kafka.apis import api_name, flexible_version
from ..kafka.primitives import skip, skip_tags
from .fields import INT, ApiField, ClassicStringField
from .frames import TOLD, KafkaFrame, LengthField, Unreadable
from .tags import TagsField

CONTROLLED_SHUTDOWN, API_VERSIONS = 7, 18
_REQUEST = Struct(">ihhi")
_RESPONSE = Struct(">ii")
_UNSUPPORTED = b"\x00\x23"
"""Error 35, with which ApiVersions is answered in version 0 whatever was asked."""


def _api(packet: Any) -> str:
    key = packet.getfieldval("api_key")
    return "Kafka" if key is None else f"Kafka {api_name(key)} v{packet.getfieldval('api_version')}"


class KafkaRequest(KafkaFrame):
    """A request: `KafkaRequest(correlation_id=7, client_id="me") / ProduceRequest(acks=-1)`.

    The body names the API; the version is the body's `ASSUMED` one unless it is given. The header is v1, or v2 with
    tagged fields where the body is flexible; ControlledShutdown v0 has no client id.
    """

    name = "Kafka request"
    fields_desc = [
        LengthField(),
        ApiField(),
        SignedShortField("api_version", 0),
        SignedIntField("correlation_id", 0),
        ConditionalField(
            ClassicStringField("client_id", None),
            lambda packet: (packet.api_key, packet.api_version) != (CONTROLLED_SHUTDOWN, 0),
        ),
        TagsField(),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: Any = None, *args: Any, **kargs: Any) -> type[Packet]:
        return cls if not _pkt or _request_fits(memoryview(_pkt)) else Unreadable

    def is_flexible(self) -> bool:
        return flexible_version(self.api_key, self.api_version)

    def mysummary(self) -> str:
        return f"{_api(self)} request {self.correlation_id}"


def _request_fits(data: memoryview) -> bool:
    """Whether these bytes begin like a request's header."""
    try:
        length, key, version, _ = _REQUEST.unpack_from(data)
        end = min(len(data), 4 + length)
        at = _REQUEST.size
        if (key, version) != (CONTROLLED_SHUTDOWN, 0):
            size = int.from_bytes(data[skip(at, 2, end) - 2 : at + 2], "big", signed=True)
            at = skip(at + 2, max(size, 0), end)
            if size < -1:
                return False
        if flexible_version(key, version):
            skip_tags(data, at, end)
    except (UndecodableError, ValueError, StructError):
        return False
    return bool(length >= _REQUEST.size - 4)


class _ToldField(ApiField):
    """What a response does not say: its API. It takes no bytes, and is told from outside."""

    def getfield(self, pkt: Any, s: Any) -> tuple[Any, Any]:
        return s, self.any2i(pkt, pkt.told[0])

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return "unknown without its request" if x is None else super().i2repr(pkt, x)


class _ToldVersionField(Field[int | None, int]):
    """What a response does not say: its version."""

    def getfield(self, pkt: Any, s: Any) -> tuple[Any, Any]:
        return s, pkt.told[1]

    def addfield(self, pkt: Packet, s: bytes, val: Any) -> bytes:
        return s

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        return "unknown without its request" if x is None else str(x)


class KafkaResponse(KafkaFrame):
    """A response: `KafkaResponse(data, request=request)`, or `KafkaResponse(data, api_key="produce", api_version=7)`.

    The header is v0, or v1 with tagged fields where the body is flexible; that of ApiVersions is always v0 (KIP-511).
    """

    __slots__ = ["told"]
    name = "Kafka response"
    fields_desc = [
        _ToldField("api_key", None),  # type: ignore[arg-type]
        _ToldVersionField("api_version", None),
        LengthField(),
        SignedIntField("correlation_id", 0),
        TagsField(),
    ]

    def __init__(self, _pkt: Any = b"", *args: Any, request: KafkaRequest | None = None, **fields: Any) -> None:
        if request is not None:
            fields = {"api_key": request.api_key, "api_version": request.api_version, **fields}
        self.told = (fields.get("api_key"), fields.get("api_version"))
        super().__init__(_pkt, *args, **{name: value for name, value in fields.items() if not _pkt or name not in TOLD})

    @classmethod
    def dispatch_hook(cls, _pkt: Any = None, *args: Any, **kargs: Any) -> type[Packet]:
        if not _pkt:
            return cls
        request = kargs.get("request")
        told = kargs if request is None else {"api_key": request.api_key, "api_version": request.api_version}
        key = cls.fields_desc[0].any2i(None, told.get("api_key"))
        return cls if _response_fits(memoryview(_pkt), _flexible(key, told.get("api_version"))) else Unreadable

    def do_dissect(self, s: Any) -> Any:
        rest = super().do_dissect(s)
        if self.getfieldval("api_key") == API_VERSIONS and self.getfieldval("api_version") and rest[:2] == _UNSUPPORTED:
            self.fields["api_version"] = 0
        return rest

    def is_flexible(self) -> bool:
        return _flexible(self.getfieldval("api_key"), self.getfieldval("api_version"))

    def as_answer_to(self, request: KafkaRequest) -> Packet:
        """The same bytes as the answer to this request."""
        return type(self)(bytes(self), request=request)

    def answers(self, other: Packet) -> int:
        """Whether this is the answer to that request."""
        if not isinstance(other, KafkaRequest) or other.correlation_id != self.correlation_id:
            return 0
        key, version = self.getfieldval("api_key"), self.getfieldval("api_version")
        refused = (key, version) == (API_VERSIONS, 0)
        return int(key is None or (key == other.api_key and (version == other.api_version or refused)))

    def show2(self, dump: bool = False, indent: int = 3, lvl: str = "", label_lvl: str = "") -> Any:
        key, version = self.getfieldval("api_key"), self.getfieldval("api_version")
        again = type(self)(bytes(self), api_key=key, api_version=version)
        return again.show(dump, indent, lvl, label_lvl)

    def __reduce__(self) -> tuple[Any, ...]:
        told = self.getfieldval("api_key"), self.getfieldval("api_version")
        return (_unpickled, (type(self), self.build(), *told), super().__reduce__()[2])

    def mysummary(self) -> str:
        return f"{_api(self)} response {self.correlation_id}"


def _unpickled(cls: type[KafkaResponse], data: bytes, api_key: int | None, api_version: int | None) -> Packet:
    return cls(data, api_key=api_key, api_version=api_version)


def _flexible(api_key: int | None, api_version: int | None) -> bool:
    """Whether the header of such a response has tagged fields."""
    if api_key is None or api_version is None or api_key == API_VERSIONS:
        return False
    return flexible_version(api_key, api_version)


def _response_fits(data: memoryview, flexible: bool) -> bool:
    """Whether these bytes begin like a response's header."""
    if len(data) < _RESPONSE.size or _RESPONSE.unpack_from(data)[0] < 4:
        return False
    try:
        if flexible:
            skip_tags(data, _RESPONSE.size, min(len(data), 4 + INT.unpack_from(data)[0]))
    except UndecodableError:
        return False
    return True
