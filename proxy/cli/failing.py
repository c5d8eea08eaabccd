"""What a person is told when a command cannot do its work: an error of ours, or a defect of ours."""

from __future__ import annotations

import io
import sys
import traceback
from pathlib import Path

import click

from ..errors import AckdropError
from ..report.clean import clean


def tell(error: AckdropError) -> None:
    """An error of ours: what is wrong, and what to do about it."""
    first, *rest = error.message.splitlines() or [""]
    lines = [f"ackdrop: {first}", *rest]
    if error.remedy:
        lines.append(f"  try: {error.remedy}")
    _say(*map(clean, lines))


def tell_usage(error: click.ClickException) -> None:
    """What was typed wrong, as click says it."""
    told = io.StringIO()
    error.show(told)
    _say(*told.getvalue().splitlines())


def tell_defect(error: BaseException) -> None:
    """A defect: that it is one, and the file with its traceback. Where no file can be written, the traceback itself."""
    trace = "".join(traceback.format_exception(error))
    cause = _innermost(error)
    _say(clean(f"ackdrop: an internal error, {type(cause).__name__}: {cause}"))
    _say("  This is a defect of ackdrop, not of what it tests. Please report it, with the command and this traceback:")
    try:
        _say(f"  {_kept(trace)}")
    except OSError:
        _say(trace)


def _innermost(error: BaseException) -> BaseException:
    """The first error inside the groups that nurseries have put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _kept(trace: str) -> Path:
    """The file that the traceback was written to, in the folder where the system keeps programs' logs."""
    import os
    from datetime import UTC, datetime

    import platformdirs

    from .. import __version__

    folder = platformdirs.user_log_path("ackdrop", ensure_exists=True)
    path = folder / f"internal-error-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{os.getpid()}.txt"
    about = f"ackdrop {__version__}, Python {sys.version}\n\n"
    path.write_text(about + trace, encoding="utf-8", errors="backslashreplace")
    return path


def _say(*lines: str) -> None:
    from ..report.folding import say

    say(lines, error=True)
