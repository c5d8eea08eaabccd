"""The command line that does the same again, from what was typed and what the environment said."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

_GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
_ABOUT_OUTPUT = {
    *("out", "json_file", "junit_file", "html_file", "markdown_file", "telling", "quiet", "verbose", "no_color"),
    *("capture_file", "capture_size", "capture_files"),
}
"""Where a result goes is no part of what is done."""
_ABOUT_OTHERS = {"max_time", "fail_fast", "shard"}
"""So is what several scenarios were given together: this is about one of them."""


def again(context: click.Context) -> tuple[str, ...]:
    """`ackdrop VERB --option value ...`: every option that was given, without arguments and without what is about
    output, or about several scenarios together. Each as one word that a shell has to quote."""
    words = ["ackdrop", context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) in _GIVEN
        if given and isinstance(parameter, click.Option) and name not in _ABOUT_OUTPUT | _ABOUT_OTHERS:
            words.extend(_option(parameter, context.params[name]))
    return tuple(words)


def _option(option: click.Option, value: Any) -> list[str]:
    if option.is_flag:
        name = option.opts[0] if value else next(iter(option.secondary_opts), "")
        return [name] if name else []
    values = value if option.multiple else (value,)
    text = getattr(option.type, "text", str)
    return [word for one in values for word in (option.opts[0], _shown(option.opts[0], text(one)))]


_NAMES = {"--set": 1, "--arm": 2}
"""How many names stand before the value, each with `=` behind it."""


def _shown(option: str, text: str) -> str:
    """A value as it may stand in a report: masked where the name before it is that of a secret."""
    from ..workload.words import MASK, is_secret

    *names, _ = text.split("=", _NAMES.get(option, 0))
    return "=".join([*names, MASK]) if any(map(is_secret, names)) else text
