"""Write-through: a write goes to the database and to the cache, and the cache never has an older version than it had.

**The problem.** "Write the database, then the cache" is called strongly consistent. Two writers who race leave
database = B, cache = A. A writer who crashes, or loses Redis, between the two leaves the old value for its whole time
to live.

**The guarantee.** Each write has a version, from the database (a sequence, a row version) or from the caller. Before
the database is touched the cached value is deleted, and as long as a writer is at work no value is stored by anybody.
When the last writer has ended, its value is stored only if no later version was; in doubt none is, and readers load.
So a write that fails or crashes at any point leaves no old value. A writer that crashed, was cancelled or raised
``TimeoutError`` may still be at work, in a thread or in the database: it keeps loads from being stored, for
``writing`` seconds, and does no other harm.

**The price.** Two round trips more than the database. Redis down: the write is refused before the database is touched
(``on_error="raise"``), or goes ahead and may leave the old value behind (``"write"``).

**Not for** writers that take longer than ``writing``: after that they count as crashed. If you need no fresh value
right after the write, ``cache.invalidate`` after the database is simpler, and safe for loads; only a crash between
the two is not mended.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Literal

from patterns.cache import CacheOperations
from patterns.cache_store import UnavailableError
from patterns.durations import Duration, milliseconds
from patterns.envelope import seal
from patterns.pattern import Blocking, Pattern, operation
from patterns.steps import Call, Steps


class WriteThroughOperations(Pattern):
    """Writes to a database, by *writer*, and to a cache of the same flavour."""

    def __init__(
        self,
        cache: CacheOperations,
        writer: Callable[[str, Any], Any],
        *,
        writing: Duration = 30,
        version_ttl: Duration = 24 * 3600,
        on_error: Literal["raise", "write"] = "raise",
    ) -> None:
        self.client = cache.client
        self._cache = cache
        self._writer = writer
        self._writing_ms = milliseconds(writing)
        self._version_ms = milliseconds(version_ttl)
        if on_error not in ("raise", "write"):
            raise ValueError(f'on_error is "raise" or "write", not {on_error!r}')
        self._raises = on_error == "raise"

    @operation
    def write(self, key: str, value: Any, *, version: int | None = None, ttl: Duration | None = None) -> Steps[bool]:
        """Write *value* by ``writer(key, value)``, and cache it: whether it is cached now.

        The writer returns the version unless it is given: a whole number that grows with each write of the key.
        """
        if version is not None:
            checked_version(version)
        store, token = self._cache.store, secrets.token_bytes(16)
        fresh = store.expiry.ttl_of(value, ttl)
        sealed = seal(store.codec, value, 0.0)
        try:
            yield from store.begin_write(key, token, self._writing_ms)
        except UnavailableError as failure:
            self._cache.metrics.note("error", key)
            if self._raises:
                raise failure.error from None
            token = b""
        finally:
            self._cache.forget(key)
        try:
            written = yield Call(self._writer, key, value)
            digits = checked_version(written if version is None else version)
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except (asyncio.CancelledError, TimeoutError):
            # What it does may be yet to come: so its mark stays, as if it had crashed.
            self._cache.forget(key)
            raise
        except BaseException:
            yield from self._end(key, token, "", b"", 1)
            raise
        return (yield from self._end(key, token, digits if fresh else "", sealed, fresh))

    def _end(self, key: str, token: bytes, version: str, sealed: bytes, fresh: float) -> Steps[bool]:
        times = (self._cache.store.expiry.hard_ms(fresh or 1), self._version_ms)
        try:
            return (yield from self._cache.store.end_write(key, token, version, sealed, times))
        except UnavailableError:
            # The value went before the database was touched, and the mark that keeps others out ends by itself.
            self._cache.metrics.note("error", key)
            return False
        finally:
            self._cache.forget(key)


def checked_version(version: Any) -> str:
    """The digits of a version. Raises ``TypeError`` or ``ValueError`` for what is none."""
    if not isinstance(version, int) or isinstance(version, bool):
        raise TypeError(f"a version is a whole number, given or returned by the writer: {version!r}")
    if version < 0:
        raise ValueError(f"a version is not negative: {version}")
    return str(version)


class WriteThrough(WriteThroughOperations, Blocking):
    __doc__ = WriteThroughOperations.__doc__
