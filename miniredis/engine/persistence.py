"""Saving the dataset to its RDB file, and loading it from there.

The file is ``dbfilename`` in ``dir``, as the directives say at that moment. It is written under another name, all of
it, and then takes the place of the old one: who reads it finds the one or the other. A file that is damaged is not
loaded at all, and what was there before stays.

Both happen at once, within the command or the timer that wants them. BGSAVE makes no exception: what Redis has for it,
a forked child, is no part of a library that may live in somebody's test, among threads; and a snapshot that is taken in
slices, while commands go on, would make every command pay for it. A dataset of 10,000 small keys takes some 50 ms.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from miniredis import rdb
from miniredis.engine.timers import Timer
from miniredis.resp.types import Error

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine

logger = logging.getLogger("miniredis")

RETRY_DELAY: Final = 5000
"""Milliseconds after which a save that failed is tried again, if the save points still ask for it."""

LOOK_EVERY: Final = 1000
"""Milliseconds between two looks at a save point whose time has come, but not yet its number of changes."""


class Persistence:
    """The saves of one engine.

    - *last_save*: in seconds since the epoch; the start, before the first save.
    - *saves*: how many SAVE, BGSAVE and save points have begun, of which *background_saves* in the background.
    - *rewrites*: how often the append-only file was rewritten.
    - *last_background_save_ok*: whether the last BGSAVE, or save point, could write its file.
    - *keys_loaded*, *keys_expired*: of the file that was last loaded.
    - *skips_checksums*: ``DEBUG SET-SKIP-CHECKSUM-VALIDATION``.
    """

    __slots__ = (
        "_engine",
        "_tried_at",
        "_watches",
        "background_saves",
        "keys_expired",
        "keys_loaded",
        "last_background_save_ok",
        "last_save",
        "rewrites",
        "saves",
        "skips_checksums",
        "timer",
    )

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.last_save = engine.now // 1000
        self.saves = 0
        self.background_saves = 0
        self.rewrites = 0
        self.last_background_save_ok = True
        self.keys_loaded = self.keys_expired = 0
        self.skips_checksums = False
        self.timer: Timer | None = None
        self._tried_at = 0
        self._watches = False

    @property
    def path(self) -> str:
        """The RDB file."""
        return os.path.join(self._engine.config.dir, self._engine.config.dbfilename)

    # Saving

    def dump(self) -> bytes:
        """The dataset as an RDB file."""
        return rdb.dump(self._engine, functions=self._engine.function_codes())

    def save(self) -> None:
        """Write the dataset to its file. Raises ``OSError``; then the file is what it was."""
        try:
            self._write(self.dump())
        except OSError as error:
            logger.warning("Error saving DB on disk: %s: %s", error.strerror, self.path)
            raise
        self.last_save = self._engine.now // 1000
        self.last_background_save_ok = True
        self._engine.dirty = 0
        self._engine.update_gate()
        self._set_timer()
        logger.info("DB saved on disk")

    def save_before_end(self, options: Collection[str]) -> bool:
        """Save if *options* of SHUTDOWN, or else the save points, want that. Whether the server may end then."""
        if "save" in options or (self._engine.config.save and "nosave" not in options):
            try:
                self.save()
            except OSError:
                return "force" in options
        return True

    def _write(self, data: bytes) -> None:
        config, engine = self._engine.config, self._engine
        temporary = os.path.join(config.dir, f"temp-{os.getpid()}-{engine.run_id[:8]}.rdb")
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def save_in_background(self) -> None:
        """As :meth:`save`, but a failure is only remembered, and told by INFO and by refusing to write any more."""
        self.saves += 1
        self.background_saves += 1
        self._tried_at = self._engine.now
        try:
            self.save()
        except OSError:
            self.last_background_save_ok = False
            self._engine.update_gate()
            self._set_timer()

    @property
    def forbids_writing(self) -> bool:
        """Whether commands that write are refused because the last save failed."""
        config = self._engine.config
        return bool(not self.last_background_save_ok and config.stop_writes_on_bgsave_error and config.save)

    # Save points

    def watch_save_points(self) -> None:
        """Save whenever a save point (directive ``save``) asks for it, from now on."""
        if not self._watches:
            self._watches = True
            self._engine.config.on_change("save", self._set_timer)
        self._set_timer()

    def _set_timer(self) -> None:
        engine = self._engine
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        points = engine.config.save
        if not self._watches or not points:
            return
        first = min(self.last_save + seconds for seconds, _ in points) * 1000 + 1000
        self.timer = engine.timers.call_at(max(first, engine.now + LOOK_EVERY), self._look)

    def _look(self) -> None:
        """Save if a save point's time and changes have both come."""
        engine = self._engine
        self.timer = None
        passed = engine.now // 1000 - self.last_save
        may_try = self.last_background_save_ok or engine.now - self._tried_at > RETRY_DELAY
        for seconds, changes in engine.config.save:
            if may_try and engine.dirty >= changes and passed > seconds:
                logger.info("%d changes in %d seconds. Saving...", changes, seconds)
                self.save_in_background()
                return
        self._set_timer()

    # Loading

    def load(self, *, flush: bool = True, merge: bool = False) -> bool:
        """Load the dataset from its file, see :meth:`load_data`. Whether there is one.

        Raises :class:`miniredis.rdb.RdbError` if it is damaged, ``OSError`` if it cannot be read; then nothing changed.
        """
        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return False
        self.load_data(data, flush=flush, merge=merge)
        return True

    def load_data(self, data: bytes, *, flush: bool = True, merge: bool = False) -> None:
        """Load the dataset from the RDB file *data*, in place of what there is or, without *flush*, beside it.

        *merge*: what is there under the same name is replaced; otherwise the file is refused for it.

        Raises :class:`miniredis.rdb.RdbError`; then nothing changed.
        """
        engine = self._engine
        is_replica = engine.replication.master is not None  # which leaves it to its master to say what has expired
        snapshot = rdb.parse(data, engine, keep_expired=is_replica, check=not self.skips_checksums)
        if not flush and not merge:
            self._refuse_duplicates(snapshot)
        if snapshot.functions or flush:  # before the keys: it is the last that can go wrong
            try:
                engine.load_functions(snapshot.functions, flush=flush, replace=merge)
            except Error as error:
                reason = error.message.removeprefix(b"ERR ").decode(errors="backslashreplace")
                raise rdb.RdbError(f"Failed loading library, {reason}") from None
        dirty = engine.dirty
        if flush and engine.tracks:
            engine.tracking.flushed()
        rdb.apply(snapshot, engine, flush=flush)
        engine.dirty = dirty
        self.keys_loaded, self.keys_expired = len(snapshot), snapshot.expired
        logger.info("Done loading RDB, keys loaded: %d, keys expired: %d.", len(snapshot), snapshot.expired)

    def _refuse_duplicates(self, snapshot: rdb.Snapshot) -> None:
        """Raise :class:`miniredis.rdb.RdbError` for a key that is there already. (Redis ends at that point.)"""
        for number, items in snapshot.databases.items():
            present = self._engine.databases[number].data
            if any(item.key in present for item in items):
                raise rdb.RdbError("Duplicated key found in RDB file")
