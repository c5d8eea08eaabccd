"""The sentences at the top: what was measured, and nothing that was not."""

from __future__ import annotations

import pytest

from ackdrop.probing.summary import summary

from .conftest import a_case, a_step

REFUSED = "refused OUT_OF_ORDER_SEQUENCE_NUMBER"


def window(*effects, name="window"):
    return a_case(name, *(a_step(f"back-{n}", effect) for n, effect in enumerate(effects, 1)))


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        (
            ["deduplicated"] * 5 + [REFUSED] * 5,
            "This broker remembers the last 5 batches of a producer in a partition; an older one that is sent again is "
            "refused with OUT_OF_ORDER_SEQUENCE_NUMBER.",
        ),
        (
            ["deduplicated", "appended"],
            "This broker remembers the last batch of a producer in a partition; an older one that is sent again is "
            "appended.",
        ),
        (
            ["deduplicated", REFUSED, "appended"],
            "This broker remembers the last batch of a producer in a partition; an older one that is sent again is "
            "answered in several ways.",
        ),
        (
            ["deduplicated"] * 2,
            "This broker remembers the last 2 batches of a producer in a partition, or more: no older one was sent "
            "again.",
        ),
        (["appended"] * 3, "This broker knows no batch again: a duplicate is appended."),
        (
            ["no answer, not written"],
            "This broker knows no batch again: a duplicate is met with: no answer, not written.",
        ),
        (
            ["deduplicated", REFUSED, "deduplicated"],
            "This broker remembers the last batch of a producer in a partition; an older one that is sent again is "
            "answered in several ways.",
        ),
    ],
)
def test_the_width_of_the_window(effects, said):
    assert summary([window(*effects)]) == (said,)


def test_other_cases_have_a_sentence_each():
    told = summary(
        [
            a_case("gap", a_step("gap", REFUSED)),
            a_case("other-payload", a_step("other", "deduplicated")),
            window("deduplicated", REFUSED, name="after-restart"),
            window("appended", name="after-kill"),
        ]
    )
    assert told == (
        "The same sequence with another payload is acked and not written.",
        "A gap is refused with OUT_OF_ORDER_SEQUENCE_NUMBER.",
        "After a restart it knows the last batch again.",
        "After a kill it knows no batch again.",
    )


def test_nothing_is_said_of_what_was_not_measured():
    assert summary([a_case("gap", state="inconclusive", reason="x"), a_case("window", state="left-out")]) == ()


def test_without_producer_ids_that_is_all():
    why = "the broker gives no producer id: UNSUPPORTED_VERSION"
    told = summary([a_case("exact-duplicate", state="absent", reason=why), a_case("gap", a_step("gap", REFUSED))])
    assert told == (f"No producer can be told from another one here: {why}.",)
