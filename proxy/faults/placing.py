"""In which arms a rule has a place at all: what an arm's idempotence alone rules out.

A producer without idempotence never asks for a producer id, and its batches carry none. A rule about these is not in
vain where another arm has a place for it; it is just not about this arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .rule import ANY_API, Rule

_OF_IDEMPOTENCE = "init_producer_id"


def elsewhere(rules: Sequence[Rule], idempotence: bool, others: Iterable[bool]) -> frozenset[str]:
    """The names of the rules that have no place in an arm with or without `idempotence`, but in one of the others."""
    missing = without_place(rules, idempotence)
    return missing - frozenset.intersection(missing, *(without_place(rules, other) for other in others))


def without_place(rules: Sequence[Rule], idempotence: bool) -> frozenset[str]:
    """The names of the rules that can apply to nothing in such an arm: of themselves, or since they follow one."""
    found = {rule.name for rule in rules if not _has_place(rule, idempotence)}
    while more := {rule.name for rule in rules if rule.when.following in found} - found:
        found |= more
    return frozenset(found)


def _has_place(rule: Rule, idempotence: bool) -> bool:
    if rule.match.idempotent is not None and rule.match.idempotent != idempotence:
        return False
    apis = rule.match.api if rule.api == ANY_API else (rule.api,)
    return idempotence or set(apis) != {_OF_IDEMPOTENCE}
