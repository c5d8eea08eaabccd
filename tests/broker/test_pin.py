"""The maintainer's command writes the list that is shipped. (That it finds the jars needs the network: run by hand.)"""

from __future__ import annotations

import json

from ackdrop.broker.jars import LIST, pinned
from ackdrop.broker.pin import render


def test_the_shipped_list_is_what_the_command_writes() -> None:
    text = render(pinned().kafka, list(pinned().jars))
    assert text == LIST.read_text(encoding="ascii")
    assert len(json.loads(text)["jars"]) == len(text.splitlines()) - 5
    assert [jar.coordinates for jar in pinned().jars] == sorted(jar.coordinates for jar in pinned().jars)
