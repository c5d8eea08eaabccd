"""The tables of `ledger.db`. The comments are part of the file: `sqlite3 ledger.db .schema` shows them.

`PRAGMA user_version` is `VERSION`; it grows with every change that a reader would notice. All times are seconds on the
run's monotonic clock; an arm's zero is `SELECT min(at) FROM attempts WHERE arm = ...`. NULL means "not seen" or "not
known". Booleans are 0 and 1.
"""

from __future__ import annotations

VERSION = 1

TABLES = """
CREATE TABLE arms ( -- one row an arm of the run
    arm INTEGER PRIMARY KEY,        -- the number that every other table uses
    name TEXT NOT NULL UNIQUE,      -- "off", "on", or what the scenario calls it
    idempotence INTEGER,            -- what the arm claims, NULL for a program that is not ours
    let_go INTEGER NOT NULL DEFAULT 0 -- observations that a limit made the ledger drop
);

CREATE TABLE faults ( -- the scenario's rules, so that one that never matched is told from one that is not there
    arm INTEGER NOT NULL,
    position INTEGER NOT NULL,      -- in the order of the scenario file, from 0
    name TEXT NOT NULL,
    PRIMARY KEY (arm, position)
) WITHOUT ROWID;

CREATE TABLE connections ( -- clients' connections to the proxy
    arm INTEGER NOT NULL,
    connection INTEGER NOT NULL,    -- its number in the run
    node INTEGER NOT NULL,          -- the broker id that the listener stands for, -1 for the bootstrap listener
    peer TEXT NOT NULL,             -- the client's address
    opened_at REAL NOT NULL,
    closed_at REAL,
    closed_by TEXT,                 -- client, broker or ackdrop
    closed_how TEXT,                -- fin or reset
    closed_reason TEXT,
    PRIMARY KEY (arm, connection)
) WITHOUT ROWID;

CREATE TABLE attempts ( -- one partition's batch in one produce request, and all that became of it
    arm INTEGER NOT NULL,
    number INTEGER NOT NULL,        -- counts the attempts of the arm
    at REAL NOT NULL,               -- when the request came in from the client
    connection INTEGER NOT NULL,
    correlation_id INTEGER NOT NULL, -- with connection and at: the frame, which may hold several attempts
    client_id TEXT NOT NULL,
    software TEXT NOT NULL,         -- name and version, as the client's ApiVersions request told them
    api_version INTEGER NOT NULL,   -- of the produce request
    acks INTEGER NOT NULL,          -- -1 (all), 0 or 1
    transactional_id TEXT,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,   -- -1: none, the batch is not protected (KIP-98)
    producer_epoch INTEGER NOT NULL,
    base_sequence INTEGER NOT NULL,
    records INTEGER NOT NULL,       -- in the batch
    crc INTEGER NOT NULL,           -- the batch's CRC-32C as the client wrote it
    size INTEGER NOT NULL,          -- of the batch, in bytes
    retry_of INTEGER,               -- the number of the attempt that this one repeats
    tries INTEGER NOT NULL,         -- counts from 1
    ambiguous INTEGER NOT NULL,     -- 1: may be a retry, cannot be told from an application's resend
    forwarded_at REAL,              -- when the request went on to the broker
    answered_at REAL,               -- when the broker answered
    error INTEGER,                  -- the broker's error code, 0 for none
    base_offset INTEGER,            -- the broker's answer
    acked_at REAL,                  -- when the answer's fate at the client was known
    ack TEXT,                       -- delivered, dropped, withheld, delayed or none
    seen_error INTEGER,             -- the error code that the client saw, NULL when it saw nothing
    PRIMARY KEY (arm, number)
) WITHOUT ROWID;

CREATE TABLE decisions ( -- what each rule decided about each entry that it matches, in order
    id INTEGER PRIMARY KEY,
    arm INTEGER NOT NULL,
    at REAL NOT NULL,
    fault TEXT NOT NULL,            -- the rule's name
    connection INTEGER NOT NULL,
    correlation_id INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    n INTEGER NOT NULL,             -- counts the rule's matches for this client, topic and partition
    fired INTEGER NOT NULL,
    verdict TEXT NOT NULL,          -- pass, or the fault's own word: drop, delay, error
    hit INTEGER NOT NULL,           -- 0: the entry merely shared the frame with one that the rule named
    attempt INTEGER
);

CREATE TABLE undecoded ( -- frames that mattered and could not be read
    id INTEGER PRIMARY KEY,
    arm INTEGER NOT NULL,
    at REAL NOT NULL,
    connection INTEGER NOT NULL,
    api TEXT NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closed INTEGER NOT NULL         -- 1: the connection was closed for it
);

CREATE TABLE partitions ( -- partitions that were produced to, and where each began for this arm
    arm INTEGER NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,  -- taken before the first produce request was forwarded; -1: not taken
    at REAL NOT NULL,
    PRIMARY KEY (arm, topic, partition)
) WITHOUT ROWID;

CREATE TABLE sends ( -- what the producer under test reported: one row a send()
    arm INTEGER NOT NULL,
    producer TEXT NOT NULL,
    send_order INTEGER NOT NULL,    -- the position in which send() was called, from 0
    record INTEGER NOT NULL,        -- the logical record
    send INTEGER NOT NULL,          -- the application's own send of that record, from 0
    outcome TEXT NOT NULL,          -- acked, failed or unknown
    partition INTEGER,
    offset INTEGER,                 -- as the client reported it
    error TEXT,
    PRIMARY KEY (arm, producer, send_order)
) WITHOUT ROWID;

CREATE TABLE log ( -- the records in the log, read back from the broker (uncommitted)
    arm INTEGER NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    identity TEXT NOT NULL,         -- the logical record
    send INTEGER,
    send_order INTEGER,
    producer TEXT,
    ours INTEGER NOT NULL,          -- 1: the identity is our workload's header, not key, value, headers and time
    producer_id INTEGER NOT NULL,
    producer_epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    batch_base_offset INTEGER NOT NULL,
    batch_crc INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,     -- milliseconds since 1970
    PRIMARY KEY (arm, topic, partition, offset)
) WITHOUT ROWID;

CREATE TABLE findings ( -- what verification found
    id INTEGER PRIMARY KEY,
    arm INTEGER NOT NULL,
    kind TEXT NOT NULL,             -- duplicate, deduplicated, lost, ...
    cause TEXT,
    record TEXT NOT NULL,
    fault TEXT,
    places TEXT NOT NULL,           -- JSON: [{topic, partition, offset}]
    attempts TEXT NOT NULL          -- JSON: the chain of attempts, as in report.json
);

CREATE INDEX attempts_by_frame ON attempts (arm, connection, correlation_id);
CREATE INDEX attempts_by_partition ON attempts (arm, topic, partition, producer_id, base_sequence);
CREATE INDEX attempts_retried ON attempts (arm, retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX attempts_not_acked ON attempts (arm, ack) WHERE ack <> 'delivered';
CREATE INDEX decisions_fired ON decisions (arm, attempt) WHERE fired;
CREATE INDEX log_by_identity ON log (arm, identity);
CREATE INDEX findings_by_kind ON findings (arm, kind);

CREATE VIEW retries AS -- each retry beside the attempt that it repeats
SELECT arms.name AS arm, again.number, again.at, again.connection, again.correlation_id, again.topic, again.partition,
       again.tries, again.ambiguous, again.error, again.base_offset,
       first.number AS of_number, first.at AS of_at, first.connection AS of_connection,
       first.error AS of_error, first.base_offset AS of_base_offset, first.ack AS of_ack,
       again.producer_id >= 0 AND again.producer_id = first.producer_id
           AND again.producer_epoch = first.producer_epoch
           AND again.base_sequence = first.base_sequence AS same_identity
FROM attempts AS again
JOIN attempts AS first ON first.arm = again.arm AND first.number = again.retry_of
JOIN arms ON arms.arm = again.arm
WHERE again.retry_of IS NOT NULL;

CREATE VIEW log_batches AS -- the batches that the records in the log came in
SELECT arms.name AS arm, topic, partition, batch_base_offset, batch_crc, producer_id, producer_epoch,
       min(sequence) AS base_sequence, count(*) AS records
FROM log JOIN arms ON arms.arm = log.arm
GROUP BY arms.name, topic, partition, batch_base_offset, batch_crc, producer_id, producer_epoch;
"""
