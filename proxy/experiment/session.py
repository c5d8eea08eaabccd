"""A whole `ackdrop run`: one broker, one scenario after the other, and the worst exit code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal

from ..broker.choose import choose
from ..broker.given import given
from ..broker.running import RunningBroker
from ..direct.authentication import SaslWanted
from ..errors import UsageError
from ..report.codes import NOT_RUN
from ..report.finished import Finished
from ..report.progress import Progress
from ..report.words import counted, lasted
from ..result import Reason
from ..scenario.models import Scenario
from ..security import ANYBODY, Security
from ..verify.of_runs import OUT_OF_TIME, worst
from .capturing import Recording, recording
from .foreign.execute import Execution
from .foreign.program import check as check_program
from .repeated import RepeatedRun
from .scenario import ScenarioRun, not_run
from .settings import AS_PROGRAMS_EXPECT, ExecSettings, RunSettings, VerifySettings
from .shards import Part, parts
from .stopping import Stop, signals
from .told import Told
from .verify import verify


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """Which broker to run against, as the command line says. `properties` are an embedded one's, beside ours, and it
    consists of so many `brokers`."""

    kind: Literal["auto", "found", "docker", "embedded"] = "auto"
    bootstrap: str | None = None
    allow_remote: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    brokers: int = 1


async def run_scenarios(scenarios: Sequence[Scenario], choice: BrokerChoice, settings: RunSettings, told: Told) -> int:
    """Run them all, or those of one shard; the exit code is the worst of theirs. An interruption ends the run well, and
    reports it; so does the end of the time that was given.

    `told.results` has a result for every scenario, whatever happens to the run; none after a UsageError. Raises that,
    BrokerError where there is no broker, and SurroundingsError where a run's folder cannot be written.
    """
    todo, failed = parts(scenarios, settings), None
    _tell_shard(todo, told)
    try:
        async with signals(settings.max_time, lambda: told.say(_up(settings))) as stop, AsyncExitStack() as stack:
            replicas = max((part.scenario.workload.replication for part in todo), default=1)
            broker = await running_broker(
                dataclasses.replace(choice, brokers=replicas), settings.security, told, stop, stack
            )
            recorded = await stack.enter_async_context(recording(None if broker is None else settings.capture))
            for number, part in enumerate(todo, 1):
                if broker is None or stop.asked or failed is not None:
                    break
                name = part.scenario.name if len(todo) > 1 else None
                if name is not None:
                    told.say(f"{name} ({number} of {len(todo)})")
                await _run(part, settings, broker, told, stop, recorded and recorded.named(name))
                if settings.fail_fast and told.results[-1].result.verdict in ("failed", "error"):
                    failed = part.scenario
            several = len(todo) > 1 or any((settings.repeat or part.scenario.repeat) > 1 for part in todo)
            for note in await recorded.notes() if several and recorded is not None else ():
                told.say(note)
    except UsageError:
        raise
    except Exception as error:  # raised again: no scenario shall be missing in what is written
        left = todo[len(told.results) :]
        told.results.extend(Finished(not_run(part.scenario, settings, error, part.shard), None) for part in left)
        raise
    _left_out(todo[len(told.results) :], settings, told, stop, failed)
    return worst(finished.result.exit_code for finished in told.results)


async def _run(
    part: Part,
    settings: RunSettings,
    broker: RunningBroker,
    told: Told,
    stop: Stop,
    recorded: Recording | None,
) -> None:
    """One scenario, as often as it is asked for."""
    scenario, shard = part.scenario, part.shard
    times = settings.repeat or scenario.repeat
    if times == 1:
        run = ScenarioRun(scenario, settings, told.progress, stop, recording=recorded, shard=shard)
        await _once(run, broker, told)
        return
    repeated = RepeatedRun(scenario, settings, times)
    try:
        for number in range(1, times + 1):
            told.say(f"{scenario.name}, run {number} of {times}")
            with told.progress:
                run = ScenarioRun(
                    scenario,
                    settings,
                    told.progress,
                    stop,
                    folder=repeated.folder_of(number),
                    recording=recorded and recorded.named(f"{scenario.name} {number}"),
                    shard=shard,
                )
                result = await repeated.run(run, broker)
            told.say(f"  {result.verdict}")
            if run.error is not None:
                told.complain(run.error)
            if stop.asked or run.error is not None:
                break
    finally:
        if repeated.begun:
            told.results.append(repeated.finished())
    told.show(told.results[-1])


async def _once(run: ScenarioRun, broker: RunningBroker, told: Told) -> None:
    """One run: its result is kept however it ends, and shown where it ends well enough."""
    finished: Finished | None = None
    try:
        with told.progress:
            finished = await run.run(broker)
    finally:
        told.results.append(finished or run.so_far())
        if finished is None:
            told.say(f"Ended at once; what was seen until then is in {run.folder}")
    if run.error is not None:
        told.complain(run.error)
    if run.error is None or finished.result.arms:
        told.show(finished)
    else:
        told.say("\n".join([*run.notes, f"What there is of the run is in {run.folder}"]))


def _left_out(left: Sequence[Part], settings: RunSettings, told: Told, stop: Stop, failed: Scenario | None) -> None:
    """Scenarios that were not begun: one before them `failed`, the time was up, or somebody interrupted."""
    if not left:
        return
    why, text = None, "Interrupted"
    if failed is not None:
        text = f"{failed.name} did not pass, and --fail-fast leaves out what follows"
        why = Reason(NOT_RUN, None, f"{text}. Run it by itself, or all without --fail-fast.")
    elif stop.out_of_time:
        text = "The time was up"
        more = "Give the run more with --max-time, or divide its scenarios with --shard."
        why = Reason(OUT_OF_TIME, None, f"The time that was given was up before this was begun. {more}")
    told.say(f"{text}; not run: {', '.join(part.scenario.name for part in left)}")
    told.results.extend(Finished(not_run(part.scenario, settings, why, part.shard), None) for part in left)


def _up(settings: RunSettings) -> str:
    return f"The time is up ({lasted(settings.max_time or 0)}): what runs is ended, and reported as far as it came"


def _tell_shard(todo: Sequence[Part], told: Told) -> None:
    shard = todo[0].shard if todo else None
    if shard is not None:
        told.say(f"Shard {shard.number} of {shard.of}: {shard.size} of {counted(shard.total, 'scenario')}")


async def running_broker(
    choice: BrokerChoice, security: Security, told: Told, stop: Stop, stack: AsyncExitStack, *, locked: bool = False
) -> RunningBroker | None:
    """The broker, which ends with the stack; None where a stop was asked for before there was one. `locked`: one that
    wants to know who is speaking will do, where nobody is named."""
    if choice.bootstrap is None and security != ANYBODY:
        raise UsageError(
            "the --upstream-... options are about a broker of yours, and none is named", remedy="--bootstrap HOST:PORT"
        )
    try:
        return await _chosen(choice, security, told, stop, stack)
    except SaslWanted:
        if not locked or choice.bootstrap is None:
            raise
        return RunningBroker(choice.bootstrap, "given", remote=choice.allow_remote, security=security)


async def _chosen(
    choice: BrokerChoice, security: Security, told: Told, stop: Stop, stack: AsyncExitStack
) -> RunningBroker | None:
    with told.progress:
        told.progress.phase("looking for a broker")
        async with stop.until():
            return await stack.enter_async_context(
                choose(
                    choice.kind,
                    choice.bootstrap,
                    choice.allow_remote,
                    progress=_downloading(told.progress),
                    say=told.say,
                    verbose=told.verbose,
                    properties=choice.properties,
                    security=security,
                    brokers=choice.brokers,
                )
            )
    return None


def _downloading(progress: Progress) -> Callable[[int, int], None]:
    """Shows the download of the embedded broker, which happens once for each user."""

    begun = False

    def show(done: int, total: int) -> None:
        nonlocal begun
        if not begun:
            begun = True
            progress.phase("downloading Apache Kafka, this once", total, bytes=True)
        progress.advance_to(done)

    return show


async def execute_program(scenario: Scenario | None, settings: ExecSettings, choice: BrokerChoice, told: Told) -> int:
    """`ackdrop exec`: signals are the program's first, and the second one ends everything at once."""
    check_program(settings.program)
    choice = dataclasses.replace(choice, properties=AS_PROGRAMS_EXPECT)
    async with signals() as stop, AsyncExitStack() as stack:
        broker = await running_broker(choice, settings.security, told, stop, stack, locked=True)
        if broker is None:
            return 130
        executed = await Execution(scenario, settings, broker, stop).run(told.progress, told.say)
        told.results.append(executed.finished)
        told.show(executed.finished)
        return executed.exit_code
    return 130


async def verify_log(settings: VerifySettings, told: Told) -> int:
    """`ackdrop verify`: a signal ends it at once; nothing is changed at the broker."""
    await given(settings.bootstrap, settings.allow_remote, settings.security)
    async with signals() as stop, stop.until():
        with told.progress:
            finished = await verify(settings, told.progress, told.say)
        told.results.append(finished)
        told.show(finished)
        return finished.result.exit_code
    return 130
