"""ackdrop loses Kafka acks on purpose, and proves whether the retries left duplicates.

The map, from top to bottom; a room imports only from below it:

    cli/             click: parse, call, exit code; one file a verb
    pytest_plugin.py a proxy for each test that asks for one; imports nothing until then
    api/             the same for Python programs: start, arm, observe, verify, and claims for tests
    experiment/      one run: broker, arms, workload or foreign programs, verification
    report/          the same result as terminal table, JSON, ...
    relay/           trio: listeners and sessions; the only sockets of the data path
    verify/          the log, the ledger, and what they prove
    workload/        producers that make the traffic, each in a process of its own
    broker/          where a broker comes from: given, found, Docker, embedded
    ledger/          the store of what happened on the wire
    control/         looking at a proxy while it runs, and changing its faults: HTTP, metrics, ctl
    capture/         what passed as a pcapng file: written beside the relay, and read again
    probing/         hand-made packets that show how a broker de-duplicates
    scenario/        YAML to arms, workload and faults, with line numbers
    direct/          our own conversation with the broker, past the proxy
    packets/         Kafka as scapy's packets; the only importer of scapy
    core/            a run's wire, sans-io: bytes in, commands out
    faults/          one small file a fault: match, trigger, verdict
    result.py        the result that every report shows
    passed.py        attempts by which nothing happened, in other forms
    series.py        the same as bytes
    observations.py  the frozen facts that rooms hand to each other
    identity.py      what a record is known by: our own header, or what a user names
    security.py      TLS on either side, and who ackdrop is towards a broker
    authority.py     a throw-away CA, and what it signs
    kafka/           bytes and meaning: frames, headers, produce, batches, addresses
    clients.py       the client libraries that can be put under test, and what is known of each
    errors.py        every exception of ours
"""

from __future__ import annotations

__version__ = "0.1.0"
