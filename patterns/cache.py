"""Cache-aside and read-through: values that are kept for a while, and loaded when they are not there.

**The problem.** GET, load, SET: "not found" is never cached; a cold key is loaded by everybody at once; a slow load
that began before an invalidation writes the old value back, where it stays; and when Redis is down so is the
application.

**The guarantee.**

- A load that began before an invalidation never lands. A miss takes a *lease*, a lock and a fence in one; a fill
  writes only while its lease is there, and an invalidation deletes value and lease in one script.
- At most one load per key and lease, over all processes. The others wait, for ``lease`` seconds at most, and are
  woken. After that they load for themselves. A loader's error ends the lease. Cancelling one waiter cancels no other.
- ``None`` is a value. Every key has a time to live, in [ttl, ttl · (1 + jitter)], unless ``ttl=math.inf`` asks for
  none.
- If Redis is down the loader is called all the same (``on_error="load"``), and after some failures Redis is not even
  asked (``circuit``). ``invalidate`` raises: one that failed has to be known.
- With ``stale``, an old value is served that much longer: while somebody loads a new one, and if the loader fails.
  With ``beta``, readers refresh early, by chance (XFetch). With ``background``, no reader of a value ever waits.
- Callers wait for a loader of their own process for as long as it takes, or for ``load_timeout``; it goes on without
  them, and its value is stored.

**The price.** A hit is one round trip: GET, or a script of GET and PTTL where the time that is left matters. A miss
takes two more, and one with tags three, or four if its loader chooses a longer time to live. What several callers of
one process want at once is asked for once.

A failover to a replica can lose an invalidation that was not replicated yet: then the old value is back for the rest
of its time to live. A lost lease costs a second load, no more.

**Not for** what has to be read as it is now: a reader may see what was true when it called; and if it comes while
another of its process is asking the server, what the server says to that one, so what was true a round trip before.
A value that a process got is shared by those who asked for it at the same time: do not change it in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from patterns.cache_loading import Wish
from patterns.cache_many import LoadingMany
from patterns.cache_store import UnavailableError
from patterns.cached import CachedFunction
from patterns.durations import Duration
from patterns.metrics import Stats
from patterns.missing import MISSING
from patterns.pattern import Blocking, operation
from patterns.steps import Call, Steps

P = ParamSpec("P")
T = TypeVar("T")


class CacheOperations(LoadingMany):
    """A cache of values that are loaded when they are missed."""

    @operation
    def get(self, key: str, default: Any = MISSING) -> Steps[Any]:
        """The value of *key* if there is a fresh one, else *default*."""
        if self._local is not None and (near := (yield from self._look_near(key))) is not MISSING:
            return near
        permission = self._local.permit(key) if self._local is not None else None
        started = self._timer()
        try:
            stored = yield from self.store.read(key)
        except UnavailableError as failure:
            self._failed(key, failure)
            return default
        if stored is None or stored.left_ms <= 0:
            self.metrics.note("miss", key, self._timer() - started)
            return default
        self.metrics.note("hit", key, self._timer() - started)
        self._keep_near(key, permission, stored.value, stored.left_ms)
        return stored.value

    @operation
    def get_or_load(
        self, key: str, loader: Callable[[], Any], *, ttl: Duration | None = None, tags: Iterable[str] = ()
    ) -> Steps[Any]:
        """The value of *key*; if there is none, what *loader* returns, which is stored.

        A loader that returns :class:`Loaded` chooses the time to live. ``None`` is stored for ``negative_ttl``.
        """
        return self._fetch(key, (loader, ttl, tuple(tags)))

    def load_steps(
        self, key: str, loader: Callable[[], Any], *, ttl: Duration | None = None, tags: Iterable[str] = ()
    ) -> Steps[Any]:
        """``get_or_load`` as steps, for patterns that are made of caches."""
        return self._fetch(key, (loader, ttl, tuple(tags)))

    @operation
    def get_or_load_many(
        self,
        keys: Iterable[str],
        loader: Callable[[Sequence[str]], Any],
        *,
        ttl: Duration | None = None,
        tags: Iterable[str] = (),
    ) -> Steps[dict[str, Any]]:
        """The values of *keys*; *loader* is given those that nobody has or loads, and returns a dict of their values.

        What is not in that dict is not found: ``None``. Otherwise each key is treated as by :meth:`get_or_load`: early
        refreshes, old values, time-outs. If the loader fails there is an error unless all that it was to load have
        old values. Hits are one round trip (per node of a cluster), loads two more, and more only for keys that
        somebody else is loading.
        """
        wanted, tags = list(dict.fromkeys(keys)), tuple(tags)
        led: dict[str, Wish] = {}
        found: dict[str, Any] = {}
        for name in wanted:
            if self._local is not None and (near := (yield from self._look_near(name))) is not MISSING:
                found[name] = near
                continue
            flight, leads = self._flights.join(name)
            if leads:
                near = self._local.permit(name) if self._local is not None else None
                led[name] = Wish(name, lambda: None, ttl, tags, flight, near)
        if led:
            found |= yield from self._lead_many(led, loader)
        one_by_one = [name for name in wanted if name not in found]
        for name in one_by_one:
            # Somebody else is at it, here or elsewhere. No flight of ours is open any more: nobody waits in a circle.
            found[name] = yield from self.load_steps(name, self._alone(loader, name), ttl=ttl, tags=tags)
        return {name: found[name] for name in wanted}

    @operation
    def set(self, key: str, value: Any, *, ttl: Duration | None = None, tags: Iterable[str] = ()) -> Steps[bool]:
        """Store a value; whoever is loading one meanwhile does not overwrite it. Whether Redis could be reached."""
        fresh = self._expiry.ttl_of(value, ttl)
        tags = tuple(tags)
        try:
            if tags:
                yield from self.store.tag(tags, [key], fresh)
            if fresh:
                yield from self.store.write(key, value, fresh)
            else:
                yield from self.store.invalidate([key])
        except UnavailableError as failure:
            self._failed(key, failure)
            return False
        finally:
            self.forget(key)
        return True

    @operation
    def invalidate(self, *keys: str) -> Steps[int]:
        """Make keys invalid, here and in every process: how many had a value. Raises redis-py's error if it cannot."""
        return (yield from self.invalidate_steps(keys))

    def invalidate_steps(self, keys: Sequence[str]) -> Steps[int]:
        """``invalidate`` as steps, for patterns that are made of caches."""
        if not keys:
            return 0
        try:
            had = yield from self.store.invalidate(keys)
        except UnavailableError as failure:
            self.metrics.note("error", keys[0])
            raise failure.error from None
        finally:
            for key in keys:
                self.forget(key)
                self.metrics.note("invalidation", key)
        return had

    @operation
    def invalidate_tags(self, *tags: str) -> Steps[int]:
        """Make all keys invalid that carry any of these tags: how many had a value. Two round trips."""
        if not tags:
            return 0
        try:
            names = yield from self.store.tagged(tags)
        except UnavailableError as failure:
            self.metrics.note("error", tags[0])
            raise failure.error from None
        return (yield from self.invalidate_steps(names))

    @operation
    def clear(self) -> Steps[None]:
        """Make all keys of this prefix invalid. It looks at every key of the server: for maintenance only."""
        try:
            yield from self.store.clear()
        except UnavailableError as failure:
            self.metrics.note("error", "")
            raise failure.error from None
        finally:
            self._flights.forget_all()
            if self._local is not None:
                self._local.flush()

    @operation
    def close(self) -> Steps[None]:
        """Stop listening for invalidations. The client stays open: it is not ours."""
        if self._listener is not None:
            yield from self._listener.end()

    def stats(self) -> Stats:
        """What was counted in this process."""
        return self.metrics.stats()

    @operation
    def evictions(self) -> Steps[int]:
        """How many keys the server, or all primaries of the cluster, had to throw out since it started: INFO."""
        if not hasattr(self.client, "get_primaries"):
            return int((yield Call(self.client.info, "stats"))["evicted_keys"])
        nodes = yield Call(self.client.info, "stats", target_nodes="primaries")
        return sum(int(node["evicted_keys"]) for node in nodes.values())

    def cached(
        self, key: str, *, ttl: Duration | None = None, tags: Iterable[str] = ()
    ) -> Callable[[Callable[P, T]], CachedFunction[P, T]]:
        """A decorator: the function's result is kept under *key*, in which ``{name}`` is its argument of that name.

        ``{name}`` is the argument's text, the same for ``1`` and ``"1"``; ``{name!r}`` tells them apart.
        """

        def decorate(function: Callable[P, T]) -> CachedFunction[P, T]:
            return CachedFunction(self, function, key, {"ttl": ttl, "tags": tuple(tags)})

        return decorate


class Cache(CacheOperations, Blocking):
    __doc__ = CacheOperations.__doc__
