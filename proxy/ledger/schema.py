"""The tables of `ledger.db`. The comments are part of the file: `sqlite3 ledger.db .schema` shows them. `README.md` has
them too; `python tests/ledger/test_guide.py` writes them there.

`PRAGMA user_version` is `VERSION`; it grows with every change that a reader would notice. All times are seconds on the
run's monotonic clock; an arm's zero is `arms.zero`. NULL means "not seen" or "not known". Booleans are 0 and 1.
The views are in `views.py`.
"""

from __future__ import annotations

VERSION = 7

TABLES = """
CREATE TABLE arms ( -- one row an arm of the run
    arm INTEGER PRIMARY KEY,        -- the number that every other table uses
    name TEXT NOT NULL UNIQUE,      -- "off", "on", or what the scenario calls it
    idempotence INTEGER,            -- what the arm claims, NULL for a program that is not ours
    zero REAL,                      -- seconds: when the first produce request came in; reports count from here
    let_go INTEGER NOT NULL DEFAULT 0, -- observations that were never written: the disk could not keep up
    index_let_go INTEGER NOT NULL DEFAULT 0, -- open attempts that the index of retries forgot for its limit
    log_let_go INTEGER NOT NULL DEFAULT 0, -- records of the log beyond its limit
    batches_let_go INTEGER NOT NULL DEFAULT 0 -- batches of the log beyond their limit
);

CREATE TABLE removed ( -- one row an arm: what its limits took out of the other tables since
    arm INTEGER PRIMARY KEY,        -- arms.arm
    attempts_folded INTEGER NOT NULL DEFAULT 0, -- now in acked_ranges; nothing is lost that a verdict needs
    attempts_let_go INTEGER NOT NULL DEFAULT 0, -- eventful ones beyond their limit
    frames INTEGER NOT NULL DEFAULT 0, -- produce requests that these attempts came in
    frames_dropped INTEGER NOT NULL DEFAULT 0, -- of these, whose answer was dropped
    frames_withheld INTEGER NOT NULL DEFAULT 0, -- of these, whose answer was withheld
    frames_delayed INTEGER NOT NULL DEFAULT 0, -- of these, whose answer was delayed
    ranges_let_go INTEGER NOT NULL DEFAULT 0, -- attempts in ranges beyond their limit
    connections INTEGER NOT NULL DEFAULT 0, -- ended ones that had no attempt left
    decisions_folded INTEGER NOT NULL DEFAULT 0, -- those that let pass; faults counts their frames
    decisions_let_go INTEGER NOT NULL DEFAULT 0, -- those that fired, beyond their limit; faults counts their frames
    partitions_let_go INTEGER NOT NULL DEFAULT 0, -- beyond their limit: where they began is not known
    undecoded_let_go INTEGER NOT NULL DEFAULT 0 -- frames that could not be read, beyond their limit
);

CREATE TABLE faults ( -- the rules, so that one that never matched is not forgotten; and any other that decided
    arm INTEGER NOT NULL,           -- arms.arm
    name TEXT NOT NULL,             -- the rule's name
    position INTEGER,               -- in the order of the scenario file, from 0; NULL: not of the scenario
    first INTEGER,                  -- the id of its first decision that is not in decisions any more
    matched INTEGER NOT NULL DEFAULT 0, -- frames that it matched, and of which decisions has nothing (any more)
    fired INTEGER NOT NULL DEFAULT 0, -- frames that it fired on in decisions that were removed
    PRIMARY KEY (arm, name)
) WITHOUT ROWID;

CREATE TABLE connections ( -- clients' connections to the proxy
    arm INTEGER NOT NULL,           -- arms.arm
    connection INTEGER NOT NULL,    -- counts the connections of the arm
    node INTEGER NOT NULL,          -- the broker id that the listener stands for, -1 for the bootstrap listener
    peer TEXT NOT NULL,             -- the client's address
    opened_at REAL NOT NULL,        -- seconds
    closed_at REAL,                 -- seconds; NULL: still open when the ledger ended
    closed_by TEXT,                 -- client, broker or ackdrop
    closed_how TEXT,                -- fin or reset
    closed_reason TEXT,             -- in words
    PRIMARY KEY (arm, connection)
) WITHOUT ROWID;

CREATE TABLE attempts ( -- one partition's batch in one produce request, and all that became of it
    arm INTEGER NOT NULL,           -- arms.arm
    number INTEGER NOT NULL,        -- counts the attempts of the arm
    at REAL NOT NULL,               -- seconds: when the request came in from the client
    connection INTEGER NOT NULL,    -- connections.connection
    correlation_id INTEGER NOT NULL, -- with connection and at: the frame, which may hold several attempts
    client_id TEXT NOT NULL,        -- as the request's header says
    software TEXT NOT NULL,         -- name and version, as the client's ApiVersions request told them
    api_version INTEGER NOT NULL,   -- of the produce request
    acks INTEGER NOT NULL,          -- -1 (all), 0 or 1
    transactional_id TEXT,          -- of the request; NULL: no transaction
    topic TEXT NOT NULL,            -- by name, or id:HEX where only its id is known
    partition INTEGER NOT NULL,     -- its number in the topic
    producer_id INTEGER NOT NULL,   -- -1: none, the batch is not protected (KIP-98)
    producer_epoch INTEGER NOT NULL, -- -1: none
    base_sequence INTEGER NOT NULL, -- of the batch's first record; -1: none
    records INTEGER NOT NULL,       -- in the batch
    crc INTEGER NOT NULL,           -- the batch's CRC-32C as the client wrote it
    size INTEGER NOT NULL,          -- of the batch, in bytes
    retry_of INTEGER,               -- the number of the attempt that this one repeats
    tries INTEGER NOT NULL,         -- counts from 1
    ambiguous INTEGER NOT NULL,     -- 1: may be a retry, cannot be told from an application's resend
    injected INTEGER NOT NULL,      -- 1: a copy that ackdrop itself sent; retry_of is what it is a copy of
    forwarded_at REAL,              -- seconds: when the request went on to the broker
    answered_at REAL,               -- seconds: when the broker answered
    error INTEGER,                  -- the broker's error code, 0 for none; error_names says it in words
    base_offset INTEGER,            -- the offset that the broker gave to the first record; -1: none
    acked_at REAL,                  -- seconds: when the answer's fate at the client was known
    ack TEXT,                       -- delivered, dropped, withheld, delayed or none
    seen_error INTEGER,             -- the error code that the client saw, NULL when it saw nothing
    released TEXT,                  -- why one that was held back went on: retried, acked_batches, time or end
    PRIMARY KEY (arm, number)
) WITHOUT ROWID;

CREATE TABLE blocks ( -- attempts by which nothing happened, before they are rows of attempts; empty after a run
    id INTEGER PRIMARY KEY,         -- in order
    arm INTEGER NOT NULL,           -- arms.arm
    first INTEGER NOT NULL,         -- the lowest number in it
    last INTEGER NOT NULL,          -- the highest
    count INTEGER NOT NULL,         -- attempts
    flows TEXT NOT NULL,            -- JSON: a list of what attempts have in common, from connection to producer_epoch
    runs BLOB NOT NULL,             -- int64: place in flows and series of each run, in the order of cells
    cells BLOB NOT NULL,            -- int64: number, correlation_id, base_sequence, records, crc, size, base_offset
    times BLOB NOT NULL,            -- float64: at, answered_at
    more BLOB NOT NULL              -- uint32: crc of those behind the first of their series; crc >> 32 is how many
);

CREATE TABLE acked_ranges ( -- attempts of whom nothing else is worth telling, by the offsets that they were given
    arm INTEGER NOT NULL,           -- arms.arm
    topic TEXT NOT NULL,            -- by name
    partition INTEGER NOT NULL,     -- its number in the topic
    first INTEGER NOT NULL,         -- offset
    last INTEGER NOT NULL,          -- offset, included; every one from first to last was given to one of them
    attempts INTEGER NOT NULL,      -- how many
    since REAL NOT NULL,            -- seconds: when the first of them came in
    until REAL NOT NULL,            -- seconds: when the last of them came in
    PRIMARY KEY (arm, topic, partition, first)
) WITHOUT ROWID;

CREATE TABLE decisions ( -- what each rule decided about each entry that it matches, in order; not all that let pass
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- in order; never given twice
    arm INTEGER NOT NULL,           -- arms.arm
    at REAL NOT NULL,               -- seconds
    fault TEXT NOT NULL,            -- the rule's name
    connection INTEGER NOT NULL,    -- connections.connection
    correlation_id INTEGER NOT NULL, -- with connection: the frame
    client_id TEXT NOT NULL,        -- as the request's header says
    topic TEXT NOT NULL,            -- by name, without the part that is new in every run
    partition INTEGER NOT NULL,     -- its number in the topic
    n INTEGER NOT NULL,             -- counts the rule's matches for this client, topic and partition
    fired INTEGER NOT NULL,         -- 1: the rule did something to this frame
    verdict TEXT NOT NULL,          -- pass, overruled (an earlier rule had decided), or the fault's own word
    hit INTEGER NOT NULL,           -- 0: the entry merely shared the frame with one that the rule named
    attempt INTEGER                 -- attempts.number; NULL: the frame is none of an attempt
);

CREATE TABLE acted ( -- what was done to the broker or to the producer's process, or could not be
    id INTEGER PRIMARY KEY,         -- in the order in which they were over
    arm INTEGER NOT NULL,           -- arms.arm
    at REAL NOT NULL,               -- seconds: when the rule fired
    fault TEXT NOT NULL,            -- the rule's name
    place TEXT NOT NULL,            -- broker or workload
    act TEXT NOT NULL,              -- pause, restart, kill or transfer_leadership
    ok INTEGER NOT NULL,            -- 1: it was done; 0: it could not be
    reason TEXT,                    -- why not, in words
    seconds REAL NOT NULL           -- from at until the process went on as before
);

CREATE TABLE changes ( -- faults that were changed while the arm ran
    id INTEGER PRIMARY KEY,         -- in order
    arm INTEGER NOT NULL,           -- arms.arm
    at REAL NOT NULL,               -- seconds
    fault TEXT NOT NULL,            -- the rule's name
    change TEXT NOT NULL,           -- added, removed, armed, disarmed or reset
    who TEXT NOT NULL,              -- control, file, keys or program: whose doing it was
    entry TEXT                      -- JSON: the fault that was added, as in a scenario; NULL for any other change
);

CREATE TABLE undecoded ( -- frames that mattered and could not be read
    id INTEGER PRIMARY KEY,         -- in order
    arm INTEGER NOT NULL,           -- arms.arm
    at REAL NOT NULL,               -- seconds
    connection INTEGER NOT NULL,    -- connections.connection
    api TEXT NOT NULL,              -- the request's name in the protocol
    version INTEGER NOT NULL,       -- of the request; -1: not known
    reason TEXT NOT NULL,           -- in words
    closed INTEGER NOT NULL         -- 1: the connection was closed for it
);

CREATE TABLE partitions ( -- partitions that were produced to, and where each began for this arm
    arm INTEGER NOT NULL,           -- arms.arm
    topic TEXT NOT NULL,            -- by name
    partition INTEGER NOT NULL,     -- its number in the topic
    start_offset INTEGER NOT NULL,  -- taken before the first produce request was forwarded; -1: not taken
    at REAL NOT NULL,               -- seconds: when a request named it first
    PRIMARY KEY (arm, topic, partition)
) WITHOUT ROWID;

CREATE TABLE sends ( -- what the producer under test reported: one row a send()
    arm INTEGER NOT NULL,           -- arms.arm
    producer TEXT NOT NULL,         -- its name in the run
    send_order INTEGER NOT NULL,    -- the position in which send() was called, from 0
    record INTEGER NOT NULL,        -- the logical record
    send INTEGER NOT NULL,          -- the application's own send of that record, from 0
    outcome TEXT NOT NULL,          -- acked, failed or unknown
    partition INTEGER,              -- as the client reported it
    offset INTEGER,                 -- as the client reported it
    error TEXT,                     -- as the client reported it
    PRIMARY KEY (arm, producer, send_order)
) WITHOUT ROWID;

CREATE TABLE log ( -- the records in the log, read back from the broker: the first ones up to the limit
    arm INTEGER NOT NULL,           -- arms.arm
    topic TEXT NOT NULL,            -- by name
    partition INTEGER NOT NULL,     -- its number in the topic
    offset INTEGER NOT NULL,        -- where it stands
    identity TEXT NOT NULL,         -- the logical record
    send INTEGER,                   -- the application's own send of it, from 0; NULL: not known
    send_order INTEGER,             -- sends.send_order; NULL: not known
    producer TEXT,                  -- sends.producer; NULL: not known
    ours INTEGER NOT NULL,          -- 1: the identity is our workload's header, not key, value, headers and time
    producer_id INTEGER NOT NULL,   -- -1: none
    producer_epoch INTEGER NOT NULL, -- -1: none
    sequence INTEGER NOT NULL,      -- of this record; -1: none
    batch_base_offset INTEGER NOT NULL, -- log_batches.base_offset
    batch_crc INTEGER NOT NULL,     -- log_batches.crc
    timestamp INTEGER NOT NULL,     -- milliseconds since 1970
    "transaction" TEXT NOT NULL,    -- none, committed, aborted or open
    PRIMARY KEY (arm, topic, partition, offset)
) WITHOUT ROWID;

CREATE TABLE log_batches ( -- the batches in the log, read back from the broker: the first ones up to the limit
    arm INTEGER NOT NULL,           -- arms.arm
    topic TEXT NOT NULL,            -- by name
    partition INTEGER NOT NULL,     -- its number in the topic
    base_offset INTEGER NOT NULL,   -- offset of its first record
    last_offset INTEGER NOT NULL,   -- offset, included
    records INTEGER NOT NULL,       -- in the part that was read
    producer_id INTEGER NOT NULL,   -- -1: none
    producer_epoch INTEGER NOT NULL, -- -1: none
    base_sequence INTEGER NOT NULL, -- -1: none
    crc INTEGER NOT NULL,           -- CRC-32C as it stands there; the broker may have written another than the client
    size INTEGER NOT NULL,          -- bytes
    codec TEXT NOT NULL,            -- none, gzip, snappy, lz4 or zstd
    timestamp INTEGER NOT NULL,     -- milliseconds since 1970
    "transaction" TEXT NOT NULL,    -- none, committed, aborted or open
    PRIMARY KEY (arm, topic, partition, base_offset)
) WITHOUT ROWID;

CREATE TABLE findings ( -- what verification found
    id INTEGER PRIMARY KEY,         -- in order
    arm INTEGER NOT NULL,           -- arms.arm
    kind TEXT NOT NULL,             -- duplicate, deduplicated, lost, ...
    cause TEXT,                     -- retry-unprotected, new-epoch, ...
    record TEXT NOT NULL,           -- the logical record
    fault TEXT,                     -- the rule that touched one of the attempts
    places TEXT NOT NULL,           -- JSON: [{topic, partition, offset}]
    attempts TEXT NOT NULL          -- JSON: the chain of attempts, as in report.json
);

CREATE TABLE error_names ( -- the protocol's error codes, to be joined
    code INTEGER PRIMARY KEY,       -- as in the protocol
    name TEXT NOT NULL              -- as in the protocol guide
);

CREATE INDEX attempts_by_frame ON attempts (arm, connection, correlation_id);
CREATE INDEX attempts_by_offset ON attempts (arm, topic, partition, base_offset);
CREATE INDEX attempts_by_sequence ON attempts (arm, producer_id, producer_epoch, base_sequence);
CREATE INDEX attempts_retried ON attempts (arm, retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX attempts_not_acked ON attempts (arm, ack) WHERE ack <> 'delivered';
CREATE INDEX decisions_fired ON decisions (arm, attempt) WHERE fired;
CREATE INDEX decisions_fired_by_frame ON decisions (arm, connection, correlation_id) WHERE fired;
CREATE INDEX log_by_identity ON log (arm, identity);
CREATE INDEX log_batches_by_sequence ON log_batches (arm, producer_id, producer_epoch, base_sequence);
CREATE INDEX log_batches_by_crc ON log_batches (arm, crc);
CREATE INDEX findings_by_kind ON findings (arm, kind);
"""
