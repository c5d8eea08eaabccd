"""The command line: parse, call, exit code. One file a verb, imported only when it is used."""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from .. import __version__
from ..errors import AckdropError, ours_in
from .failing import tell, tell_defect, tell_usage
from .streams import forgive_standard_error

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = {
    "run": ("run", "run"),
    "proxy": ("proxy", "proxy"),
    "exec": ("execute", "execute"),
    "ctl": ("ctl", "ctl"),
    "verify": ("verify", "verify"),
    "probe": ("probe", "probe"),
    "report": ("report", "report"),
    "capture": ("capture", "capture"),
    "scenario": ("scenario", "scenario"),
    "broker": ("broker", "broker"),
    "tls": ("tls", "tls"),
    "doctor": ("doctor", "doctor"),
    "completion": ("completion", "completion"),
}
"""verb -> (module in this package, the command in it)"""

SUMMARIES = {
    "run": "Run scenarios against a broker, with idempotence off and on.",
    "proxy": "Stand between your own programs and a broker.",
    "exec": "Run a program of yours behind the proxy, and verify what it wrote.",
    "ctl": "Look at a proxy that runs, and change its faults.",
    "verify": "Look for duplicates in a topic's log, or check a run's log again.",
    "probe": "Measure what a broker remembers of a producer.",
    "report": "Show a finished run again, in any format.",
    "capture": "Read captures of Kafka's traffic, from anywhere.",
    "scenario": "List, explain, write, check and simulate scenarios.",
    "broker": "An embedded Apache Kafka, for use by hand.",
    "tls": "Certificates for tests and local use.",
    "doctor": "Say what is installed and found, for bug reports.",
    "completion": "Let a shell complete verbs, options and scenarios.",
}

INTERNAL_ERROR = 4
INTERRUPTED = 130


class Verbs(click.Group):
    """A group whose commands are imported when they are called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f".{module}", __name__), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Verbs without importing them, so that a key press stays quick."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(verb, help=text) for verb, text in SUMMARIES.items() if verb.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(VERBS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  ackdrop run lost-ack",
)
@click.version_option(__version__, prog_name="ackdrop", message="%(prog)s %(version)s")
def ackdrop() -> None:
    """Lose Kafka acks on purpose, and see whether the retries leave duplicates.

    ackdrop stands between producers and a real Redpanda or Apache Kafka, injects the faults that a scenario names, and
    compares what reached the log with idempotence off and on.
    """


def main() -> None:
    """The console script. Our own errors become a message and their exit code; anything else is a defect of ours."""
    forgive_standard_error()
    try:
        code = ackdrop.main(standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        tell_usage(error)
        code = error.exit_code
    except BaseException as error:  # the one place where nothing may pass: what is not ours is told as a defect
        code = _failed(error)
    sys.exit(code if isinstance(code, int) else 0)


def _failed(error: BaseException) -> int:
    """Tell of an error, also where nurseries have wrapped it in groups, and give its exit code."""
    if isinstance(error, BaseExceptionGroup):
        error = ours_in(error) or error
    if isinstance(error, AckdropError):
        tell(error)
        return error.exit_code
    if _is_interruption(error):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, SystemExit):
        raise error
    tell_defect(error)
    return INTERNAL_ERROR


def _is_interruption(error: BaseException) -> bool:
    """Ctrl-C, also in a group: then whatever else is in it came of it."""
    kinds = (click.Abort, KeyboardInterrupt)
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(kinds) is not None
    return isinstance(error, kinds)
