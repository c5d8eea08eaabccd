"""Drives kafka-python's KafkaProducer (3.x; 2.x as far as it goes). A script: see driving.py."""

from __future__ import annotations

import contextlib
import importlib
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
    "request_timeout": (("request_timeout_ms", words.milliseconds),),
    "delivery_timeout": (("delivery_timeout_ms", words.milliseconds),),
    "retry_backoff": (("retry_backoff_ms", words.milliseconds),),
    "linger": (("linger_ms", words.milliseconds),),
    "batch_size": (("batch_size", words.as_is),),
    "max_in_flight": (("max_in_flight_requests_per_connection", words.as_is),),
    "compression": (("compression_type", words.none_is_absent),),
}
IDEMPOTENCE = "enable_idempotence"


def settings(job: driving.Job, defaults: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(KafkaProducer's keyword arguments, the words that it does not have).

    Since 3.0 it is idempotent unless told otherwise (KIP-679), so it is always told. `max_block_ms` makes a full
    buffer wait, `bootstrap_timeout_ms` keeps the constructor within the deadline.
    """
    plan = job.plan
    own = {
        "bootstrap_servers": plan.bootstrap,
        "client_id": plan.client_id,
        IDEMPOTENCE: plan.idempotence,
        "max_block_ms": words.milliseconds(plan.deadline),
        "bootstrap_timeout_ms": words.milliseconds(min(30.0, 0.9 * plan.deadline)),
    }
    own.update(security(plan.sasl))
    config, missing = words.translate(plan.config, TABLE, defaults)
    own = {name: value for name, value in own.items() if name in defaults}
    return {**own, **config, **plan.client_config}, missing


def security(sasl: dict[str, str] | None) -> dict[str, Any]:
    """Who the producer is, where somebody is to be named. The proxy is on this machine: no TLS."""
    if sasl is None:
        return {}
    who: dict[str, Any] = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": sasl["mechanism"]}
    if sasl["mechanism"] == "OAUTHBEARER":
        return {**who, "sasl_oauth_token_provider": bearer(sasl["password"])}
    return {**who, "sasl_plain_username": sasl["username"], "sasl_plain_password": sasl["password"]}


def bearer(token: str) -> Any:
    """What kafka-python asks for a token; it wants an object of its own class, which was elsewhere before 3.0."""
    try:
        module = importlib.import_module("kafka.net.sasl.oauth")
    except ModuleNotFoundError:
        module = importlib.import_module("kafka.sasl.oauth")

    class Provider(module.AbstractTokenProvider):  # type: ignore[misc, name-defined]
        def token(self) -> str:
            return token

    return Provider()


def make(job: driving.Job, kafka: ModuleType, errors: ModuleType, config: dict[str, Any]) -> Any:
    """The producer. Its constructor connects, so it may fail for its settings or for want of a broker."""
    try:
        return kafka.KafkaProducer(**config)
    except errors.KafkaConfigurationError as error:
        job.refuse("refused", error)
    except errors.KafkaError as error:  # is a RuntimeError too
        job.refuse("start", error)
    except (ValueError, TypeError, AssertionError, RuntimeError) as error:
        job.refuse("refused", error)


def send(job: driving.Job, producer: Any, errors: ModuleType, turn: Turn) -> None:
    """One `send()`, whose future will report. What `send()` raises is the client's verdict on this record."""
    try:
        future = producer.send(job.plan.topic, value=job.value, headers=turn.headers, partition=turn.partition)
    except (errors.KafkaError, ValueError, TypeError, AssertionError) as error:
        job.fail(turn, error)
    else:
        future.add_callback(lambda metadata: job.answer(turn, metadata.partition, offset_of(producer, metadata)))
        future.add_errback(lambda error: job.fail(turn, error))


def offset_of(producer: Any, metadata: Any) -> int | None:
    """The offset that the broker gave. With acks=0 there is none, whatever number the client makes up (3.0 does)."""
    return None if producer.config["acks"] == 0 else metadata.offset


def flush(job: driving.Job, producer: Any, errors: ModuleType) -> None:
    """Sends what lingers. What it raises is no verdict on a record; 3.0 raises where a batch had to be split, too."""
    with contextlib.suppress(errors.KafkaError):
        producer.flush(timeout=job.remaining)


def close(job: driving.Job, producer: Any, errors: ModuleType) -> None:
    """Closes the producer, without waiting for answers that we no longer want."""
    with contextlib.suppress(errors.KafkaTimeoutError):
        producer.close(timeout=driving.CLOSE / 2 if job.settled else 0)


def drive(job: driving.Job) -> None:
    kafka = job.library("kafka")
    errors = importlib.import_module("kafka.errors")
    defaults = kafka.KafkaProducer.DEFAULT_CONFIG
    config, missing = settings(job, defaults)
    job.introduce(getattr(kafka, "__version__", None), words.effective(config, TABLE, defaults), missing)
    if job.plan.idempotence and IDEMPOTENCE not in defaults:
        job.refuse("refused", "this version has no idempotent producer")
    producer = make(job, kafka, errors, config)
    job.ready()
    while job.more:
        for turn in job.turns(job.sleep):
            send(job, producer, errors, turn)
            if not job.plan.pipelined:
                job.settle()
        job.hurry(lambda: flush(job, producer, errors))
        job.settle()
    job.finish(lambda: close(job, producer, errors))


if __name__ == "__main__":
    driving.run(drive)
