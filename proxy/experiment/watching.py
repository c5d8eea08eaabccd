"""A whole `ackdrop proxy`. It listens in no time, so what the other verbs need is not imported here."""

from __future__ import annotations

from functools import partial

from ..broker.given import allowed
from ..broker.running import RunningBroker
from ..relay.descriptors import raise_limit
from ..report.live.desk import Live
from ..scenario.models import Scenario
from .foreign.shown import until_ended
from .foreign.watch import watch
from .live.door import opened
from .settings import WatchSettings
from .stopping import signals
from .told import Told


async def watch_programs(scenario: Scenario | None, settings: WatchSettings, told: Told, live: Live) -> int:
    """`ackdrop proxy`: the first signal ends the watching and reports; the second one ends at once."""
    await allowed(settings.bootstrap, settings.allow_remote)
    raise_limit()
    async with signals() as stop:
        with opened(settings.control, settings.metrics) as doors:
            broker = RunningBroker(
                settings.bootstrap, "given", remote=settings.allow_remote, security=settings.security
            )
            until = partial(until_ended, settings, live, doors)
            finished = await watch(
                scenario,
                settings,
                broker,
                until,
                progress=told.progress,
                say=live.say,
                stop=stop,
                happened=live.happened,
            )
        told.results.append(finished)
        told.show(finished)
        live.ended(finished.result.verdict, finished.result.exit_code, str(finished.folder))
        return finished.result.exit_code
    return 130
