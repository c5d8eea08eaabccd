"""Answers with an error in them, of any API but Produce: what the fault `error` makes of them.

An answer whose error codes are replaced keeps all else. An answer to a request that the broker never gets holds the
error, and the default of every other field; so that is possible only for APIs whose answers have an error code of their
own, beside those of topics or groups inside of them (`error_code` at the top of the response in the protocol guide).
"""

from __future__ import annotations

from ..errors import UndecodableError
from .apis import api_name
from .bodies import decode_response, empty_response, encode_response, error_codes
from .headers import RequestHeader, correlation_id
from .primitives import Buffer

OWN_ERROR = frozenset(
    {
        *("add_offsets_to_txn", "alter_partition_reassignments", "api_versions", "describe_acls"),
        *(
            "describe_client_quotas",
            "describe_cluster",
            "describe_quorum",
            "describe_user_scram_credentials",
            "end_txn",
        ),
        *("heartbeat", "init_producer_id", "join_group", "leave_group", "list_config_resources", "list_groups"),
        *("list_partition_reassignments", "list_transactions", "offset_delete", "sasl_authenticate", "sasl_handshake"),
        *("sync_group", "update_features"),
    }
)
"""The APIs whose answers have an error code of their own in every version."""

INNER_ERROR = frozenset(
    {
        *("alter_client_quotas", "alter_configs", "alter_replica_log_dirs", "alter_user_scram_credentials"),
        *("create_acls", "create_partitions", "create_topics", "delete_acls", "delete_groups", "delete_records"),
        *("delete_topics", "describe_configs", "describe_groups", "describe_log_dirs", "describe_producers"),
        *("describe_topic_partitions", "describe_transactions", "elect_leaders", "fetch", "find_coordinator"),
        *("incremental_alter_configs", "list_offsets", "metadata", "offset_commit", "offset_fetch"),
        *("offset_for_leader_epoch", "produce", "txn_offset_commit", "write_txn_markers"),
    }
)
"""The APIs whose answers have error codes in every version, though not always one of their own."""


def with_error_code(api_key: int, version: int, frame: Buffer, code: int) -> bytes:
    """The answer with `code` in place of every error code in it. Raises UndecodableError where there is none."""
    api = api_name(api_key)
    body = decode_response(api, version, frame)
    parts = error_codes(body, version)
    if not parts:
        raise UndecodableError(f"the {api} v{version} answer has no error code")
    for part in parts:
        part.error_code = code
    return encode_response(body, api, version, correlation_id(frame))


def error_answer(header: RequestHeader, code: int) -> bytes:
    """An answer of ackdrop's own with `code` as its error. Raises UndecodableError where the API has none."""
    api, version = api_name(header.api_key), header.api_version
    if api == "api_versions" and version >= 3:
        version = 0  # a client reads an error in version 0, whatever it asked in (KIP-511)
    body = empty_response(api, version)
    if body not in error_codes(body, version):
        raise UndecodableError(f"{api} v{version} answers have no error code of their own")
    body.error_code = code
    return encode_response(body, api, version, header.correlation_id)
