"""What holds for the commands of every fault at a process: `command` begins it, `undo` ends it."""

from __future__ import annotations

from ...faults.verdicts import Command
from ..complaint import Complaint


def undo_needs_command(command: Command, undo: Command) -> None:
    """Raises Complaint where something is to be undone that ackdrop does in its own way."""
    if undo and not command:
        raise Complaint("'undo' without 'command'", hint="give both, or neither", within=("undo",), on_key=True)


def commands_are_for_brokers(place: str, command: Command) -> Complaint | None:
    """What is wrong with a command at this place; None where nothing is."""
    if place == "workload" and command:
        hint = "at workload it is done to ackdrop's own producer process"
        return Complaint("a command is possible at broker alone", hint=hint, within=("command",), on_key=True)
    return None
