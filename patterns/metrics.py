"""What a cache counts, and hooks that hear of each event.

The rule of this file: counting costs no round trip, and a hook that fails harms nobody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

log = logging.getLogger("patterns")

Kind: TypeAlias = Literal[
    "hit", "local_hit", "miss", "stale", "load", "load_error", "fenced", "refresh", "invalidation", "error", "corrupt"
]
"""What can happen:

``hit`` ``local_hit`` ``miss``  a look at the cache: there was a fresh value, or not (``stale``: an old one was served)
``load`` ``load_error``         a loader was called; ``refresh``: while there was a value that could be served
``fenced``                      a loaded value did not land, because of an invalidation or another lease
``invalidation``                a key was made invalid by us
``error``                       the server failed or could not be reached
``corrupt``                     a stored value could not be read, and counts as none
"""

KINDS: Final = get_args(Kind)
COUNTED: Final = ("hit", "local_hit", "miss", "stale")


@dataclass(frozen=True)
class Event:
    """Something that happened to a key; for loads and looks with how long it took."""

    kind: Kind
    key: str
    seconds: float = 0.0


Hook: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True)
class Stats:
    """Counts so far, and seconds spent."""

    hits: int
    local_hits: int
    misses: int
    stale_serves: int
    loads: int
    load_errors: int
    refreshes: int
    fenced: int
    invalidations: int
    errors: int
    corrupt: int
    load_seconds: float
    """All loads together."""
    lookup_seconds: float
    """All looks at the server together."""

    @property
    def lookups(self) -> int:
        """How often somebody looked for a value."""
        return self.hits + self.local_hits + self.misses + self.stale_serves

    @property
    def hit_rate(self) -> float:
        """Which part of the looks found a value, be it old; 0 before the first."""
        return 1 - self.misses / self.lookups if self.lookups else 0.0


class Metrics:
    """The counters of one cache."""

    def __init__(self, hooks: Iterable[Hook] = ()) -> None:
        self._hooks = tuple(hooks)
        # Not Counters: what counts every hit had better be quick.
        self._counts: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._seconds: dict[str, float] = dict.fromkeys(KINDS, 0.0)
        self._mutex = threading.Lock()

    def note(self, kind: Kind, key: str, seconds: float = 0.0) -> None:
        """Count it, and tell the hooks."""
        with self._mutex:
            self._counts[kind] += 1
            self._seconds[kind] += seconds
        for hook in self._hooks:
            try:
                hook(Event(kind, key, seconds))
            except Exception:
                log.exception("A hook failed")

    def stats(self) -> Stats:
        """What was counted until now."""
        with self._mutex:
            count, spent = self._counts.copy(), self._seconds.copy()
        return Stats(
            hits=count["hit"],
            local_hits=count["local_hit"],
            misses=count["miss"],
            stale_serves=count["stale"],
            loads=count["load"],
            load_errors=count["load_error"],
            refreshes=count["refresh"],
            fenced=count["fenced"],
            invalidations=count["invalidation"],
            errors=count["error"],
            corrupt=count["corrupt"],
            load_seconds=spent["load"] + spent["load_error"],
            lookup_seconds=sum(spent[kind] for kind in COUNTED),
        )
