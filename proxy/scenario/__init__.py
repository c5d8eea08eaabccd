"""Scenarios: a YAML file becomes frozen values, or every error it has, each with its place.

    models.py      what a scenario is: frozen dataclasses; all that other rooms see

  A file to its scenarios, in this order:
    files.py       which files an argument of the command line means
    load.py        load(), examine(): a file to scenarios, or to every problem; reading.py: its bytes and text
    yaml_events.py YAML as small events; the only importer of ruamel.yaml
    yaml_tree.py   events to nodes, within limits; nodes.py: nodes that know their place
    scalars.py     what a plain YAML word is (YAML 1.2)
    include.py     the parts of a file, merged into one tree
    expand.py      one tree to one scenario for each combination:
    sets.py          what `--set` gives, by path or by name
    matrix.py        the combinations
    variables.py     `${name:-default}` filled in
    repair.py      validation that goes on behind an error, so that all errors come at once
    checks.py      what only the whole file shows: unknown arms, names twice, a missing control
    build.py       validated models to the frozen values
    yaml_text.py   the file that means a scenario alone
    added.py       faults that come to others while these are at work

  What is in vain (warnings):
    futile.py      faults that can never fire; globs.py, covering.py: what fits what
    impossible.py  expectations that can never hold

  The language:
    spec.py        one pydantic model for each mapping, with descriptions and examples
    actions/       the faults: one model each, and the registry
    fields.py      the types of its values: durations, rates, names, globs
    units.py       the texts `250ms`, `100/s`, `64KiB`, `>= 1` read as numbers
    vocabulary.py  words of fixed meaning, and those that a later version brings
    language.py    which model, keys and example belong to a place in a file
    schema.py      all of it as a JSON Schema

  What is said of it:
    explain/       a scenario in plain English
    pages.py       the page of documentation on every fault
    sketch.py      a scenario that is written for its author
    wording.py     durations, sizes and lists as English says them

  Messages:
    complaint.py   an error without a place
    problems.py    with its place among the texts of a scenario, its line and a caret

To add a fault: its value in `faults/`, and one model in `actions/` with its conversion and what is said of it, listed
in `ACTIONS`.
"""
