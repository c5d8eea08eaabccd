"""Scenarios: a YAML file becomes frozen values, or every error it has, each with its place.

    models.py      what a scenario is: frozen dataclasses; all that other rooms see
    load.py        load(): file or text to `Scenario`, or a `ScenarioError` with every problem
    files.py       load_all(), find() and shipped(): which files an argument of the command line means
    yaml_events.py YAML as small events; the only importer of ruamel.yaml
    yaml_tree.py   events to nodes, within limits; nodes.py: nodes that know their place
    scalars.py     what a plain YAML word is (YAML 1.2)
    spec.py        the language: one pydantic model for each mapping, with descriptions and examples
    actions.py     the faults of the language: one model each, and the registry
    fields.py      the types of its values: durations, rates, names, globs
    units.py       the texts `250ms`, `100/s`, `64KiB`, `>= 1` read as numbers
    vocabulary.py  words of fixed meaning, and those that a later version brings
    language.py    which model, keys and example belong to a place in a file
    repair.py      validation that goes on behind an error, so that all errors come at once
    checks.py      what only the whole file shows: unknown arms, names twice, a missing control
    complaint.py   an error without a place; problems.py: with its place, its line and a caret
    build.py       validated models to the frozen values

To add a fault: its value in `faults/`, and one model in `actions.py` with its conversion, listed in `ACTIONS`.
"""

from __future__ import annotations

from .files import find, load_all, shipped

__all__ = ["find", "load_all", "shipped"]
