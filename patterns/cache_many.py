"""Many keys at once: one look, one load for all that nobody has, one fill.

The rule of this file: each key is treated as :mod:`patterns.cache_loading` treats one. What somebody else is loading is
left to him, and waited for only when nothing of ours is open any more, so that no two callers wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from patterns.cache_loading import Loading, LoadTimeoutError, Outcome, Wish, kind_of_look, old_outcome, quietly
from patterns.cache_store import UnavailableError
from patterns.envelope import Stored, seal
from patterns.metrics import Kind
from patterns.pattern import Blocking
from patterns.steps import Shielded, Spawn, Steps

LoaderOfMany: TypeAlias = Callable[[Sequence[str]], Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """A key for which a look has found nothing, or nothing that is good enough."""

    wish: Wish
    stored: Stored | None
    early: float
    """How many milliseconds have to be left for a value to be good enough."""


Outcomes: TypeAlias = dict[str, Outcome | Exception]
"""By key; the error for one that could not be loaded, and nothing for one that somebody else is loading."""


class LoadingMany(Loading):
    """The part of a cache that loads several keys at once."""

    def _lead_many(self, led: Mapping[str, Wish], loader: LoaderOfMany) -> Steps[dict[str, Any]]:
        """Look, and load if need be, for all who join; keys that somebody else loads are left out."""
        started = self._timer()
        try:
            looks = yield from self.store.read_many(list(led))
        except UnavailableError as failure:
            missed = {name: Missed(wish, None, 0.0) for name, wish in led.items()}
            found: dict[str, Any] = {}
            yield Shielded(self._settle_many(missed, loader, found, failure=failure))
            return found
        except BaseException:
            # Cancelled, perhaps: that is no reason why the others should be.
            for wish in led.values():
                self._land(wish, left=True)
            raise
        spent = (self._timer() - started) / len(led)
        found, missed = self._serve(led, looks, spent)
        if self._background:
            yield from self._begin_refresh(missed, found, loader, spent)
        if missed:
            yield from self._await_many(missed, loader, found, spent)
        return found

    def _serve(
        self, led: Mapping[str, Wish], looks: Iterable[Stored | None], spent: float
    ) -> tuple[dict[str, Any], dict[str, Missed]]:
        """Give those who join what is fresh enough: these values, and the keys that are left."""
        found: dict[str, Any] = {}
        missed: dict[str, Missed] = {}
        for (name, wish), stored in zip(led.items(), looks, strict=True):
            early = self._expiry.early_ms(stored.load_seconds) if stored is not None else 0.0
            if stored is not None and stored.left_ms > early:
                self.metrics.note("hit", name, spent)
                self._keep_near(name, wish.near, stored.value, stored.left_ms)
                self._land(wish, "hit", stored.value)
                found[name] = stored.value
            else:
                missed[name] = Missed(wish, stored, early)
        return found, missed

    def _begin_refresh(
        self, missed: dict[str, Missed], found: dict[str, Any], loader: LoaderOfMany, spent: float
    ) -> Steps[None]:
        """Serve the old values that there are, and get new ones in the background, unless they are on their way."""
        begins: dict[str, Missed] = {}
        for name, each in list(missed.items()):
            if each.stored is None:
                continue
            kind: Kind = "hit" if each.stored.left_ms > 0 else "stale"
            self.metrics.note(kind, name, spent)
            if name not in self._refreshing:
                self._refreshing.add(name)
                begins[name] = each
            self._land(each.wish, kind, each.stored.value)
            found[name] = each.stored.value
            del missed[name]
        if begins:
            yield Spawn(self._refresh_many(begins, loader))

    def _refresh_many(self, begins: Mapping[str, Missed], loader: LoaderOfMany) -> Steps[None]:
        try:
            yield from self._obtain_many(begins, loader)
        except UnavailableError as failure:
            self.metrics.note("error", str(failure))
        finally:
            self._refreshing.difference_update(begins)

    def _await_many(
        self, missed: Mapping[str, Missed], loader: LoaderOfMany, found: dict[str, Any], spent: float
    ) -> Steps[None]:
        """Load, and wait for it, but not for longer than ``load_timeout``."""
        loaded: dict[str, Any] = {}
        loading = self._settle_many(missed, loader, loaded, spent)
        if self._load_timeout is None:
            yield Shielded(loading)
            found.update(loaded)
            return
        for each in missed.values():
            if each.stored is not None:
                each.wish.flight.meanwhile = old_outcome(each.stored)[:2]
        yield Spawn(quietly(loading))
        deadline = time.monotonic() + self._load_timeout
        for name, each in missed.items():
            flight = each.wish.flight
            if (yield from flight.wait(self.new_event, max(0.0, deadline - time.monotonic()))):
                if flight.error is not None:
                    raise flight.error
                if name in loaded:
                    found[name] = loaded[name]
            elif flight.meanwhile is None:
                raise LoadTimeoutError(f"the loader of {name!r} has taken {self._load_timeout} seconds")
            else:
                kind, found[name] = flight.meanwhile
                self.metrics.note(kind, name)

    def _settle_many(
        self,
        missed: Mapping[str, Missed],
        loader: LoaderOfMany,
        loaded: dict[str, Any],
        spent: float = 0.0,
        *,
        failure: UnavailableError | None = None,
    ) -> Steps[None]:
        """Load, let those who joined have what comes of it, and put the values into *loaded*."""
        try:
            outcomes: Outcomes = {}
            if failure is None:
                try:
                    outcomes = yield from self._obtain_many(missed, loader)
                except UnavailableError as error:
                    failure = error
            if failure is not None:
                outcomes = yield from self._load_many_without_store(missed, loader, failure)
        except BaseException as error:
            for each in missed.values():
                if not each.wish.flight.settled:
                    self._land(each.wish, error=error)
            raise
        failed: Exception | None = None
        for name, outcome in outcomes.items():
            wish = missed[name].wish
            if isinstance(outcome, Exception):
                failed = outcome
                self._land(wish, error=outcome)
            else:
                kind, loaded[name], landed = outcome
                self.metrics.note(kind, name, spent)
                # A value that did not land was loaded before an invalidation: who joined after that must not have it.
                self._land(wish, kind, loaded[name], left=not landed)
        if failed is not None:
            raise failed

    def _obtain_many(self, missed: Mapping[str, Missed], loader: LoaderOfMany) -> Steps[Outcomes]:
        """Values: from who was quicker, from the loader under our leases, or old ones while another loads."""
        outcomes: Outcomes = {}
        leases: dict[str, bytes | None] = {}
        enough = [self._expiry.stale_ms + each.early for each in missed.values()]
        answers = yield from self.store.take_many(list(missed), enough)
        for (name, each), taken in zip(missed.items(), answers, strict=True):
            if taken.stored is not None:
                self._keep_near(name, each.wish.near, taken.stored.value, taken.stored.left_ms)
                outcomes[name] = "miss" if each.stored is None else "hit", taken.stored.value, True
            elif taken.token is None and each.stored is not None:
                outcomes[name] = old_outcome(each.stored)
            elif taken.busy_ms:
                self._land(each.wish, left=True)
            else:
                leases[name] = taken.token  # or none, if nothing can be stored now
        if leases:
            outcomes |= yield from self._load_and_fill_many(missed, leases, loader)
        return outcomes

    def _load_and_fill_many(
        self, missed: Mapping[str, Missed], leases: Mapping[str, bytes | None], loader: LoaderOfMany
    ) -> Steps[Outcomes]:
        """Load under our leases, and end them: with values, or without. Where there is no lease nothing is stored."""
        names = list(leases)
        ours = {name: token for name, token in leases.items() if token is not None}
        wish = missed[names[0]].wish  # time to live and tags are the same for all
        try:
            if wish.tags and ours:
                # Before the load: an invalidation of the tag that does not find the keys yet is older than the load.
                yield from self.store.tag(wish.tags, list(ours), self._longest(wish.ttl))
            for name in ours:
                if missed[name].stored is not None:
                    self.metrics.note("refresh", name)
            started = self._timer()
            values = yield from self._call(",".join(names), loader, names)
            spent = self._timer() - started
            outcomes: dict[str, Outcome] = {}
            filled = []
            for name in names:
                value, ttl = self._value_of(values.get(name))
                fresh = self._expiry.ttl_of(value, wish.ttl if ttl is None else ttl)
                outcomes[name] = kind_of_look(missed[name].stored), value, name in ours
                if name in ours:
                    filled.append((name, ours[name], seal(self.store.codec, value, spent), fresh))
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException as error:
            kept = yield from self.store.release(ours)
            if not isinstance(error, Exception) or isinstance(error, UnavailableError):
                raise
            return {
                name: error if (old := missed[name].stored) is None else old_outcome(old, kept[name]) for name in names
            }
        yield from self._fill_many(missed, filled, outcomes)
        return {**outcomes}

    def _fill_many(
        self,
        missed: Mapping[str, Missed],
        filled: Sequence[tuple[str, bytes, bytes, float]],
        outcomes: dict[str, Outcome],
    ) -> Steps[None]:
        """Store what was loaded (name, token, sealed value, seconds), and note what did not land."""
        lasting = [each for each in filled if each[3]]
        unwanted = {name: token for name, token, _, fresh in filled if not fresh}
        if unwanted:
            for name, ours in (yield from self.store.release(unwanted)).items():
                outcomes[name] = (*outcomes[name][:2], ours)
        if not lasting:
            return
        wish = missed[lasting[0][0]].wish  # time to live and tags are the same for all
        outlasting = [(fresh, name) for name, _, _, fresh in lasting if fresh > self._longest(wish.ttl)]
        try:
            if wish.tags and outlasting:
                # As for one key: the loader has chosen longer times than the tags were noted for.
                yield from self.store.tag(wish.tags, [name for _, name in outlasting], max(outlasting)[0])
            landed = yield from self.store.fill_many(lasting)
        except UnavailableError as failure:
            self._failed(",".join(each[0] for each in lasting), failure)
            return
        for (name, _, _, fresh), lands in zip(lasting, landed, strict=True):
            if lands:
                self._keep_near(name, missed[name].wish.near, outcomes[name][1], fresh * 1000)
            else:
                self.metrics.note("fenced", name)
                outcomes[name] = (*outcomes[name][:2], False)

    def _load_many_without_store(
        self, missed: Mapping[str, Missed], loader: LoaderOfMany, failure: UnavailableError
    ) -> Steps[Outcomes]:
        rest = [name for name, each in missed.items() if not each.wish.flight.settled]
        self._failed(",".join(rest), failure)
        values = yield from self._call(",".join(rest), loader, rest)
        return {name: ("miss", self._value_of(values.get(name))[0], True) for name in rest}

    def _alone(self, loader: LoaderOfMany, name: str) -> Callable[[], Any]:
        """A loader of one key, made of one of several."""
        if isinstance(self, Blocking):
            return lambda: loader([name]).get(name)

        async def load() -> Any:
            values = loader([name])
            if hasattr(values, "__await__"):
                values = await values
            return values.get(name)

        return load
