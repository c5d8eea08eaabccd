"""Kafka on TCP: scapy takes port 9092 for it once this module is imported, and any other that `bind` names.

    from scapy.sendrecv import sniff
    from ackdrop.packets.tcp import KafkaSession, bind

    bind(19092)
    for packet in sniff(offline="kafka.pcap", session=KafkaSession):
        packet.show()

`KafkaSession` puts segments together and gives one packet a frame. scapy's own TCPSession can be used as well: it puts
all frames that a segment completes one upon the other. Either way a response is read with the request that it answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from scapy.layers.inet import TCP
from scapy.packet import Packet, bind_bottom_up, bind_layers
from scapy.sessions import TCPSession
from scapy.supersocket import SuperSocket

from .frames import KafkaFrame
from .headers import KafkaRequest, KafkaResponse

KAFKA_PORT = 9092

bind_layers(TCP, KafkaRequest, dport=KAFKA_PORT)
bind_layers(TCP, KafkaResponse, sport=KAFKA_PORT)


def bind(port: int) -> None:
    """Take what goes to this port for requests, and what comes from it for responses."""
    bind_bottom_up(TCP, KafkaRequest, dport=port)
    bind_bottom_up(TCP, KafkaResponse, sport=port)


class KafkaSession(TCPSession):
    """A session for `sniff` that gives every frame as a packet of its own."""

    def recv(self, sock: SuperSocket) -> Iterator[Packet]:
        for packet in super().recv(sock):
            yield from split(packet)


def split(packet: Packet) -> list[Packet]:
    """The packet once for each frame in it, with all that is below."""
    first = packet.getlayer(KafkaRequest) or packet.getlayer(KafkaResponse)
    frames = [] if first is None else [one for one in first.iterpayloads() if isinstance(one, KafkaFrame)]
    if first is None or first.underlayer is None or len(frames) < 2:
        return [packet]
    for later in frames[1:]:
        if later.underlayer is not None:
            later.underlayer.remove_payload()
    first.underlayer.remove_payload()
    return [packet / one for one in frames]
