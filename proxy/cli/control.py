"""The options of a verb whose proxy can be looked at and changed while it runs."""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from typing import Any, cast

import click

from .options import ADDRESS, Command, option

_FILE = click.Path(dir_okay=False, path_type=Path)


def control_options(command: Command) -> Command:
    """Where the control API listens, and its token; the command gets them as `control`, None without an address. And
    where its metrics alone are served, as `metrics`."""

    @wraps(command)
    def collected(*arguments: Any, **options: Any) -> Any:
        from ..control.address import address_of
        from ..control.token import VARIABLE
        from ..errors import UsageError
        from ..experiment.settings import ControlSettings

        address, token_file = options.pop("control"), options.pop("control_token_file")
        if address is None:
            if token_file is not None:
                raise UsageError("--control-token-file without --control", remedy="say where with --control HOST:PORT")
            return command(*arguments, control=None, **options)
        token = None if token_file is not None else os.environ.get(VARIABLE)
        return command(*arguments, control=ControlSettings(address_of(address), token, token_file), **options)

    made: Any = collected
    for one in (
        option(
            "--metrics",
            type=ADDRESS,
            help="Serve /health and /metrics alone here, on any address and for anybody, without a token: for probes "
            "and Prometheus.",
        ),
        option(
            "--control-token-file",
            type=_FILE,
            metavar="FILE",
            help="The token of the control API, in a file that only you may read; without it and ACKDROP_CONTROL_TOKEN "
            "one is made.",
        ),
        option(
            "--control",
            metavar="HOST:PORT|unix:PATH",
            help="Serve the control API and metrics here, on loopback or a Unix socket: see ackdrop ctl.",
        ),
    ):
        made = one(made)
    return cast(Command, made)
