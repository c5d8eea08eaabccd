"""A text in, a scenario or its problems out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ackdrop.errors import ScenarioError
from ackdrop.scenario.load import load


@pytest.fixture
def problems() -> Callable[[str], list[str]]:
    """The problems of a text that must have some, the file's name taken off."""

    def read(text: str) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            load(text)
        return [problem.removeprefix("scenario:") for problem in caught.value.problems]

    return read
