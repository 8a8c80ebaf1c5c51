"""The last commands of each client of a test, for its report if it fails.

The rule of this file: nothing is put into words until somebody wants to read it, and what is kept is bounded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from itertools import count
from typing import Final

import pytest

COMMANDS: Final = 10
"""Of each client."""

CLIENTS: Final = 10
"""Those that sent something last."""

TITLE: Final = "last Redis commands of each client"


class Recorder:
    """Keeps what it is told of: whatever ``str()`` makes a line of."""

    def __init__(self) -> None:
        self._clients: OrderedDict[Hashable, deque[object]] = OrderedDict()
        self._has_forgotten = False
        self.numbers = count(1)  # names of clients that have none

    def note(self, client: Hashable, exchange: object) -> None:
        """*client* has sent a command."""
        exchanges = self._clients.get(client)
        if exchanges is None:
            exchanges = self._clients[client] = deque(maxlen=COMMANDS)
            if len(self._clients) > CLIENTS:
                self._clients.popitem(last=False)
                self._has_forgotten = True
        elif len(self._clients) > 1:
            self._clients.move_to_end(client)
        exchanges.append(exchange)

    def __str__(self) -> str:
        """A line for each command, a paragraph for each client."""
        paragraphs = ["\n".join(map(str, exchanges)) for exchanges in list(self._clients.values())]
        if self._has_forgotten:
            paragraphs.insert(0, "(… and other clients before them)")
        return "\n\n".join(paragraphs)


RECORDER: Final = pytest.StashKey[Recorder]()
"""Where a test has its recorder."""


def add_section(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add to the *report* of an *item* that failed what its clients sent last."""
    recorder = item.stash.get(RECORDER, None)
    if report.failed and recorder is not None and (text := str(recorder)):
        report.sections.append((TITLE, text))
