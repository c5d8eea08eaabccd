"""Which request each response answers, on one connection."""

from __future__ import annotations

from typing import Any

from scapy.packet import Packet, Raw

from ..kafka.frames import FRAME_LIMIT
from .fields import INT
from .headers import KafkaRequest, KafkaResponse

WAITING_LIMIT = 10_000
"""Requests of a connection that may wait for their answers; of more, the oldest ones are forgotten."""


class Conversation:
    """One connection, frame by frame: `request` and `response` give the packets, responses with their bodies.

    A frame is given with its four length bytes. What follows it in the same bytes is left as padding.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[int, int]] = {}

    def request(self, frame: bytes) -> Packet:
        """The request; it is waited for its answer from now on, unless it is a Produce with acks=0, which has none."""
        packet = KafkaRequest(frame)
        if isinstance(packet, KafkaRequest) and (packet.api_key or getattr(packet.payload, "acks", -1)):
            self._waiting.pop(packet.correlation_id, None)
            self._waiting[packet.correlation_id] = packet.api_key, packet.api_version
            if len(self._waiting) > WAITING_LIMIT:
                del self._waiting[next(iter(self._waiting))]
        return packet

    def response(self, frame: bytes) -> Packet:
        """The response, as the answer to the request with its correlation id; without one its body is raw."""
        number = int.from_bytes(frame[4:8], "big", signed=True)
        key, version = self._waiting.pop(number, (None, None))
        told: dict[str, Any] = {} if key is None else {"api_key": key, "api_version": version}
        return KafkaResponse(frame, **told)


def reassembled(cls: type[Packet], data: bytes, metadata: dict[str, Any], session: dict[Any, Any]) -> Packet | None:
    """The frame at the beginning of what a side has sent, None where more is needed; `Raw` where it is none.

    `session` is what scapy keeps for both directions of a connection. Two connections may share one (it tells them
    apart by their ports, xored), so the conversations in it go by their ends.
    """
    ended = metadata.get("tcp_end", False)
    size = 4 + INT.unpack_from(data)[0] if len(data) >= 4 else 4
    if not 4 <= size <= 4 + FRAME_LIMIT:
        return Raw(data)
    if len(data) < size or len(data) == 4:
        metadata["tcp_min_len"] = size
        if not ended:
            return None
    conversation = _conversation(cls, metadata, session)
    return conversation.request(data) if issubclass(cls, KafkaRequest) else conversation.response(data)


def _conversation(cls: type[Packet], metadata: dict[str, Any], session: dict[Any, Any]) -> Conversation:
    """The connection that the last segment belongs to: scapy tells it for the first frame that it completes."""
    segment = metadata.get("original")
    if segment is not None and segment.haslayer("TCP"):
        tcp = segment["TCP"]
        below = tcp.underlayer
        ends = [(getattr(below, "src", ""), tcp.sport), (getattr(below, "dst", ""), tcp.dport)]
        session["kafka at"] = tuple(ends if issubclass(cls, KafkaRequest) else reversed(ends))
    found: Conversation = session.setdefault(("kafka", session.get("kafka at")), Conversation())
    return found
