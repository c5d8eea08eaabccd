"""What requests and responses have in common: a length before them, a header, a body by API and version.

What follows a frame in the same bytes becomes padding, from which scapy's TCPSession takes the next one.
"""

from __future__ import annotations

import contextlib
from struct import error as StructError
from typing import Any

from scapy.config import conf
from scapy.fields import SignedIntField
from scapy.packet import Packet, Raw

from ..errors import UndecodableError
from .computed import FromWire
from .fields import INT
from .structs import KafkaBody, KafkaHeader, KafkaPart, KafkaStruct, parts

TOLD = {"request", "api_key", "api_version"}
"""What a response's class is told besides bytes."""


class Unreadable(Raw):
    """Bytes that are no frame, in the place of one: plain `Raw`, whatever a frame's class would have been told."""

    name = "Raw"
    match_subclass = True

    def __init__(self, _pkt: Any = b"", *args: Any, **kargs: Any) -> None:
        super().__init__(_pkt, *args, **{name: value for name, value in kargs.items() if name not in TOLD})


class LengthField(SignedIntField):
    """The frame's length without itself: computed where it is None."""

    def __init__(self) -> None:
        super().__init__("length", None)  # type: ignore[arg-type]

    def getfield(self, pkt: Packet, s: Any) -> tuple[Any, Any]:
        rest, length = super().getfield(pkt, s)
        return rest, FromWire(length)


class KafkaFrame(KafkaHeader):
    """What both headers have in common."""

    name = "Kafka frame"

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
            if isinstance(packet, KafkaFrame):
                return len(packet.do_build())
            packet = packet.payload
        return 0

    def is_flexible(self) -> bool:
        """The tags of a header are written like those of a body."""
        return True

    def default_payload_class(self, payload: bytes) -> type[Packet]:
        return conf.raw_layer

    @classmethod
    def tcp_reassemble(cls, data: bytes, metadata: dict[str, Any], session: dict[Any, Any]) -> Packet | None:
        """The frame at the beginning of a stream, once it is whole; for scapy's TCPSession."""
        from .conversation import reassembled

        return reassembled(cls, data, metadata, session)

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
