"""What an engine knows about saving itself: when it last did, and what has changed since.

Nothing is written to disk yet. ``SAVE`` and its relatives answer as Redis does and keep the figures that clients ask
for (``LASTSAVE``, ``INFO persistence``, ``rdb_changes_since_last_save``); whoever relies on the file must not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine


class Persistence:
    """The saves of one engine. ``last_save`` is in seconds since the epoch: the start, before the first save."""

    __slots__ = ("_engine", "background_saves", "last_save", "rewrites", "saves")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.last_save = engine.now // 1000
        self.saves = 0
        self.background_saves = 0
        self.rewrites = 0

    def save(self) -> None:
        """Count the dataset as saved now."""
        self.saves += 1
        self.last_save = self._engine.now // 1000
        self._engine.dirty = 0
