"""`ackdrop scenario`: reading, checking and writing scenarios. One file a verb."""

from __future__ import annotations

import click

from ..group import Group
from .explain import explain
from .list import list_
from .new import new
from .schema import schema
from .show import show
from .simulate import simulate
from .validate import validate

EPILOG = """\b
Examples:
  ackdrop scenario list                        what comes with ackdrop
  ackdrop scenario new mine.yaml               the start of one of your own
  ackdrop scenario explain mine.yaml           what will happen, in words
  ackdrop scenario validate mine.yaml          every error and warning of it
  ackdrop scenario simulate mine.yaml RUN_DIR  what it does to a past run
  ackdrop scenario schema > schema.json        for your editor
"""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
def scenario() -> None:
    """List, write, explain, check and simulate scenarios."""


for verb in (list_, show, new, explain, validate, simulate, schema):
    scenario.add_command(verb)
