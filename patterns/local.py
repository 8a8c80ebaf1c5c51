"""The near cache: values that are kept in this process, and thrown out when somebody makes them invalid.

**The problem.** Pub/sub forgets: what is said while a listener is disconnected is never heard, and a value that was
thrown out meanwhile stays. And a value that is read before its invalidation can be put here after it.

**The guarantee.** Nothing is kept, or served, unless the listener is subscribed; the moment its connection is found
dead everything is thrown out, before another is tried. A value is put only with a permission from before it was read,
which an invalidation takes away. A connection that is dead without either side knowing is what ``ttl`` is for: no
value is older.

**The price.** A hit costs no round trip, a listener one connection. Each cache has a ``Local`` of its own, since the
same name is another thing in another cache. Values are shared: do not change them in place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from patterns.durations import Duration, seconds
from patterns.flights import Flights
from patterns.missing import MISSING
from patterns.steps import Background, Call, Spawn, Steps, Wait

log = logging.getLogger("patterns")

LISTEN_SECONDS: Final = 1.0
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 5.0


class Local:
    """Up to *max_entries* values in this process, each for *ttl* seconds at most, least recently used out first."""

    def __init__(
        self, *, max_entries: int = 10_000, ttl: Duration = 60, timer: Callable[[], float] = time.monotonic
    ) -> None:
        if max_entries < 1:
            raise ValueError("a local cache has room for one entry at least")
        self._most = max_entries
        self._ttl = seconds(ttl)
        self._timer = timer
        self._entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._permissions: dict[str, object] = {}
        self._mutex = threading.Lock()
        self.subscribed = False
        """Whether invalidations are heard: nothing is kept without that."""
        self._owner: object = None

    def belong_to(self, owner: object) -> None:
        """Note whose it is from now on. Raises ``ValueError`` if it has an owner."""
        with self._mutex:
            if self._owner is not None:
                raise ValueError("a Local belongs to one cache, and this one does already: make another")
            self._owner = owner

    def get(self, name: str) -> Any:
        """The value, or ``MISSING``."""
        with self._mutex:
            entry = self._entries.get(name)
            if entry is None:
                return MISSING
            if entry[0] <= self._timer():
                del self._entries[name]
                return MISSING
            self._entries.move_to_end(name)
            return entry[1]

    def permit(self, name: str) -> object:
        """A permission to put the value that is going to be read, for as long as nobody makes it invalid."""
        with self._mutex:
            if not self.subscribed:
                return None
            permission = object()
            self._permissions[name] = permission
            while len(self._permissions) > self._most:
                del self._permissions[next(iter(self._permissions))]
            return permission

    def put(self, name: str, permission: object, value: Any, fresh: float) -> None:
        """Keep a value that is fresh for so many seconds, if the permission still holds."""
        with self._mutex:
            if permission is None or self._permissions.get(name) is not permission or fresh <= 0:
                return
            del self._permissions[name]
            self._entries[name] = (self._timer() + min(fresh, self._ttl), value)
            self._entries.move_to_end(name)
            while len(self._entries) > self._most:
                self._entries.popitem(last=False)

    def drop(self, name: str) -> None:
        """Throw a value out, and whoever is reading it must not put it."""
        with self._mutex:
            self._entries.pop(name, None)
            self._permissions.pop(name, None)

    def flush(self, *, subscribed: bool | None = None) -> None:
        """Throw everything out; and note whether invalidations are heard from now on."""
        with self._mutex:
            self._entries.clear()
            self._permissions.clear()
            if subscribed is not None:
                self.subscribed = subscribed

    def __len__(self) -> int:
        return len(self._entries)


class NoRetry(Retry):
    """Does not try again, nor connect anew. In asyncio what it returns is awaited, as that of redis-py's own."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)

    def call_with_retry(self, do: Callable[[], Any], *_: Any, **options: Any) -> Any:
        """The result, or the error."""
        return do()


@contextmanager
def never_mended(connection: Any) -> Iterator[None]:
    """Let its death be told at once: redis-py would try for a minute to connect anew, and say nothing meanwhile."""
    # The pool has lent it, and is given it back as it was.
    retry, connection.retry = connection.retry, NoRetry()
    try:
        yield
    finally:
        connection.retry = retry


class Listener:
    """Hears of invalidations, and throws out what they name."""

    def __init__(self, channel: str, local: Local, flights: Flights) -> None:
        local.belong_to(self)
        self._channel = channel
        self._local = local
        self._flights = flights
        self._mutex = threading.Lock()
        self._stop: Any = None
        self._ready: Any = None
        self._background: Background | None = None

    def begin(self, pattern: Any) -> Steps[None]:
        """Listen, if nobody does so yet; and let the first caller wait until it is so, but not for long."""
        if self._ready is not None:
            return
        with self._mutex:
            if self._ready is not None:
                return
            self._stop, self._ready = pattern.new_event(), pattern.new_event()
        self._background = yield Spawn(self._listen(pattern.client))
        yield Wait(self._ready, LISTEN_SECONDS)

    def end(self) -> Steps[None]:
        """Stop listening."""
        if self._background is not None:
            self._stop.set()
            if self._background.task is not None:
                self._background.task.cancel()
            yield Wait(self._background.ended, 2 * LISTEN_SECONDS)
            self._background = self._ready = None

    def _listen(self, client: Any) -> Steps[None]:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            pubsub = client.pubsub()
            try:
                yield Call(pubsub.subscribe, self._channel)
                with never_mended(pubsub.connection):
                    while not self._stop.is_set():
                        message = yield Call(pubsub.get_message, timeout=LISTEN_SECONDS)
                        if message is not None:
                            self._hear(message)
                            pause = FIRST_PAUSE
            except (RedisError, RedisClusterException, OSError) as error:
                log.warning("Invalidations are not heard: %s", error)
            finally:
                self._local.flush(subscribed=False)
                yield Call(getattr(pubsub, "aclose", pubsub.close))
            yield Wait(self._stop, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hear(self, message: Any) -> None:
        if message["type"] == "subscribe":
            # Also after redis-py has connected anew by itself: whatever was said meanwhile was not heard.
            self._local.flush(subscribed=True)
            self._ready.set()
        elif message["type"] == "message":
            data = message["data"]
            text = data if isinstance(data, str) else data.decode()
            if text.startswith("="):
                self._local.drop(text[1:])
                self._flights.forget(text[1:])
            else:
                self._local.flush()
                self._flights.forget_all()
