"""The codes of reasons: stable, for programs that read a report. What each means, for the schema and for people."""

from __future__ import annotations

NOT_RUN = "not-run"
"""The code of a result that stands for a scenario which was left out because another one had failed."""

CODES = {
    "expectation-failed": "A figure is not what the scenario expects.",
    "figure-unknown": "An expectation is about a figure that cannot be known.",
    "nothing-produced": "No produce request passed the proxy, or the broker appended none.",
    "idempotence-not-as-claimed": "The batches of an arm do not carry what its idempotence says.",
    "fault-never-fired": "A fault of the scenario did not fire.",
    "fault-failed": "What a fault asks to be done to the broker or to the producer's process could not be done.",
    "fault-impossible": "A fault of the scenario cannot be done to this broker; nothing was run.",
    "late-not-released": "A request that a fault held back went on only at the end: what it waited for never came.",
    "no-lost-ack": "Every ack of an appended batch arrived, so nothing was put to the test.",
    "no-retry": "A lost ack was followed by no retry.",
    "retry-refused": "The broker took no retry, and refused none for being one, so how it treats one was not seen.",
    "control-clean": "No retry left a duplicate in the control arm, so its absence elsewhere proves nothing.",
    "no-control": "The control arm was not run.",
    "arm-not-run": "The run ended before this arm.",
    "ambiguous-duplicates": "Equal records may be copies, or may be meant: nothing that was seen decides.",
    "producer-died": "The producer ended before it had finished.",
    "producer-not-started": "The producer could not be started.",
    "went-past-proxy": "Records of this run are in the log that no attempt through the proxy accounts for.",
    "undecoded": "Frames that matter could not be read.",
    "log-not-read": "The log, or a partition of it, was not read back.",
    "no-credentials": "The broker wants to know who is speaking (SASL), and ackdrop has nobody to name.",
    "log-gone": "Part of the log had been removed before it was read.",
    "not-settled": "Attempts were still open, or the log still grew, when it was read.",
    "ledger-incomplete": "The ledger let go of observations for its limit.",
    "ledger-not-written": "The disk did not take what was seen: it is full, or the ledger's folder is gone.",
    "no-broker": "No broker was found, or none could be started.",
    "broker-error": "The broker refused what was asked of it, or went away.",
    "port-not-opened": "A port of the proxy could not be opened.",
    "environment": "Something around the run was missing or broke, such as room on the disk.",
    "internal-error": "A fault of ackdrop itself.",
    "interrupted": "The run was interrupted.",
    "out-of-time": "The time that was given (--max-time) was up before it had come to its end, or had begun.",
    NOT_RUN: "An earlier scenario failed, and this one was left out (--fail-fast).",
    "shard-missing": "Results of a shard are not among those that were merged.",
    "unfinished": "The run has not come to its end: it goes on, or ackdrop was killed.",
}
"""Codes are added, and never change what they mean; a reader takes one that it does not know for one more reason."""

ABOUT_EXPECTATIONS = frozenset({"expectation-failed", "figure-unknown"})
"""The codes of reasons that say no more than the results of an arm's expectations do."""
