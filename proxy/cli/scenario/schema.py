"""`ackdrop scenario schema`: what editors complete and check scenarios with."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  ackdrop scenario schema > ackdrop.schema.json

\b
Then, as the first line of a scenario:
  # yaml-language-server: $schema=ackdrop.schema.json
"""


@click.command(epilog=EPILOG)
def schema() -> None:
    """Print the JSON Schema (2020-12) of scenarios, for editors.

    It is made from what validates them, and knows every key, fault and word with its description. What only the whole
    file shows, such as an arm that is not there, `ackdrop scenario validate` tells alone.
    """
    from ...scenario.schema import rendered

    click.echo(rendered(), nl=False)
