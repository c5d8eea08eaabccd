"""What a control API answers, as lines for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..report.words import KINDS, counted

_OUTCOMES = {
    "open": "no answer yet",
    "appended": "appended",
    "appended-again": "appended a second time",
    "deduplicated": "known again, not written",
    "refused": "refused",
}
RECENT = 10


def status_lines(found: dict[str, Any]) -> list[str]:
    """`GET /v1/state`."""
    about, now = found["about"], found["snapshot"]
    rates, retries, acks = now["rates"], now["retries"], now["acks"]
    lines = [
        f"ackdrop {about['version']}, process {about['pid']}, for {now['now'] - now['began']:.0f} s",
        f"  listens on      {about['listen']}, in front of {_broker(about['broker'])} at {about['bootstrap']}",
        f"  run             {about['folder']}",
        *_scenario(about["scenario"]),
        f"  connections     {now['connections_open']} open, {now['connections_total']} in all",
        f"  requests        {rates['requests']:.1f}/s, of them produce {rates['produce']:.1f}/s; "
        f"answers {rates['answers']:.1f}/s",
        f"  bytes           {_size(rates['client_bytes'])}/s from clients, "
        f"{_size(rates['broker_bytes'])}/s from brokers",
        f"  produce         {now['produce_requests']} requests, {now['records']} records, {now['errors']} errors",
        f"  retries         {retries['retries']}: {retries['protected']} protected, "
        f"{retries['unprotected']} not; {retries['ambiguous']} more may be retries",
        f"  acks            {acks['dropped']} dropped, {acks['withheld']} withheld, {acks['delayed']} delayed",
        f"  ledger          {now['ledger']['waiting']} waiting, {now['ledger']['let_go']} let go",
    ]
    lines += ["listeners", *(f"  {_node(each['node']):<16}{each['address']}" for each in now["listeners"])]
    lines += ["faults", *(f"  {line}" for line in fault_lines(now["faults"]))]
    recent = now["recent"][-RECENT:]
    if recent:
        lines += ["last", *(f"  {each['at'] - now['began']:9.3f} s  {_happened(each)}" for each in recent)]
    return lines


def fault_lines(faults: Sequence[dict[str, Any]]) -> list[str]:
    """One line a fault, below each other."""
    if not faults:
        return ["none"]
    names = max(len(each["name"]) for each in faults)
    return [
        f"{'armed' if each['armed'] else 'off':<6} {each['name']:<{names}}  "
        f"matched {each['matched']}, fired {each['fired']}  {each['said']}"
        for each in faults
    ]


def findings_lines(found: dict[str, Any]) -> list[str]:
    """`GET /v1/findings`."""
    retries, acks = found["retries"], found["acks"]
    lines = [
        f"after {found['seconds']:.0f} s and {found['produce_requests']} produce requests",
        f"  retries         {retries['retries']}: {retries['protected']} protected, {retries['unprotected']} not; "
        f"{retries['ambiguous']} more may be retries",
        f"  of these        {retries['appended_again']} appended a second time "
        f"({counted(retries['records_appended_again'], 'record')}), {retries['deduplicated']} known again, "
        f"{retries['refused']} refused, {retries['appended']} appended once, {retries['open']} open",
        f"  acks            {acks['dropped']} dropped, {acks['withheld']} withheld, {acks['delayed']} delayed",
    ]
    if found["undecoded"] or found["observations_let_go"]:
        lines.append(f"  not seen        {found['undecoded']} frames, {found['observations_let_go']} observations")
    lines += [_retry(each) for each in found["last"]]
    lines += ["only the report will tell", *(f"  {text}" for text in found["only_at_the_end"])]
    return lines


def _scenario(scenario: dict[str, Any] | None) -> list[str]:
    if scenario is None:
        return []
    lines = [f"  scenario        {scenario['file'] or scenario['title']}, revision {scenario['revision']}"]
    if scenario["refused"]:
        lines.append("  its file is not valid by now, and the last revision is in force:")
        lines += [f"    {line}" for error in scenario["refused"] for line in error.splitlines()]
    return lines


def _retry(one: dict[str, Any]) -> str:
    kind = "may be one" if one["ambiguous"] else "protected" if one["protected"] else "unprotected"
    offsets = "" if one["earlier_offset"] is None else f" (offset {one['earlier_offset']}, then {one['offset']})"
    faults = f"; the first one met {', '.join(one['faults'])}" if one["faults"] else ""
    return (
        f"  try {one['tries']} of {one['topic']} [{one['partition']}], {counted(one['records'], 'record')}, {kind}: "
        f"{_OUTCOMES[one['outcome']]}{offsets}{faults}"
    )


def _happened(one: dict[str, Any]) -> str:
    fault = "" if one["fault"] is None else f'"{one["fault"]}" '
    return f"{fault}{one['text']}"


def _broker(told: str) -> str:
    """The kind of broker by the name that reports give it."""
    kind, _, version = told.partition(" ")
    return f"{KINDS[kind]} {version}".rstrip() if kind in KINDS and kind != "unknown" else told


def _node(node: int) -> str:
    return "bootstrap" if node < 0 else f"broker {node}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
