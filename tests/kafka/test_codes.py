from __future__ import annotations

import pytest

from ackdrop.kafka.codes import ERROR_CODES, error_code, error_name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UNKNOWN_SERVER_ERROR", -1),
        ("NONE", 0),
        ("OFFSET_OUT_OF_RANGE", 1),
        ("NOT_LEADER_OR_FOLLOWER", 6),
        ("REQUEST_TIMED_OUT", 7),
        ("UNSUPPORTED_VERSION", 35),
        ("OUT_OF_ORDER_SEQUENCE_NUMBER", 45),
        ("INVALID_PRODUCER_EPOCH", 47),
        ("UNKNOWN_TOPIC_ID", 100),
        ("TRANSACTION_ABORTABLE", 120),
    ],
)
def test_codes_of_the_protocol_guide(name: str, code: int) -> None:
    assert (error_code(name), error_name(code)) == (code, name)


def test_the_table_has_no_gap_and_no_code_twice() -> None:
    assert sorted(ERROR_CODES.values()) == list(range(-1, len(ERROR_CODES) - 1))


def test_an_unknown_code_has_a_name_and_an_unknown_name_no_code() -> None:
    assert error_name(999) == "UNKNOWN_999"
    with pytest.raises(KeyError):
        error_code("UNKNOWN_999")
