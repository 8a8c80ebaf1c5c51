"""Many keys at once: each is treated as if it were asked for alone, in fewer round trips, by one call of the loader."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Cache, Circuit, Loaded, LoadTimeoutError, aio
from patterns.steps import run
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave
from tests.patterns.waiting import until

NAMES = "abc"
CHANCES = st.sampled_from([0.0, 0.5, 0.999])
LOADS = st.tuples(
    st.just("load"),
    st.permutations(NAMES).flatmap(lambda names: st.integers(1, 3).map(lambda count: names[:count])),
    st.tuples(
        CHANCES, st.sampled_from(["value", "value", "value", "none", "error", "unstored"]), st.sampled_from([1, 30])
    ),
)
PASSES = st.tuples(st.just("pass"), st.sampled_from([30, 60, 90, 90]), st.none())
OTHERS = st.tuples(
    st.sampled_from(["invalidate", "set", "other_begins", "other_begins", "other_ends", "spoil", "write"]),
    st.sampled_from(NAMES),
    st.none(),
)
ACTIONS = st.lists(
    st.sampled_from([LOADS] * 3 + [PASSES] * 2 + [OTHERS]).flatmap(lambda kind: kind), min_size=12, max_size=20
)
OPTIONS = st.fixed_dictionaries(
    {
        "stale": st.sampled_from([0, 60, 60]),
        "beta": st.sampled_from([None, 1.0, 1.0]),
        "negative_ttl": st.sampled_from([None, 25, 0]),
    }
)


class Twins:
    """Two caches to which the same happens: one is asked for many keys at once, the other for each of them."""

    def __init__(self, stage: Stage, options: dict[str, Any]) -> None:
        stage.empty()
        self.stage = stage
        self.seconds, self.chance, self.number = 0.0, 0.0, 0
        self.many, self.single = (
            Cache(
                stage.client,
                prefix=f"{prefix}:",
                ttl=100,
                lease=1000,
                **options,
                random=lambda: self.chance,
                timer=lambda: self.seconds,
            )
            for prefix in ("many", "single")
        )
        self.others: dict[str, list[bytes]] = {}

    def load(self, names: Sequence[str], how: tuple[float, str, int]) -> None:
        for name in names:
            # Who finds no value that can be read waits for the other who loads one, and here nobody would end that.
            if name in self.others and None in [
                run(self.stage.client, cache.store.read(name)) for cache in (self.many, self.single)
            ]:
                self.other_ends(name)
        self.number += 1
        self.chance, outcome, takes = how
        calls = []

        def value(name: str) -> Any:
            made = None if outcome == "none" else f"{name}{self.number}"
            return Loaded(made, ttl=0) if outcome == "unstored" else made

        def load_many(names: Sequence[str]) -> dict[str, Any]:
            calls.append(names)
            self.seconds += takes
            if outcome == "error":
                raise LookupError
            return {name: value(name) for name in names if outcome != "none"}

        def load_one(name: str) -> Any:
            self.seconds += takes
            if outcome == "error":
                raise LookupError
            return value(name)

        expected, failed = {}, False
        for name in names:
            try:
                expected[name] = self.single.get_or_load(name, lambda name=name: load_one(name))
            except LookupError:
                failed = True
        try:
            assert self.many.get_or_load_many(names, load_many) == expected
            assert list(expected) == list(names)
        except LookupError:
            assert failed
        else:
            assert not failed
        assert len(calls) <= 1
        stats, theirs = self.many.stats(), self.single.stats()
        for count in ("hits", "misses", "stale_serves", "refreshes", "fenced", "corrupt", "errors"):
            assert getattr(stats, count) == getattr(theirs, count), count

    def invalidate(self, name: str, _: None) -> None:
        for cache in (self.many, self.single):
            cache.invalidate(name)
        self.others.pop(name, None)

    def set(self, name: str, _: None) -> None:
        for cache in (self.many, self.single):
            cache.set(name, "set")
        self.others.pop(name, None)

    def spoil(self, name: str, _: None) -> None:
        """Somebody overwrites the value by what is none."""
        for prefix in ("many", "single"):
            self.stage.client.set(f"{prefix}:{{{name}}}", "spoilt", xx=True, keepttl=True)

    def write(self, name: str, _: None) -> None:
        """Somebody begins to write through, and is at work from now on."""
        for cache in (self.many, self.single):
            run(self.stage.client, cache.store.begin_write(name, b"w" * 16, 100_000))
        self.others.pop(name, None)

    def other_begins(self, name: str, _: None) -> None:
        """Another process takes the lease, as a refresh would that begins early."""
        taken = [run(self.stage.client, cache.store.take(name, 10**6)).token for cache in (self.many, self.single)]
        if None not in taken:
            self.others[name] = [token for token in taken if token is not None]
        else:
            assert taken == [None, None]

    def other_ends(self, name: str, _: None = None) -> None:
        for cache, token in zip((self.many, self.single), self.others.pop(name, ()), strict=False):
            run(self.stage.client, cache.store.release({name: token}))

    def let_pass(self, seconds: int) -> None:
        if self.stage.mini is not None:
            self.stage.mini.clock.advance(seconds)
            return
        for key in self.stage.client.keys("*"):
            left = self.stage.client.pttl(key)
            if left > seconds * 1000:
                self.stage.client.pexpire(key, left - seconds * 1000)
            elif left >= 0:
                self.stage.client.delete(key)

    def do(self, action: str, subject: Any, how: Any) -> None:
        if action == "pass":
            self.let_pass(subject)
        else:
            getattr(self, action)(subject, how)
        for name in NAMES:
            left, other = (self.stage.client.pttl(f"{prefix}:{{{name}}}") for prefix in ("many", "single"))
            assert left == other or (self.stage.real and abs(left - other) < 3000)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=OPTIONS, actions=ACTIONS)
def test_many_are_as_each_alone(stage: Stage, options: dict[str, Any], actions: list[Any]) -> None:
    twins = Twins(stage, options)
    for action in actions:
        twins.do(*action)


class Counts:
    """A client that counts how often it goes to the server."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.trips = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.trips += 1
        return self.client.execute_command(*args, **options)

    def pipeline(self, **options: Any) -> Any:
        self.trips += 1
        return self.client.pipeline(**options)


@pytest.mark.parametrize("options", [{}, {"stale": 60, "beta": 1.0}])
def test_hits_are_one_round_trip_and_loads_two_more(stage: Stage, options: dict[str, Any]) -> None:
    client = Counts(stage.client)
    cache = Cache(client, **options)
    names = [f"k{number}" for number in range(50)]

    def trips(names: list[str]) -> int:
        before = client.trips
        cache.get_or_load_many(names, lambda missing: dict.fromkeys(missing, 1))
        return client.trips - before

    trips(["scripts", "are known"])
    assert trips(names) == 3
    assert trips(names) == 1
    assert trips([*names, "one more"]) == 3
    assert trips([]) == 0


KEYS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(KEYS, min_size=2, max_size=3), order=st.lists(st.integers(0, 3), max_size=40))
def test_each_key_is_loaded_once_and_nothing_of_before_an_invalidation_lands(
    stage: Stage, wanted: list[list[str]], order: list[int]
) -> None:
    """Processes that want overlapping keys, in any order of their commands, while a key is made invalid."""
    stage.empty()
    loads: list[tuple[str, str]] = []
    truth = {"value": "old"}

    def loader(names: Sequence[str]) -> dict[str, str]:
        loads.extend((name, truth["value"]) for name in names)
        return dict.fromkeys(names, truth["value"])

    plays = []
    for names in wanted:
        cache = Cache(stage.client, stale=10, lease=1000)
        plays.append(Play(stage.client, Cache.get_or_load_many.steps(cache, names, loader)))  # type: ignore[attr-defined]

    def change() -> Any:
        truth["value"] = "new"
        yield from Cache(stage.client).invalidate_steps(["a"])

    plays.append(Play(stage.client, change()))
    interleave(plays, order, lambda: None)
    for name in NAMES:
        # Once before the invalidation, and once after it.
        assert sum(loaded == name for loaded, _ in loads) <= 1 + (name == "a")
    assert Cache(stage.client, stale=10).get("a", "new") == "new"
    for play, names in zip(plays, wanted, strict=False):
        assert play.error is None
        assert list(play.result) == names


def fails(*_: Any) -> Any:
    raise LookupError("the database is down")


def test_whoever_joins_has_a_hit_at_once_and_what_is_loaded_when_it_is(stage: Stage) -> None:
    cache = Cache(stage.client)
    cache.set("hit", "there")
    seen: list[Any] = []

    def loader(names: Sequence[str]) -> dict[str, Any]:
        # Of the same process: it does not wait for the whole batch.
        seen.append(cache.get_or_load("hit", fails))
        thread = threading.Thread(target=lambda: seen.append(cache.get_or_load("cold", fails)))
        thread.start()
        threads.append(thread)
        return dict.fromkeys(names, "loaded")

    threads: list[threading.Thread] = []
    assert cache.get_or_load_many(["hit", "cold"], loader) == {"hit": "there", "cold": "loaded"}
    threads[0].join(10)
    assert seen == ["there", "loaded"]


def test_an_error_is_only_for_those_that_have_no_old_value(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=100, jitter=0, stale=3600)
    cache.get_or_load("old", lambda: "old")
    fake.advance(101)
    seen: list[Any] = []
    joined: list[threading.Thread] = []

    def join(name: str) -> None:
        try:
            seen.append(cache.get_or_load(name, lambda: "by itself"))
        except LookupError:
            seen.append("error")

    def loader(names: Sequence[str]) -> Any:
        for name in names:
            joined.append(threading.Thread(target=join, args=(name,)))
            joined[-1].start()
        until(lambda: all(cache._flights.join(name)[0]._event is not None for name in names))
        return fails()

    with pytest.raises(LookupError):
        cache.get_or_load_many(["old", "none"], loader)
    for thread in joined:
        thread.join(10)
    assert sorted(seen) == ["error", "old"]
    assert not fake.client.keys("*:lease")


def test_in_the_background_nobody_waits_and_one_refreshes_all(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=100, jitter=0, stale=3600, background=True)
    cache.get_or_load_many("ab", lambda names: dict.fromkeys(names, "old"))
    fake.advance(101)
    begun, go_on, calls = threading.Event(), threading.Event(), []

    def loader(names: Sequence[str]) -> dict[str, str]:
        calls.append(list(names))
        begun.set()
        assert go_on.wait(10)
        return dict.fromkeys(names, "new")

    old = {"a": "old", "b": "old"}
    assert cache.get_or_load_many("ab", loader) == old
    assert begun.wait(10)
    assert cache.get_or_load_many("ba", fails) == old
    assert cache.get_or_load("a", fails) == "old"
    go_on.set()
    until(lambda: cache.get("a") == cache.get("b") == "new")
    assert calls == [["a", "b"]]
    assert cache.stats().refreshes == 2
    until(lambda: not cache._refreshing)

    fake.advance(101)
    assert cache.get_or_load_many("ab", fails) == {"a": "new", "b": "new"}
    until(lambda: cache.stats().load_errors == 1 and not cache._refreshing)
    assert cache.get_or_load_many("abc", lambda names: dict.fromkeys(names, "c"))["c"] == "c"


def test_a_loader_that_takes_too_long_goes_on_in_the_background(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=100, jitter=0, stale=3600, load_timeout=0.02)
    go_on = threading.Event()

    def slow(names: Sequence[str]) -> dict[str, str]:
        assert go_on.wait(10)
        return dict.fromkeys(names, "late")

    with pytest.raises(LoadTimeoutError, match=r"'[ab]' has taken 0\.02 seconds"):
        cache.get_or_load_many("ab", slow)
    go_on.set()
    until(lambda: cache.get("a", "") == cache.get("b", "") == "late")
    fake.rest()  # the values are there before the flights have ended that brought them
    fake.advance(101)
    go_on.clear()
    assert cache.get_or_load_many("ab", slow) == {"a": "late", "b": "late"}
    assert cache.stats().stale_serves == 2
    go_on.set()
    until(lambda: cache.get("b", "") == "late")


def test_where_redis_is_down_the_loader_is_called_once_for_all() -> None:
    with redis.Redis(port=1, retry=None) as client:
        calls = []

        def loader(names: Sequence[str]) -> dict[str, int]:
            calls.append(names)
            return {"a": 1}

        cache = Cache(client, circuit=Circuit(failures=1))
        for _ in range(2):
            assert cache.get_or_load_many("abc", loader) == {"a": 1, "b": None, "c": None}
        assert calls == [["a", "b", "c"]] * 2
        with pytest.raises(redis.ConnectionError):
            Cache(client, on_error="raise").get_or_load_many("abc", fails)
        with pytest.raises(LookupError):
            cache.get_or_load_many("abc", fails)


async def test_cancelling_who_loads_many_cancels_no_other_and_not_the_load(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        cache = aio.Cache(client, beta=1.0, stale=10)
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def loader(names: Sequence[str]) -> dict[str, str]:
            begun.set()
            await go_on.wait()
            return dict.fromkeys(names, "loaded")

        leader = asyncio.create_task(cache.get_or_load_many("ab", loader))
        await begun.wait()
        joined = [
            asyncio.create_task(each) for each in (cache.get_or_load("a", fails), cache.get_or_load_many("b", fails))
        ]
        await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        go_on.set()
        assert await asyncio.gather(*joined) == ["loaded", {"b": "loaded"}]
        assert await cache.get_or_load_many("ab", fails) == {"a": "loaded", "b": "loaded"}
