"""`ackdrop completion`: what a shell has to read to complete verbs, options, scenarios and producers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EPILOG = """\b
Examples:
  eval "$(ackdrop completion bash)"          now; in ~/.bashrc for good
  eval "$(ackdrop completion zsh)"           in ~/.zshrc, behind compinit
  ackdrop completion fish > ~/.config/fish/completions/ackdrop.fish
"""

VARIABLE = "_ACKDROP_COMPLETE"
"""The variable by which the shell asks; click's name for it."""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what SHELL has to read to complete ackdrop's verbs, options, scenarios and producers.

    Bash has to be 4.4 or newer; macOS brings an older one.
    """
    from click.shell_completion import get_completion_class

    from . import ackdrop

    kind = get_completion_class(shell)
    assert kind is not None
    source = kind(ackdrop, {}, "ackdrop", VARIABLE)
    click.echo(source.source())
    return 0


def scenario_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The scenarios that are shipped, by name; where none begins so, files. (Both at once is more than bash can do.)"""
    from click.shell_completion import CompletionItem

    from ..scenario.files import shipped

    names = [path.stem for path in shipped() if path.stem.startswith(incomplete)]
    return [*map(CompletionItem, names)] or [CompletionItem(incomplete, type="file")]
