"""What the fields of a report mean, one by one, where their name alone does not say it: for the published schema."""

from __future__ import annotations

from .story import CAUSES

_FIELDS = {
    "ScenarioInfo": {
        "title": "What happens, in a line.",
        "file": "Where the scenario was read from; null where there was none.",
        "seed": "What all chance was drawn from.",
        "sha256": "Of the scenario's file; of the effective one where something was set, included or varied.",
        "combination": "The values that its matrix gave it, by their keys; empty without a matrix.",
    },
    "BrokerInfo": {
        "source": "How it was come by: named by the user, found on localhost, started in Docker or from its jars.",
        "bootstrap": "Its address, HOST:PORT.",
    },
    "ProducerInfo": {
        "client": "The library, or how a program of someone else calls itself.",
    },
    "Reason": {
        "text": "What happened, and what to do about it.",
    },
    "Records": {
        "sent": "How often the application called send().",
        "acked": "Sends whose success the client reported, with an offset that the broker gave.",
        "failed": "Sends that the client reported as failed.",
        "unknown": "Sends with acks=0, and those whose producer ended before it was told.",
    },
    "FaultCount": {
        "matched": "How many frames (or entries, with `per: partition`) it was asked about.",
        "fired": "How often it did what it says.",
    },
    "WireCounts": {
        "connections": "Of clients to the proxy.",
        "retries": "Attempts that repeat one whose success had not been delivered to the client.",
        "acks_dropped": "Produce answers that a fault dropped.",
        "acks_withheld": "Produce answers that were stuck behind a dropped one.",
        "acks_delayed": "Produce answers that a fault delivered late.",
        "undecoded": "Frames that mattered and could not be read.",
    },
    "LogCounts": {
        "records": "Records in the log.",
        "distinct": "Logical records in the log.",
        "duplicates": "Extra copies: records less distinct.",
        "lost": "Acked, and not in the log.",
        "unacked_present": "In the log, though the producer was told that it failed, or was told nothing.",
        "out_of_order": "First copies that stand after a record that was sent later; per producer and partition.",
        "phantom": "In the log, and never sent.",
        "offset_mismatch": "Acked at one offset, and standing at another.",
        "past_proxy": "In the log, and never passed the proxy.",
    },
    "AttemptLine": {
        "records": "In the batch.",
        "crc": "The batch's CRC-32C, as the client wrote it.",
        "producer_id": "-1 without one.",
        "acks": "As the client asked: -1 for all, 1, or 0 for no answer.",
        "ack": (
            "What became of the answer: it reached the client; a fault dropped it; it was stuck behind a dropped one; "
            "a fault delivered it late; it never reached the client for any other reason, or none was asked for."
        ),
    },
    "Finding": {
        "cause": "Why a duplicate is there; null where there is nothing to explain. "
        + " ".join(f"{cause}: {why}" for cause, why in CAUSES.items()),
        "places": "Where the record stands in the log.",
        "attempts": "The produce attempts that tell how it came about, in time.",
    },
    "ExpectationResult": {
        "expect": "As its author would say it: `duplicates >= 1`; an equality reads `duplicates 0`.",
        "actual": "The figure; null where it cannot be known.",
        "held": "null where it cannot be known.",
    },
    "ArmResult": {
        "idempotence": "Whether the producer was told to be idempotent; null for a program of someone else.",
        "isolation": "Which records were counted: all, or those that a read_committed consumer sees (KIP-98).",
        "findings": "At most 1,000 of each kind; the figures are exact.",
    },
    "Failure": {
        "figure": "What the expectation is about, as it names it.",
        "cause": "Why the duplicates are there; null where there is nothing to explain, or where not all are listed.",
    },
    "ArmRepeat": {"verdicts": "How many runs came to each verdict of this arm."},
    "RunResult": {
        "broker": "null where none was reached.",
        "reasons": "Why it did not pass.",
        "exit_code": "Of the command that ran it: 0 passed, 1 failed, 3 inconclusive, 4 error, 130 interrupted.",
        "run": "null in a report from before there was this key.",
        "repeat": "null for a single run.",
        "failures": "What did not hold, by kind; of several runs all kinds.",
        "shard": "null for a run that was not divided.",
    },
}

MEANINGS = {(model, field): meaning for model, fields in _FIELDS.items() for field, meaning in fields.items()}
