"""How a cache loads: who looks, who loads, who waits, and what everybody gets.

The rule of this file: whoever leads a flight settles it, however it ends, and whoever takes a lease ends it. What a
caller sees of this, and what is promised, is in ``cache.py``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from patterns.cache_store import Store, UnavailableError
from patterns.circuit import Circuit
from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds, seconds
from patterns.envelope import Stored, seal
from patterns.expiry import Expiry
from patterns.flights import Flight, Flights
from patterns.keys import check_prefix
from patterns.local import Listener, Local
from patterns.metrics import Hook, Kind, Metrics
from patterns.missing import MISSING
from patterns.patience import slice_ms
from patterns.pattern import Pattern
from patterns.steps import Call, Shielded, Spawn, Steps

Outcome: TypeAlias = tuple[Kind, Any, bool]
"""How a look ended, the value, and whether those who joined may have it."""

Wanted: TypeAlias = "tuple[Callable[[], Any], Duration | None, tuple[str, ...]]"
"""The loader, the time to live and the tags of a wish."""


JOINS: Final = 3
"""How often a caller joins a flight that turns out to be of no use to it, before it goes alone."""


class LoadTimeoutError(TimeoutError):
    """The loader takes longer than ``load_timeout``, and there is no old value. It goes on, and its value is stored."""


@dataclass(frozen=True)
class Loaded:
    """What a loader returns that chooses the time to live; ``ttl=0`` is not stored."""

    value: Any
    ttl: Duration


@dataclass(slots=True)
class Wish:
    """What a caller wants, for itself and for those who join it. Not frozen: that would cost a hit a microsecond."""

    name: str
    loader: Callable[[], Any]
    ttl: Duration | None
    tags: tuple[str, ...]
    flight: Flight
    near: object
    """The permission to keep the value in this process, given before the server was asked."""


class Loading(Pattern):
    """The part of a cache that looks and loads."""

    def __init__(
        self,
        client: Any,
        *,
        prefix: str = "cache:",
        ttl: Duration = 300,
        jitter: float = 0.1,
        stale: Duration = 0,
        negative_ttl: Duration | None = None,
        beta: float | None = None,
        background: bool = False,
        lease: Duration = 10,
        load_timeout: Duration | None = None,
        codec: Codec = JSON,
        local: Local | None = None,
        on_error: Literal["load", "raise"] = "load",
        circuit: Circuit | None = None,
        hooks: Iterable[Hook] = (),
        random: Callable[[], float] = random.random,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.client = client
        self.metrics = Metrics(hooks)
        self.store = Store(
            prefix=check_prefix(prefix),
            expiry=Expiry(ttl, jitter, stale, negative_ttl, beta, random),
            codec=codec,
            lease_ms=milliseconds(lease),
            metrics=self.metrics,
            circuit=circuit or Circuit(),
            slice_ms=slice_ms(client),
            precise=bool(seconds(stale)) or beta is not None or local is not None,
        )
        if on_error not in ("load", "raise"):
            raise ValueError(f'on_error is "load" or "raise", not {on_error!r}')
        self._expiry = self.store.expiry
        self._background = background
        self._load_timeout = None if load_timeout is None else seconds(load_timeout)
        self._raises = on_error == "raise"
        self._timer = timer
        self._flights = Flights()
        self._refreshing: set[str] = set()
        self._local = local
        self._listener = Listener(self.store.channel, local, self._flights) if local is not None else None

    def _fetch(self, name: str, wanted: Wanted, joins: int = JOINS) -> Steps[Any]:
        """Look, and load if need be, for all who join; or join. It is the way of every hit, and so in one piece."""
        if self._local is not None and (value := (yield from self._look_near(name))) is not MISSING:
            return value
        flight, leads = (self._flights if joins else Flights()).join(name)
        if not leads:
            return (yield from self._join(flight, name, wanted, joins))
        near = self._local.permit(name) if self._local is not None else None
        started = self._timer()
        try:
            stored = yield from self.store.read(name)
            early = 0.0
            if stored is not None and self._expiry.beta is not None:
                early = self._expiry.early_ms(stored.load_seconds)
        except UnavailableError as failure:
            wish = Wish(name, *wanted, flight, near)
            return (yield Shielded(self._settle(wish, self._load_without_store(wish, failure))))
        except BaseException:
            # Cancelled, perhaps: that is no reason why the others should be.
            self._flights.land(name, flight, left=True)
            raise
        spent = self._timer() - started
        if stored is not None and stored.left_ms > early:
            self.metrics.note("hit", name, spent)
            if self._local is not None:
                self._keep_near(name, near, stored.value, stored.left_ms)
            self._flights.land(name, flight, ("hit", stored.value))
            return stored.value
        return (yield from self._lead(Wish(name, *wanted, flight, near), stored, early, spent))

    def _join(self, flight: Flight, name: str, wanted: Wanted, joins: int) -> Steps[Any]:
        """What comes of somebody else's flight; if that is nothing, another one."""
        if not (yield from flight.wait(self.new_event, self._load_timeout)):
            kind, value = yield from self._look_for_old(flight, name)
        elif flight.left:
            return (yield from self._fetch(name, wanted, joins - 1))
        elif flight.error is not None:
            raise flight.error
        else:
            kind, value = flight.value
        self.metrics.note(kind, name)
        return value

    def _look_for_old(self, flight: Flight, name: str) -> Steps[tuple[Kind, Any]]:
        """What is there while somebody else of this process loads. What he found may have been made invalid since."""
        if flight.meanwhile is not None:
            try:
                stored = yield from self.store.read(name)
            except UnavailableError as failure:
                self._failed(name, failure)
                found: tuple[Kind, Any] = flight.meanwhile
                return found
            if stored is not None:
                return old_outcome(stored)[:2]
        raise LoadTimeoutError(f"the loader of {name!r} has taken {self._load_timeout} seconds")

    def _lead(self, wish: Wish, stored: Stored | None, early: float, spent: float) -> Steps[Any]:
        """Load, for all who join: there is nothing, or what there is should be replaced."""
        if stored is not None and self._background:
            return (yield from self._serve_and_refresh(wish, stored, early, spent))
        loading = self._settle(wish, self._obtain(wish, stored, early), spent)
        if self._load_timeout is None:
            return (yield Shielded(loading))
        if stored is not None:
            wish.flight.meanwhile = old_outcome(stored)[:2]
        yield Spawn(quietly(loading))
        if not (yield from wish.flight.wait(self.new_event, self._load_timeout)):
            if wish.flight.meanwhile is None:
                raise LoadTimeoutError(f"the loader of {wish.name!r} has taken {self._load_timeout} seconds")
            kind, value = wish.flight.meanwhile
            self.metrics.note(kind, wish.name)
            return value
        if wish.flight.error is not None:
            raise wish.flight.error
        return wish.flight.value[1]

    def _serve_and_refresh(self, wish: Wish, stored: Stored, early: float, spent: float) -> Steps[Any]:
        """The value that there is, and a new one in the background, unless one is on its way."""
        kind: Kind = "hit" if stored.left_ms > 0 else "stale"
        self.metrics.note(kind, wish.name, spent)
        begins = wish.name not in self._refreshing
        self._refreshing.add(wish.name)
        self._land(wish, kind, stored.value)
        if begins:
            yield Spawn(self._refresh(wish, stored, early))
        return stored.value

    def _refresh(self, wish: Wish, stored: Stored, early: float) -> Steps[None]:
        try:
            yield from self._obtain(wish, stored, early)
        except UnavailableError as failure:
            self.metrics.note("error", str(failure))
        finally:
            self._refreshing.discard(wish.name)

    def _settle(self, wish: Wish, loading: Steps[Outcome], spent: float = 0.0) -> Steps[Any]:
        """Load, and let those who joined have what comes of it, value or error."""
        try:
            try:
                kind, value, landed = yield from loading
            except UnavailableError as failure:
                kind, value, landed = yield from self._load_without_store(wish, failure)
        except BaseException as error:
            self._land(wish, error=error)
            raise
        self.metrics.note(kind, wish.name, spent)
        # A value that did not land was loaded before an invalidation: who joined after that must not have it.
        self._land(wish, kind, value, left=not landed)
        return value

    def _land(
        self,
        wish: Wish,
        kind: Kind = "miss",
        value: Any = None,
        *,
        error: BaseException | None = None,
        left: bool = False,
    ) -> None:
        self._flights.land(wish.name, wish.flight, (kind, value), error, left=left)

    def _obtain(self, wish: Wish, stored: Stored | None, early: float) -> Steps[Outcome]:
        """A value: from who was quicker, from the loader under our lease, or the old one while another loads."""
        began = time.monotonic()
        while True:
            taken = yield from self.store.take(wish.name, self._expiry.stale_ms + early)
            if taken.stored is not None:
                self._keep_near(wish.name, wish.near, taken.stored.value, taken.stored.left_ms)
                return "miss" if stored is None else "hit", taken.stored.value, True
            if taken.token is not None:
                return (yield from self._load_and_fill(wish, taken.token, stored))
            if stored is not None:
                return old_outcome(stored)
            if not taken.busy_ms or time.monotonic() - began >= self.store.lease_ms / 1000:
                return "miss", self._value_of((yield from self._call(wish.name, wish.loader)))[0], False
            yield from self.store.wait(wish.name, taken.busy_ms)
            # Most likely it is there now, and GET costs the server less than the script.
            there = yield from self.store.read(wish.name)
            if there is not None and there.left_ms > 0:
                self._keep_near(wish.name, wish.near, there.value, there.left_ms)
                return "miss", there.value, True

    def _load_and_fill(self, wish: Wish, token: bytes, stored: Stored | None) -> Steps[Outcome]:
        """Load under our lease, and end it: with the value, or without one."""
        try:
            if wish.tags:
                # Before the load: an invalidation of the tag that does not find the key yet is older than the load.
                yield from self.store.tag(wish.tags, [wish.name], self._longest(wish.ttl))
            if stored is not None:
                self.metrics.note("refresh", wish.name)
            started = self._timer()
            value, ttl = self._value_of((yield from self._call(wish.name, wish.loader)))
            fresh = self._expiry.ttl_of(value, wish.ttl if ttl is None else ttl)
            sealed = seal(self.store.codec, value, self._timer() - started)
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException as error:
            ours = yield from self.store.release({wish.name: token})
            if stored is None or not isinstance(error, Exception) or isinstance(error, UnavailableError):
                raise
            return old_outcome(stored, ours[wish.name])
        if not fresh:
            ours = yield from self.store.release({wish.name: token})
            return kind_of_look(stored), value, ours[wish.name]
        try:
            if wish.tags and fresh > self._longest(wish.ttl):
                # The loader has chosen a longer time than the tags were noted for; whoever invalidates one of them
                # until they are noted anew finds the first note, and ends our lease.
                yield from self.store.tag(wish.tags, [wish.name], fresh)
            landed = yield from self.store.fill(wish.name, token, sealed, fresh)
        except UnavailableError as failure:
            self._failed(wish.name, failure)
            return kind_of_look(stored), value, True
        if landed:
            self._keep_near(wish.name, wish.near, value, fresh * 1000)
        else:
            self.metrics.note("fenced", wish.name)
        return kind_of_look(stored), value, landed

    def _load_without_store(self, wish: Wish, failure: UnavailableError) -> Steps[Outcome]:
        self._failed(wish.name, failure)
        return "miss", self._value_of((yield from self._call(wish.name, wish.loader)))[0], True

    def _call(self, name: str, loader: Callable[..., Any], *args: Any) -> Steps[Any]:
        started = self._timer()
        try:
            value = yield Call(loader, *args)
        except BaseException:
            self.metrics.note("load_error", name, self._timer() - started)
            raise
        self.metrics.note("load", name, self._timer() - started)
        return value

    def _value_of(self, loaded: Any) -> tuple[Any, Duration | None]:
        return (loaded.value, loaded.ttl) if isinstance(loaded, Loaded) else (loaded, None)

    def _longest(self, ttl: Duration | None) -> float:
        """For how long a value can be fresh whose loader has not chosen a time to live of its own."""
        return max(self._expiry.ttl_of(None, ttl), self._expiry.ttl_of(0, ttl))

    def _failed(self, name: str, failure: UnavailableError) -> None:
        """Redis is down: note it, and raise if that is the policy."""
        self.metrics.note("error", name)
        if self._raises:
            raise failure.error

    def _look_near(self, name: str) -> Steps[Any]:
        """The value in this process, if there is one; the first look begins to listen for invalidations."""
        if self._local is None or self._listener is None:
            return MISSING
        yield from self._listener.begin(self)
        value = self._local.get(name)
        if value is not MISSING:
            self.metrics.note("local_hit", name)
        return value

    def _keep_near(self, name: str, permission: object, value: Any, left_ms: float) -> None:
        if self._local is not None:
            self._local.put(name, permission, value, left_ms / 1000)

    def forget(self, name: str) -> None:
        """Let nobody in this process have what was read until now."""
        self._flights.forget(name)
        if self._local is not None:
            self._local.drop(name)


def kind_of_look(stored: Stored | None) -> Kind:
    """How a look ended behind which a new value was loaded: what is refreshed early was there, and fresh."""
    return "hit" if stored is not None and stored.left_ms > 0 else "miss"


def old_outcome(stored: Stored, shared: bool = True) -> Outcome:
    """What becomes of a look if nothing better than this is to be had; *shared*: by those who joined as well."""
    return "hit" if stored.left_ms > 0 else "stale", stored.value, shared


def quietly(steps: Steps[Any]) -> Steps[None]:
    """Steps whose error is somebody else's: the flight has it."""
    try:
        yield from steps
    except Exception:
        return
