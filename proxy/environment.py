"""The environment that a process which we start gets from us."""

import os


def inherited(*without: str, **own: str) -> dict[str, str]:
    """Our environment and `own` beside it, but for the variables whose names begin with one of `without`.

    Another thread may take variables out meanwhile, as pytest does between its tests: to copy `os.environ` raises
    KeyError then, to read this does not.
    """
    found = {name: os.environ.get(name) for name in list(os.environ) if not name.startswith(without)}
    return {name: value for name, value in found.items() if value is not None} | own
