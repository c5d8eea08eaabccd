"""The views of `ledger.db`: the tables joined, with names and relative times, for people and for our own reading."""

from __future__ import annotations

VIEWS = """
CREATE VIEW attempt_faults AS -- the faults that touched each attempt, in the order of id
SELECT d.arm, d.attempt AS number, d.fault, d.verdict, d.at, d.id, 1 AS named
FROM decisions AS d WHERE d.fired AND d.hit AND d.attempt IS NOT NULL
UNION ALL -- whatever is done to a frame but `error` is done to all of it: entries that no rule named went with it
SELECT a.arm, a.number, d.fault, d.verdict, d.at, d.id, 0
FROM decisions AS d
JOIN attempts AS a ON a.arm = d.arm AND a.connection = d.connection AND a.correlation_id = d.correlation_id
LEFT JOIN attempts AS b ON b.arm = d.arm AND b.number = d.attempt
WHERE d.fired AND d.hit AND d.verdict <> 'error' AND a.number IS NOT d.attempt AND NOT a.injected
  AND coalesce(a.at = b.at, 1)
  AND NOT EXISTS (
      SELECT 1 FROM decisions AS own WHERE own.fired AND own.arm = a.arm AND own.attempt = a.number AND own.hit
        AND own.fault = d.fault
  )
UNION ALL -- what is done to a connection, or to another frame on it, is done to answers that do not arrive behind it
SELECT a.arm, a.number, d.fault, d.verdict, d.at, d.id, 0
FROM decisions AS d
JOIN attempts AS a ON a.arm = d.arm AND a.connection = d.connection
WHERE d.fired AND d.hit AND d.attempt IS NULL AND d.connection > 0 AND d.verdict <> 'duplicate'
  AND a.ack IN ('withheld', 'delayed', 'none') AND NOT a.injected AND a.acked_at >= d.at;

CREATE VIEW story AS -- each attempt in words: seconds since the arm's first request, milliseconds, names of errors
SELECT arms.name AS arm, a.number, a.at - arms.zero AS at, a.connection, a.correlation_id, a.client_id, a.software,
       a.topic, a.partition, a.producer_id, a.producer_epoch, a.base_sequence, a.records, a.size,
       a.retry_of, a.tries,
       CASE WHEN a.injected THEN 'injected' WHEN a.ambiguous THEN 'ambiguous' WHEN a.retry_of IS NOT NULL THEN 'retry'
            ELSE 'first' END AS kind,
       (a.forwarded_at - a.at) * 1000 AS forwarded_ms, (a.answered_at - a.at) * 1000 AS answered_ms,
       (a.acked_at - a.at) * 1000 AS acked_ms,
       a.base_offset AS first_offset,
       CASE WHEN a.base_offset >= 0 THEN a.base_offset + max(a.records, 1) - 1 END AS last_offset,
       CASE WHEN a.error IS NULL THEN NULL ELSE coalesce(told.name, a.error) END AS broker_said,
       coalesce(a.ack, 'none') AS ack,
       CASE WHEN a.seen_error IS NULL THEN NULL ELSE coalesce(seen.name, a.seen_error) END AS client_saw,
       coalesce(
           (SELECT group_concat(d.fault, ', ') FROM decisions AS d
            WHERE d.fired AND d.arm = a.arm AND d.attempt = a.number AND d.hit),
           (SELECT group_concat(d.fault, ', ') FROM decisions AS d
            WHERE d.fired AND d.arm = a.arm AND d.connection = a.connection AND d.correlation_id = a.correlation_id
              AND d.hit AND d.verdict <> 'error' AND NOT a.injected
              AND coalesce((SELECT b.at = a.at FROM attempts AS b WHERE b.arm = d.arm AND b.number = d.attempt), 1))
       ) AS faults
FROM attempts AS a
JOIN arms ON arms.arm = a.arm
LEFT JOIN error_names AS told ON told.code = a.error
LEFT JOIN error_names AS seen ON seen.code = a.seen_error;

CREATE VIEW retries AS -- each retry beside the attempt that it repeats
SELECT arms.name AS arm, again.number, again.at - arms.zero AS at, again.connection, again.correlation_id,
       again.topic, again.partition, again.tries, again.ambiguous, again.injected, again.error, again.base_offset,
       again.ack, first.number AS of_number, first.at - arms.zero AS of_at, first.connection AS of_connection,
       first.error AS of_error, first.base_offset AS of_base_offset, first.ack AS of_ack,
       again.producer_id >= 0 AND again.producer_id = first.producer_id
           AND again.producer_epoch = first.producer_epoch
           AND again.base_sequence = first.base_sequence AS same_identity
FROM attempts AS again
JOIN attempts AS first ON first.arm = again.arm AND first.number = again.retry_of
JOIN arms ON arms.arm = again.arm
WHERE again.retry_of IS NOT NULL;

CREATE VIEW let_go AS -- all that is not in the ledger any more, one row a kind; `harmless`: no verdict suffers from it
SELECT arms.name AS arm, gone.what, gone.count, gone.harmless FROM arms JOIN (
    SELECT arm, 'attempts folded into ranges' AS what, attempts_folded AS count, 1 AS harmless FROM removed
    UNION ALL SELECT arm, 'decisions that let pass', decisions_folded, 1 FROM removed
    UNION ALL SELECT arm, 'ended connections', connections, 1 FROM removed
    UNION ALL SELECT arm, 'log records', log_let_go, 1 FROM arms
    UNION ALL SELECT arm, 'log batches', batches_let_go, 1 FROM arms
    UNION ALL SELECT arm, 'observations', let_go, 0 FROM arms
    UNION ALL SELECT arm, 'open attempts', index_let_go, 0 FROM arms
    UNION ALL SELECT arm, 'eventful attempts', attempts_let_go, 0 FROM removed
    UNION ALL SELECT arm, 'attempts of ranges', ranges_let_go, 0 FROM removed
    UNION ALL SELECT arm, 'decisions that fired', decisions_let_go, 0 FROM removed
    UNION ALL SELECT arm, 'partitions', partitions_let_go, 0 FROM removed
    UNION ALL SELECT arm, 'undecoded frames', undecoded_let_go, 0 FROM removed
) AS gone USING (arm) WHERE gone.count > 0;
"""
