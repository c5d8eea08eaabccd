"""Where, which and when of a rule, as parts of sentences."""

from __future__ import annotations

from ...faults.rule import ANY_API, Match, Rule, When
from ...faults.spans import Span
from ..wording import listed, ordinal, seconds_of


def place(rule: Rule) -> str:
    """`at the answers to produce requests`, `at connections`."""
    if rule.side == "event":
        return {
            "connection": "at connections",
            "broker": "at the broker",
            "workload": "at the producer's process",
        }[rule.api]
    what = "any" if rule.api == ANY_API else rule.api
    return f"at the answers to {what} requests" if rule.side == "response" else f"at {what} requests"


def said(rule: Rule, seed: int) -> str:
    """What the rule does where and when, in a line."""
    parts = (f"{rule.fault.word} {place(rule)}", which(rule.match), when(rule, seed))
    return "; ".join(part for part in parts if part)


def which(match: Match) -> str:
    """What a match asks for; empty where everything fits."""
    parts = [_attempt(match.attempt), _idempotent(match.idempotent)]
    parts += [
        _among("partition", match.partition),
        _globs("of the topic", match.topic),
        _globs("of the client", match.client_id),
        _globs("of the API", match.api),
        _globs("of the transaction", match.transactional_id),
    ]
    parts += [
        _among("broker", match.node),
        _among("producer id", match.producer_id),
        _span("version", match.version),
        _span("connection", match.connection),
        _span("with a number of records of", match.records),
        _span("with a size in bytes of", match.size),
    ]
    if match.acks is not None:
        parts.append(f"with acks {'all' if match.acks == -1 else match.acks}")
    if match.tls is not None:
        parts.append(f"{'with' if match.tls else 'without'} TLS")
    return ", ".join(part for part in parts if part)


def when(rule: Rule, seed: int) -> str:
    """When it fires among those that match."""
    found = rule.when
    parts = [_count(rule, seed)]
    if found.after is not None:
        parts.append(f"not before {seconds_of(found.after)} after the first produce request")
    if found.until is not None:
        parts.append(f"not from {seconds_of(found.until)} after it on")
    if found.following is not None:
        parts.append(f'only after "{found.following}" has fired')
    if rule.times is not None and not (found.first or found.nth):
        parts.append("once" if rule.times == 1 else f"at most {rule.times} times")
    if found.per != "run":
        parts.append(f"each {found.per} counted by itself")
    return ", ".join(part for part in parts if part)


def _count(rule: Rule, seed: int) -> str:
    found: When = rule.when
    if found.nth:
        return f"the {listed([ordinal(number) for number in found.nth])} that matches"
    if found.first is not None:
        return "the first that matches" if found.first == 1 else f"the first {found.first} that match"
    if found.every is not None:
        return f"every {ordinal(found.every)} that matches"
    if found.probability is not None:
        return f"by chance, {found.probability * 100:g} in 100, drawn from seed {seed}"
    if rule.side == "event" and found.has_moment and rule.at_moment_alone:
        return "at one moment"
    return "every one that matches" if rule.side != "event" or rule.api == "connection" else ""


def _attempt(attempt: str | int) -> str:
    words = {"any": "", "first": "first attempts alone", "retry": "retries alone"}
    return words[attempt] if isinstance(attempt, str) else f"attempt number {attempt} alone"


def _idempotent(flag: bool | None) -> str:
    return "" if flag is None else f"{'with' if flag else 'without'} a producer id"


def _among(what: str, numbers: tuple[int, ...] | None) -> str:
    return "" if numbers is None else f"{what} {listed(numbers, 'or')}"


def _globs(what: str, globs: tuple[str, ...] | None) -> str:
    return "" if globs is None or globs == ("*",) else f"{what} {listed(globs, 'or')}"


def _span(what: str, span: Span | None) -> str:
    if span is None:
        return ""
    if span.low == span.high:
        return f"{what} {span.low}"
    if span.low is None or span.high is None:
        return f"{what} {f'at most {span.high}' if span.low is None else f'at least {span.low}'}"
    return f"{what} {span.low} to {span.high}"
