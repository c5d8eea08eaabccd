"""Which body a header carries, by its API: scapy's bonds between layers."""

from __future__ import annotations

from scapy.packet import bind_bottom_up, bind_top_down

from .connecting import ApiVersionsRequest, ApiVersionsResponse, SaslHandshakeRequest, SaslHandshakeResponse
from .fetch import FetchRequest, FetchResponse
from .headers import KafkaRequest, KafkaResponse
from .metadata import FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest, MetadataResponse
from .produce import ProduceRequest, ProduceResponse
from .structs import KafkaBody
from .transactions import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    EndTxnRequest,
    EndTxnResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
)

BODIES: tuple[tuple[type[KafkaBody], type[KafkaBody]], ...] = (
    (ProduceRequest, ProduceResponse),
    (FetchRequest, FetchResponse),
    (MetadataRequest, MetadataResponse),
    (FindCoordinatorRequest, FindCoordinatorResponse),
    (SaslHandshakeRequest, SaslHandshakeResponse),
    (ApiVersionsRequest, ApiVersionsResponse),
    (InitProducerIdRequest, InitProducerIdResponse),
    (AddPartitionsToTxnRequest, AddPartitionsToTxnResponse),
    (EndTxnRequest, EndTxnResponse),
)
"""The request and the response of each API that has a layer of its own."""

for _request, _response in BODIES:
    for _header, _body in ((KafkaRequest, _request), (KafkaResponse, _response)):
        bind_bottom_up(_header, _body, api_key=_body.API)
        bind_top_down(_header, _body, api_key=_body.API, api_version=_body.ASSUMED)
