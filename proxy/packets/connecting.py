"""What clients say first: ApiVersions and SaslHandshake."""

from __future__ import annotations

from scapy.fields import SignedIntField, SignedLongField, SignedShortField

from .arrays import ArrayField, StructsField
from .fields import ApiField, BoolField, ErrorField, StringField
from .structs import KafkaBody, KafkaStruct, since
from .tags import TaggedField, TagsField


class _ApiVersions(KafkaStruct):
    API, ASSUMED = 18, 3


class ApiVersionsRequest(KafkaBody):
    """Which versions does the broker speak? Since v3 the client says what it is, too (KIP-511)."""

    API, ASSUMED, LATEST = 18, 3, 4
    name = "ApiVersions request"
    fields_desc = [
        since(3, StringField("client_software_name", "ackdrop")),
        since(3, StringField("client_software_version", "0")),
        TagsField(),
    ]


class ApiVersion(_ApiVersions):
    name = "API"
    fields_desc = [
        ApiField(),
        SignedShortField("min_version", 0),
        SignedShortField("max_version", 0),
        TagsField(),
    ]


class SupportedFeature(_ApiVersions):
    name = "Supported feature"
    fields_desc = [
        StringField("feature", ""),
        SignedShortField("min_version", 0),
        SignedShortField("max_version", 0),
        TagsField(),
    ]


class FinalizedFeature(_ApiVersions):
    name = "Finalized feature"
    fields_desc = [
        StringField("feature", ""),
        SignedShortField("max_version_level", 0),
        SignedShortField("min_version_level", 0),
        TagsField(),
    ]


class ApiVersionsResponse(KafkaBody):
    """With error 35 it is a v0 response, whatever was asked."""

    API, ASSUMED, LATEST = 18, 3, 4
    name = "ApiVersions response"
    fields_desc = [
        ErrorField(),
        StructsField("api_keys", [], ApiVersion),
        since(1, SignedIntField("throttle_time_ms", 0)),
        TaggedField(0, 3, StructsField("supported_features", None, SupportedFeature)),
        TaggedField(1, 3, SignedLongField("finalized_features_epoch", None)),
        TaggedField(2, 3, StructsField("finalized_features", None, FinalizedFeature)),
        TaggedField(3, 3, BoolField("zk_migration_ready", None)),
        TagsField(),
    ]


class SaslHandshakeRequest(KafkaBody):
    """Which mechanism the client wants to authenticate by: v0 is followed by bare tokens, v1 by SaslAuthenticate."""

    API, ASSUMED, LATEST = 17, 1, 1
    name = "SaslHandshake request"
    fields_desc = [StringField("mechanism", "PLAIN"), TagsField()]


class SaslHandshakeResponse(KafkaBody):
    API, ASSUMED, LATEST = 17, 1, 1
    name = "SaslHandshake response"
    fields_desc = [ErrorField(), ArrayField("mechanisms", [], StringField("mechanism", "")), TagsField()]
