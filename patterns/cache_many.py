"""Many keys at once: one look, one load for all that nobody has, one fill.

The rule of this file: what somebody else is loading is left to him, and waited for only when nothing of ours is open
any more, so that no two callers wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from patterns.cache_loading import Loading, Wish
from patterns.cache_store import UnavailableError
from patterns.envelope import seal
from patterns.pattern import Blocking
from patterns.steps import Steps


class LoadingMany(Loading):
    """The part of a cache that loads several keys at once."""

    def _load_many(self, led: Mapping[str, Wish], loader: Callable[[Sequence[str]], Any]) -> Steps[dict[str, Any]]:
        """Values of the keys whose flights we lead; keys that somebody else loads are left out."""
        found: dict[str, Any] = {}
        try:
            try:
                yield from self._look_and_load_many(led, loader, found)
            except UnavailableError as failure:
                self._failed("", failure)
                rest = [name for name in led if name not in found]
                values = yield from self._call(",".join(rest), loader, rest)
                found.update((name, self._value_of(values.get(name))[0]) for name in rest)
        except BaseException as error:
            for name, wish in led.items():
                self._land(wish, "miss", found.get(name), error=None if name in found else error)
            raise
        for name, wish in led.items():
            if not wish.flight.settled:  # those that are, did not land
                self._land(wish, "hit", found.get(name), left=name not in found)
        return found

    def _look_and_load_many(
        self, led: Mapping[str, Wish], loader: Callable[[Sequence[str]], Any], found: dict[str, Any]
    ) -> Steps[None]:
        names = list(led)
        missed: list[str] = []
        old: dict[str, Any] = {}
        for name, stored in zip(names, (yield from self.store.read_many(names)), strict=True):
            if stored is not None and stored.left_ms > 0:
                self.metrics.note("hit", name)
                self._keep_near(name, led[name].near, stored.value, stored.left_ms)
                found[name] = stored.value
            else:
                missed.append(name)
                if stored is None:
                    self.metrics.note("miss", name)
                else:
                    old[name] = stored.value
        if not missed:
            return
        leases: dict[str, bytes] = {}
        for name, taken in zip(missed, (yield from self.store.take_many(missed, self._expiry.stale_ms)), strict=True):
            if taken.stored is not None:
                found[name] = taken.stored.value
            elif taken.token is not None:
                leases[name] = taken.token
            elif name in old:
                # Somebody else loads it: the old value meanwhile.
                self.metrics.note("stale", name)
                found[name] = old[name]
        if leases:
            yield from self._load_and_fill_many(led, leases, loader, found, old)

    def _load_and_fill_many(
        self,
        led: Mapping[str, Wish],
        leases: Mapping[str, bytes],
        loader: Callable[[Sequence[str]], Any],
        found: dict[str, Any],
        old: Mapping[str, Any],
    ) -> Steps[None]:
        names = list(leases)
        wish = led[names[0]]
        try:
            if wish.tags:
                yield from self.store.tag(wish.tags, names, self._longest(wish.ttl))
            started = self._timer()
            values = yield from self._call(",".join(names), loader, names)
            spent = self._timer() - started
            filled = []
            for name in names:
                value, ttl = self._value_of(values.get(name))
                fresh = self._expiry.ttl_of(value, wish.ttl if ttl is None else ttl)
                filled.append((name, leases[name], seal(self.store.codec, value, spent), fresh))
                found[name] = value
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException as error:
            yield from self.store.release(leases.items())
            if not isinstance(error, Exception) or isinstance(error, UnavailableError) or leases.keys() - old.keys():
                raise
            for name in leases:
                self.metrics.note("stale", name)
                found[name] = old[name]
            return
        try:
            lasting = [each for each in filled if each[3]]
            landed = yield from self.store.fill_many(lasting)
            yield from self.store.release([each[:2] for each in filled if not each[3]])
        except UnavailableError as failure:
            self._failed("", failure)
            return
        for (name, _, _, fresh), lands in zip(lasting, landed, strict=True):
            if lands:
                self._keep_near(name, led[name].near, found[name], fresh * 1000)
            else:
                self.metrics.note("fenced", name)
                self._land(led[name], left=True)

    def _alone(self, loader: Callable[[Sequence[str]], Any], name: str) -> Callable[[], Any]:
        """A loader of one key, made of one of several."""
        if isinstance(self, Blocking):
            return lambda: loader([name]).get(name)

        async def load() -> Any:
            values = loader([name])
            if hasattr(values, "__await__"):
                values = await values
            return values.get(name)

        return load
