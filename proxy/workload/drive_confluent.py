"""Drives confluent-kafka's Producer, which is librdkafka. A script: see driving.py."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from . import driving, words
else:
    import driving
    import words

if TYPE_CHECKING:
    from types import ModuleType

    from .turns import Turn

TABLE: words.Table = {
    "acks": (("acks", words.as_is),),
    "retries": (("retries", words.as_is),),
    # The first is the client's own patience: with socket.max.fails=1, its default, a request that is not answered in
    # time makes librdkafka disconnect and retry. The second travels in the produce request and is the broker's.
    "request_timeout": (("socket.timeout.ms", words.milliseconds), ("request.timeout.ms", words.milliseconds)),
    "delivery_timeout": (("delivery.timeout.ms", words.milliseconds),),
    "retry_backoff": (("retry.backoff.ms", words.milliseconds),),
    "linger": (("linger.ms", words.milliseconds),),
    "batch_size": (("batch.size", words.as_is),),
    "max_in_flight": (("max.in.flight.requests.per.connection", words.as_is),),
    "compression": (("compression.type", words.as_is),),
}


TOKEN_FOR = 3600.0
"""Seconds for which a token counts as good: the broker is who decides."""


def settings(job: driving.Job) -> tuple[dict[str, Any], list[str]]:
    """(Producer's settings, the words that it does not have). Idempotence is off unless asked for; it is always said.

    The binding hands them to librdkafka in this order, and the last one of two aliases counts.
    """
    plan = job.plan
    own = {
        "bootstrap.servers": plan.bootstrap,
        "client.id": plan.client_id,
        "enable.idempotence": plan.idempotence,
    }
    own.update(security(plan.sasl))
    config, missing = words.translate(plan.config, TABLE)
    return {**own, **config, **plan.client_config}, missing


def security(sasl: dict[str, str] | None) -> dict[str, Any]:
    """Who the producer is, where somebody is to be named. The proxy is on this machine: no TLS."""
    if sasl is None:
        return {}
    who: dict[str, Any] = {"security.protocol": "sasl_plaintext", "sasl.mechanism": sasl["mechanism"]}
    if sasl["mechanism"] == "OAUTHBEARER":
        return {**who, "oauth_cb": functools.partial(bearer, sasl["password"])}
    return {**who, "sasl.username": sasl["username"], "sasl.password": sasl["password"]}


def bearer(token: str, config: str) -> tuple[str, float]:
    """What librdkafka asks for a token, and until when it is good: it asks again before that."""
    return token, time.time() + TOKEN_FOR


def version(library: ModuleType) -> str:
    """`2.16.1, librdkafka 2.16.0`: the second is what retries. Older bindings tell a pair instead of a text."""
    binding, core = library.version(), library.libversion()
    return f"{binding if isinstance(binding, str) else binding[0]}, librdkafka {core[0]}"


def delivered(job: driving.Job, turn: Turn, error: Any, message: Any) -> None:
    """The delivery report. With acks=0 its offset is RD_KAFKA_OFFSET_INVALID, -1001.

    The binding may come with its own fatal error still set, which is in the log by then: whatever is called first here
    fails for it with SystemError, so that is nothing of ours.
    """
    try:  # noqa: SIM105  a context manager would be the first to fail
        object()
    except SystemError:
        pass
    if error is not None:
        job.fail(turn, f"{error.name()}: {error.str()}")
    else:
        job.answer(turn, message.partition(), message.offset())


def attend(producer: Any, library: ModuleType, seconds: float) -> None:
    """Lets delivery reports in. A fatal error is raised out of the middle of it, once; it is in the log already, and
    the reports of the sends that it ends are still to come."""
    with contextlib.suppress(library.KafkaException):
        producer.poll(seconds)


def send(job: driving.Job, producer: Any, library: ModuleType, turn: Turn) -> None:
    """One `produce()`, whose delivery report will tell. A full queue is waited for; it has not taken the record."""
    report = functools.partial(delivered, job, turn)
    where = {"partition": turn.partition, "headers": turn.headers, "on_delivery": report}
    while not job.over:
        try:
            producer.produce(job.plan.topic, value=job.value, **where)
        except BufferError:
            attend(producer, library, driving.SLICE)
        except library.KafkaException as error:
            return job.fail(turn, error.args[0].str())
        else:
            return None
    return None


def idle(producer: Any, library: ModuleType, seconds: float) -> None:
    """Waits, and lets delivery reports in meanwhile."""
    attend(producer, library, max(0.0, min(seconds, driving.SLICE)))


def settle(job: driving.Job, producer: Any, library: ModuleType) -> None:
    """Lets delivery reports in until every send has one, one is to be sent again, or the job is over."""
    while job.waits:
        idle(producer, library, job.remaining)


def flush(job: driving.Job, producer: Any, library: ModuleType) -> None:
    """Sends what lingers. What it raises is no verdict on a record."""
    with contextlib.suppress(library.KafkaException):
        producer.flush(job.remaining)


def close(job: driving.Job, producer: Any) -> None:
    """Closes the producer; what was not answered is thrown away first, else closing would wait for it."""
    if not job.settled:
        producer.purge()
    if hasattr(producer, "close"):
        producer.close()


def drive(job: driving.Job) -> None:
    library = job.library("confluent_kafka")
    config, missing = settings(job)
    job.introduce(version(library), words.effective(config, TABLE), missing)
    try:
        producer = library.Producer(config)
    except library.KafkaException as error:
        job.refuse("refused", error.args[0].str())
    except (ValueError, TypeError) as error:
        job.refuse("refused", error)
    job.ready()
    while job.more:
        for turn in job.turns(functools.partial(idle, producer, library)):
            send(job, producer, library, turn)
            attend(producer, library, 0)
            if not job.plan.pipelined:
                settle(job, producer, library)
        job.hurry(lambda: flush(job, producer, library))
        settle(job, producer, library)
    job.finish(lambda: close(job, producer))


if __name__ == "__main__":
    driving.run(drive)
