"""An arm's producer that does what it should not: run as `--producer-python`, it takes a driver's place.

`odd_producer.py WAY … DRIVER`: `WAY` says what is odd; the last argument is the driver that it stands for, whose
neighbours bring the words that ackdrop listens to. It sends hand-made frames (`raw.py`), one record at a time.

- `reused-sequence`: the last record goes out under the sequence of the one before it, with its own payload.
- `one-offset-for-all`: two records go in a batch, and both are reported with the batch's own offset.
- `backwards`: the first two records are sent in the wrong order.
- `one-too-many`: it writes one more record than it was asked for, and says nothing of it.
- `silent`: it reports a failure for a record that the broker has appended.
"""

from __future__ import annotations

import os
import sys

way, here = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.dirname(sys.argv[-1])]

import driving  # noqa: E402
import raw  # noqa: E402


def drive(job: driving.Job) -> None:
    """Sends every record of the plan, in this producer's own way."""
    plan = job.plan
    connection = raw.Connection(plan.bootstrap, plan.client_id)
    producer = connection.init_producer_id() if plan.idempotence else raw.Producer()
    job.introduce("1", {}, [])
    job.ready()
    turns = [job.begin() for _ in range(plan.records)]
    if way == "backwards":
        turns[0], turns[1] = turns[1], turns[0]
    groups = [turns[:2], *([turn] for turn in turns[2:])] if way == "one-offset-for-all" else [[turn] for turn in turns]
    sequence = 0
    for group in groups:
        if way == "reused-sequence" and group == groups[-1]:
            sequence -= 1
        records = [raw.Record(b"%d" % turn.record, job.value, tuple(turn.headers)) for turn in group]
        made = raw.batch(records, producer, sequence if plan.idempotence else -1)
        answer = connection.produce(plan.topic, made)
        sequence += len(group)
        for turn in group:
            if answer.error:
                job.fail(turn, f"error {answer.error}")
            elif way == "silent" and turn.record == 1:
                job.fail(turn, "gave up")
            else:
                job.answer(turn, 0, answer.base_offset)
    if way == "one-too-many":
        identity = f"{plan.run_id}/{plan.producer}/{plan.records}/0/{plan.records}"
        extra = raw.Record(b"extra", job.value, (("ackdrop", identity.encode()),))
        connection.produce(plan.topic, raw.batch([extra], producer, sequence if plan.idempotence else -1))
    job.finish(connection.close)


driving.run(drive)
