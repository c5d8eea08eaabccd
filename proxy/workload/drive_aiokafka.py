"""Drives aiokafka's AIOKafkaProducer. A script: see driving.py."""

from __future__ import annotations

import asyncio
import importlib
import inspect
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
    # No retries: with idempotence it retries for ever, without until a batch is older than the request timeout.
    # No delivery timeout, for the same reason; and one request a node is in flight, never more.
    "acks": (("acks", words.as_is),),
    "request_timeout": (("request_timeout_ms", words.milliseconds),),
    "retry_backoff": (("retry_backoff_ms", words.milliseconds),),
    "linger": (("linger_ms", words.milliseconds),),
    "batch_size": (("max_batch_size", words.as_is),),
    "compression": (("compression_type", words.none_is_absent),),
}


def settings(job: driving.Job, defaults: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """(AIOKafkaProducer's keyword arguments, the words that it does not have). Idempotence is always said."""
    plan = job.plan
    own = {
        "bootstrap_servers": plan.bootstrap,
        "client_id": plan.client_id,
        "enable_idempotence": plan.idempotence,
    }
    own.update(security(plan.sasl))
    config, missing = words.translate(plan.config, TABLE, defaults)
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
    """What aiokafka asks for a token, in its loop; it wants an object of its own class."""
    module = importlib.import_module("aiokafka.abc")

    class Provider(module.AbstractTokenProvider):  # type: ignore[misc, name-defined]
        async def token(self) -> str:
            return token

    return Provider()


def defaults_of(aiokafka: ModuleType) -> dict[str, Any]:
    """The settings that the installed version knows, with their defaults."""
    parameters = inspect.signature(aiokafka.AIOKafkaProducer.__init__).parameters
    return {name: parameter.default for name, parameter in parameters.items() if name != "self"}


class Sender:
    """The sends and their futures, all in the event loop."""

    def __init__(self, job: driving.Job, producer: Any, errors: ModuleType) -> None:
        self.job = job
        self.producer = producer
        self.errors = errors
        self.open: set[asyncio.Future[Any]] = set()

    async def all(self) -> None:
        """Every send of the plan, each when it is due, and what is to be sent again, until all have their answers."""
        job = self.job
        while job.more:
            while (due := job.due()) is not None:
                await asyncio.sleep(max(0.0, min(due, driving.SLICE)))
                if due <= 0:
                    await self.one(job.begin())
                    if not job.plan.pipelined:
                        await self.settle()
            await self.settle()

    async def settle(self) -> None:
        """Waits until every send has its answer, or one is to be sent again."""
        until = asyncio.FIRST_EXCEPTION if self.job.plan.resend_failed else asyncio.ALL_COMPLETED
        while self.open and self.job.waits:
            await asyncio.wait(self.open, return_when=until)

    async def one(self, turn: Turn) -> None:
        """One `send()`, whose future will report. What `send()` raises is the client's verdict on this record."""
        try:
            future = await self._accepted(turn)
        except (self.errors.KafkaError, ValueError, TypeError, AssertionError) as error:
            self.job.fail(turn, error)
        else:
            self.open.add(future)
            future.add_done_callback(lambda future: self._answered(turn, future))

    async def _accepted(self, turn: Turn) -> asyncio.Future[Any]:
        """The future of a record that the client took. A full buffer raises after the request timeout: not taken."""
        job = self.job
        while True:
            try:
                future: asyncio.Future[Any] = await self.producer.send(
                    job.plan.topic, value=job.value, partition=turn.partition, headers=turn.headers
                )
                return future
            except self.errors.KafkaTimeoutError:
                if job.over:
                    raise

    def _answered(self, turn: Turn, future: asyncio.Future[Any]) -> None:
        self.open.discard(future)
        if future.cancelled():
            return
        error, metadata = future.exception(), None
        if error is not None:
            self.job.fail(turn, error)
            return
        metadata = future.result()  # None with acks=0
        self.job.answer(turn, turn.partition, None if metadata is None else metadata.offset)


async def work(job: driving.Job, aiokafka: ModuleType, config: dict[str, Any]) -> None:
    errors = importlib.import_module("aiokafka.errors")
    try:
        producer = aiokafka.AIOKafkaProducer(**config)
    except (ValueError, TypeError, AssertionError, RuntimeError) as error:
        job.refuse("refused", error)
    working = asyncio.ensure_future(start_and_send(job, producer, errors))
    loop = asyncio.get_running_loop()
    job.on_stop(lambda: loop.call_soon_threadsafe(working.cancel))
    await asyncio.wait({working})
    job.seal()
    await asyncio.wait({asyncio.ensure_future(producer.stop())}, timeout=driving.CLOSE)
    if not working.cancelled():
        working.result()
    job.finish()


async def start_and_send(job: driving.Job, producer: Any, errors: ModuleType) -> None:
    try:
        await producer.start()
    except (errors.KafkaError, OSError, asyncio.TimeoutError) as error:  # noqa: UP041 - two classes before 3.11
        job.refuse("start", error)
    job.ready()
    await Sender(job, producer, errors).all()


def drive(job: driving.Job) -> None:
    aiokafka = job.library("aiokafka")
    defaults = defaults_of(aiokafka)
    config, missing = settings(job, defaults)
    version = getattr(aiokafka, "__version__", None)
    job.introduce(version, words.effective(config, TABLE, defaults), missing)
    asyncio.run(work(job, aiokafka, config))


if __name__ == "__main__":
    driving.run(drive)
