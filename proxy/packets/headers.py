"""Request and response headers, of every version: the two roots of a Kafka conversation.

A frame has its length before it. What follows a frame in the same bytes becomes padding, from which scapy's TCPSession
takes the next one. A response does not say what it answers: `api_key` and `api_version` are fields of it that take no
bytes, told by the request (`KafkaResponse(data, request=request)`) or by name; without them its body is raw.
"""

from __future__ import annotations

import contextlib
from struct import Struct
from struct import error as StructError
from typing import Any

from scapy.config import conf
from scapy.fields import ConditionalField, Field, SignedIntField, SignedShortField
from scapy.packet import Packet, Raw

from ..errors import UndecodableError
from ..kafka.apis import FIRST_FLEXIBLE, NEVER, api_name
from ..kafka.primitives import skip, skip_tags
from .computed import FromWire
from .fields import INT, ApiField, ClassicStringField
from .structs import KafkaBody, KafkaHeader, KafkaPart, KafkaStruct, parts
from .tags import TagsField

CONTROLLED_SHUTDOWN, API_VERSIONS = 7, 18
_REQUEST = Struct(">ihhi")
_RESPONSE = Struct(">ii")
_TOLD = {"request", "api_key", "api_version"}
_UNSUPPORTED = b"\x00\x23"
"""Error 35, with which ApiVersions is answered in version 0 whatever was asked."""


class Unreadable(Raw):
    """Bytes that are no frame, in the place of one: plain `Raw`, whatever a frame's class would have been told."""

    name = "Raw"
    match_subclass = True

    def __init__(self, _pkt: Any = b"", *args: Any, **kargs: Any) -> None:
        super().__init__(_pkt, *args, **{name: value for name, value in kargs.items() if name not in _TOLD})


class LengthField(SignedIntField):
    """The frame's length without itself: computed where it is None."""

    def __init__(self) -> None:
        super().__init__("length", None)  # type: ignore[arg-type]

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        rest, length = super().getfield(pkt, s)
        return rest, FromWire(length)


class _Frame(KafkaHeader):
    """What both headers have in common."""

    def do_dissect(self, s: Any) -> Any:
        view = memoryview(s)
        end = min(len(view), 4 + INT.unpack_from(view)[0])
        super().do_dissect(view[:end])
        self.fields["length"].due = end - 4
        return bytes(view[len(self.raw_packet_cache or b"") :])

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes | None]:
        size = max(0, self.fields["length"] + 4 - len(self.raw_packet_cache or b""))
        return s[:size], s[size:]

    def do_dissect_payload(self, s: bytes) -> None:
        """A body without a field, as that of ApiVersions has none before v3, is there all the same."""
        super().do_dissect_payload(s)
        cls = self.guess_payload_class(s)
        if not s and issubclass(cls, KafkaBody) and self.fields["length"].due == self.fields["length"]:
            body = cls(_internal=1, _underlayer=self)
            with contextlib.suppress(UndecodableError, StructError):
                body.do_dissect(b"")
                self.add_payload(body)

    def do_build(self) -> bytes:
        built = super().do_build()
        size = len(built) - self._behind() - 4
        length = self.getfieldval("length")
        if length is None or isinstance(length, FromWire):
            return INT.pack(size if length is None else length.now(size)) + built[4:]
        return built

    def _behind(self) -> int:
        """How many bytes the frames behind this one take, where several were put one upon the other."""
        packet = self.payload
        while packet:
            if isinstance(packet, _Frame):
                return len(packet.do_build())
            packet = packet.payload
        return 0

    def is_flexible(self) -> bool:
        """The tags of a header are written like those of a body."""
        return True

    def default_payload_class(self, payload: bytes) -> type[Packet]:
        return conf.raw_layer

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """The body's class, or Raw where its API, or this version of it, is not known here."""
        cls = super().guess_payload_class(payload)
        version = self.getfieldval("api_version")
        if issubclass(cls, KafkaBody) and not (version is not None and 0 <= version <= cls.LATEST):
            return self.default_payload_class(payload)
        return cls

    def setfieldval(self, attr: str, val: Any) -> None:
        super().setfieldval(attr, val)
        if attr in ("api_key", "api_version") and isinstance(self.payload, KafkaBody):
            _forget(self.payload)

    def hashret(self) -> bytes:
        return INT.pack(self.correlation_id)


def _forget(part: KafkaPart) -> None:
    """Let go of the bytes that structures had in another version; batches do not depend on it, and keep theirs."""
    if isinstance(part, KafkaStruct):
        part.raw_packet_cache = part.raw_packet_cache_fields = None
        for field in part.packetfields:
            for one in parts(part.fields.get(field.name)):
                if isinstance(one, KafkaPart):
                    _forget(one)


def _api(packet: Any) -> str:
    key = packet.getfieldval("api_key")
    return "Kafka" if key is None else f"Kafka {api_name(key)} v{packet.getfieldval('api_version')}"


class KafkaRequest(_Frame):
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
        return bool(self.api_version >= FIRST_FLEXIBLE.get(self.api_key, NEVER))

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
        if version >= FIRST_FLEXIBLE.get(key, NEVER):
            skip_tags(data, at, end)
    except (UndecodableError, ValueError, StructError):
        return False
    return bool(length >= 0)


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


class KafkaResponse(_Frame):
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
        super().__init__(
            _pkt, *args, **{name: value for name, value in fields.items() if not _pkt or name not in _TOLD}
        )

    @classmethod
    def dispatch_hook(cls, _pkt: Any = None, *args: Any, **kargs: Any) -> type[Packet]:
        return cls if not _pkt or _response_fits(memoryview(_pkt)) else Unreadable

    def do_dissect(self, s: Any) -> Any:
        rest = super().do_dissect(s)
        if self.getfieldval("api_key") == API_VERSIONS and self.getfieldval("api_version") and rest[:2] == _UNSUPPORTED:
            self.fields["api_version"] = 0
        return rest

    def is_flexible(self) -> bool:
        key, version = self.getfieldval("api_key"), self.getfieldval("api_version")
        if key is None or version is None or key == API_VERSIONS:
            return False
        return bool(version >= FIRST_FLEXIBLE.get(key, NEVER))

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


def _response_fits(data: memoryview) -> bool:
    return len(data) >= _RESPONSE.size and _RESPONSE.unpack_from(data)[0] >= 4
