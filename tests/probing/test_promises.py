"""Promises: which are meant for a broker, and whether they were kept."""

from __future__ import annotations

import pytest

from ackdrop.probing import promised_kafka, promised_redpanda
from ackdrop.probing.cases import CASES
from ackdrop.probing.promises import judged, release_of
from ackdrop.probing.promising import Promised

from .conftest import a_broker, a_case, a_step

REFUSED = "refused OUT_OF_ORDER_SEQUENCE_NUMBER"


def kept(case, broker):
    return [(verdict.promise.of, verdict.kept) for verdict in judged(case, broker).promises]


def test_they_are_those_of_the_broker_that_answered():
    case = a_case("other-payload", a_step("other", "deduplicated"))
    assert kept(case, a_broker("kafka", "4.3")) == [("kafka", True)]
    assert kept(case, a_broker("redpanda", "22.3.25")) == [("redpanda", True)]
    assert kept(case, a_broker("unknown", None)) == [("kafka", True), ("redpanda", True)]


def test_what_is_not_as_promised_is_said_once_for_steps_that_are_alike():
    steps = [a_step(f"back-{n}", "appended", what=f"number {n}") for n in range(1, 6)]
    verdicts = judged(a_case("window", *steps), a_broker()).promises
    assert [verdict.kept for verdict in verdicts] == [False, None]
    assert verdicts[0].differs == ("number 1, and 4 more: promised is deduplicated, measured appended",)


def test_what_was_not_measured_keeps_no_promise_and_breaks_none():
    assert kept(a_case("gap"), a_broker()) == [("kafka", None)]
    assert kept(a_case("gap", a_step("gap", REFUSED)), a_broker()) == [("kafka", None)]
    assert kept(a_case("gap", a_step("gap", "appended")), a_broker()) == [("kafka", False)]


def test_a_broker_without_idempotence_breaks_no_promise_about_it():
    assert kept(a_case("gap", a_step("gap", "refused CLUSTER_AUTHORIZATION_FAILED")), a_broker()) == [("kafka", None)]


@pytest.mark.parametrize(
    ("version", "effect", "said"),
    [
        ("22.3.25", REFUSED, [True]),
        ("24.1.14", REFUSED, [True]),
        ("24.2.1", REFUSED, [True]),
        ("24.3.0", REFUSED, [True]),
        ("24.1.15", REFUSED, [False]),
        ("24.2.2", REFUSED, [False]),
        ("24.3.1", REFUSED, [False]),
        ("25.1.1", REFUSED, [False]),
        ("24.3.1", "appended", [None]),  # two more steps are promised, which are not here
        (None, REFUSED, [True, False]),
    ],
)
def test_a_change_in_some_lines_of_releases(version, effect, said):
    """An unknown producer id that does not begin with 0, in Redpanda."""
    case = a_case("unknown-producer-ahead", a_step("seven", effect))
    assert [verdict.kept for verdict in judged(case, a_broker("redpanda", version)).promises] == said


def test_releases():
    assert release_of("22.3.25") == (22, 3, 25)
    assert release_of("4.3") == (4, 3)
    assert release_of("4.x") == (4,)
    assert release_of("dev") is None
    assert release_of(None) is None
    assert Promised("a", "", "", {}, since=((1, 0),)).releases == "since 1.0"
    assert Promised("a", "", "", {}, until=((24, 1, 15), (24, 2, 2))).releases == "before 24.1.15, 24.2.2"
    assert Promised("a", "", "", {}).releases == "all"


@pytest.mark.parametrize("promised", [*promised_kafka.PROMISED, *promised_redpanda.PROMISED], ids=lambda p: p.case)
def test_each_is_about_a_case_and_has_a_source(promised):
    assert promised.case in {case.name for case in CASES}
    assert promised.steps
    assert promised.says
    assert promised.source
