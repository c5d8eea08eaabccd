"""What sqlite3's query planner is told of the tables, in `sqlite_stat1` (https://sqlite.org/fileformat2.html#stat1tab).

Without it the planner takes `arm = 1` for something that few rows have, and reads a whole arm where an index would do.
The figures are those of a large run, not of this one: rows of the index, then the rows that share its first column, its
first two, and so on.
"""

from __future__ import annotations

_STATISTICS: dict[str, dict[str | None, str]] = {
    "arms": {None: "2"},
    "removed": {None: "2"},
    "error_names": {None: "135"},
    "connections": {"connections": "10000 5000 1"},
    "attempts": {
        "attempts": "1000000 500000 1",
        "attempts_by_frame": "1000000 500000 500 2",
        "attempts_by_offset": "1000000 500000 200000 50000 2",
        "attempts_by_sequence": "1000000 500000 50000 25000 3",
        "attempts_retried": "2000 1000 2",
        "attempts_not_acked": "20000 10000 2000",
    },
    "acked_ranges": {"acked_ranges": "2000000 1000000 500000 100000 1"},
    "decisions": {"decisions_fired": "20000 10000 2", "decisions_fired_by_frame": "20000 10000 50 3"},
    "sends": {"sends": "1000000 500000 250000 1"},
    "log": {"log": "1000000 500000 250000 50000 1", "log_by_identity": "1000000 500000 2"},
    "log_batches": {
        "log_batches": "200000 100000 50000 10000 1",
        "log_batches_by_sequence": "200000 100000 10000 5000 2",
        "log_batches_by_crc": "200000 100000 2",
    },
    "findings": {"findings_by_kind": "2000 1000 300"},
}

ROWS = [(table, index, stat) for table, indexes in _STATISTICS.items() for index, stat in indexes.items()]
"""The rows of `sqlite_stat1`: table, index or None for the table itself, figures."""

INSERT = "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)"
