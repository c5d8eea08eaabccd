"""How the person is told of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import AckdropError
from ..report.finished import Finished
from ..report.progress import Progress
from .settings import Say


@dataclass(slots=True)
class Told:
    """How the person is told: `say` always, `verbose` where asked for, `show` for each result, `complain` for an error
    that ended a run. `results` has one for each scenario, in their order."""

    progress: Progress
    say: Say
    verbose: Say
    show: Callable[[Finished], None]
    complain: Callable[[AckdropError], None]
    results: list[Finished] = field(default_factory=list)
