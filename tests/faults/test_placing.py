"""Which rules have no place in an arm, for its idempotence alone."""

from __future__ import annotations

from ackdrop.faults import Drop
from ackdrop.faults.placing import elsewhere, without_place
from ackdrop.faults.rule import Match, Rule, When


def rule(name: str, at: str = "produce", following: str | None = None, **match: object) -> Rule:
    return Rule(name, at, "response", Match(**match), When(following=following), Drop("hold"))  # type: ignore[arg-type]


PRODUCE = rule("produce")
INIT = rule("init", "init_producer_id")
PROTECTED = rule("protected", idempotent=True)
PLAIN = rule("plain", idempotent=False)


def test_a_producer_without_idempotence_asks_for_no_producer_id() -> None:
    assert without_place([PRODUCE, INIT, rule("metadata", "metadata")], False) == {"init"}
    assert without_place([PRODUCE, INIT], True) == set()


def test_any_api_has_a_place_unless_only_that_one_is_matched() -> None:
    any_api = rule("any", "*")
    one = rule("one", "*", api=("init_producer_id",))
    two = rule("two", "*", api=("init_producer_id", "produce"))
    assert without_place([any_api, one, two], False) == {"one"}


def test_a_match_of_the_other_kind_of_producer() -> None:
    assert without_place([PRODUCE, PROTECTED, PLAIN], False) == {"protected"}
    assert without_place([PRODUCE, PROTECTED, PLAIN], True) == {"plain"}


def test_what_follows_one_without_a_place_has_none_either() -> None:
    chain = [rule("third", following="second"), rule("second", following="init"), INIT, rule("last", following="third")]
    assert without_place(chain, False) == {"init", "second", "third", "last"}
    assert without_place(chain, True) == set()


def test_elsewhere_needs_an_arm_that_has_a_place() -> None:
    assert elsewhere([PRODUCE, INIT], False, [False, True]) == {"init"}
    assert elsewhere([PRODUCE, INIT], False, [False, False]) == set()
    assert elsewhere([PRODUCE, INIT], True, [False, True]) == set()
    never = rule("never", "init_producer_id", idempotent=False)
    assert elsewhere([never, PLAIN], True, [False, True]) == {"plain"}
