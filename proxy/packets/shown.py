"""A frame with all of its fields, as scapy shows a packet."""

from __future__ import annotations

from scapy.config import conf
from scapy.themes import NoTheme

from .apis import BODIES
from .headers import KafkaRequest, KafkaResponse

_KNOWN = frozenset(request.API for request, _ in BODIES)


def shown(frame: bytes, *, answer: bool, api_key: int, api_version: int) -> list[str]:
    """The lines of a whole frame; none for an API without a layer of its own, which may hold credentials."""
    if api_key not in _KNOWN:
        return []
    request = KafkaRequest(api_key=api_key, api_version=api_version)
    packet = KafkaResponse(frame, request=request) if answer else KafkaRequest(frame)
    theme, conf.color_theme = conf.color_theme, NoTheme()
    try:
        return str(packet.show(dump=True)).splitlines()
    finally:
        conf.color_theme = theme
