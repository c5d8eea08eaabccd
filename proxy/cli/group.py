"""A verb that has verbs of its own."""

from __future__ import annotations

import click

_WHOLE = 1000


class Group(click.Group):
    """Its help has the whole first sentence of each command, where click would cut it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_WHOLE)) for name, one in found if one is not None])
