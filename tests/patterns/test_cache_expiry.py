"""Stale values, early refreshes by chance (XFetch), and refreshes in the background."""

from __future__ import annotations

import asyncio
import math
import random
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Cache, Event, Loaded, aio
from patterns.expiry import Expiry
from patterns.metrics import Metrics
from tests.patterns.conftest import Stage


def fails() -> Any:
    raise LookupError("the database is down")


def test_a_stale_value_is_served_if_the_loader_fails_until_the_hard_end(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=100, jitter=0, stale=3600)
    assert cache.get_or_load("k", lambda: "old") == "old"
    fake.advance(101)
    assert cache.get("k", "nothing") == "nothing"
    assert cache.get_or_load("k", fails) == "old"
    assert (cache.stats().stale_serves, cache.stats().load_errors) == (1, 1)
    assert fake.client.exists("cache:{k}:lease") == 0
    fake.advance(3500)
    assert cache.get_or_load("k", fails) == "old"
    fake.advance(200)
    with pytest.raises(LookupError):
        cache.get_or_load("k", fails)


def test_many_stale_values_are_served_if_the_loader_fails_and_while_another_loads(fake: Stage) -> None:
    cache, elsewhere = (Cache(fake.client, ttl=100, jitter=0, stale=3600) for _ in range(2))
    cache.get_or_load_many("ab", lambda names: dict.fromkeys(names, "old"))
    fake.advance(101)
    assert cache.get_or_load_many("ab", lambda names: fails()) == {"a": "old", "b": "old"}
    assert cache.stats().stale_serves == 2
    with pytest.raises(LookupError):  # one of them has none
        cache.get_or_load_many("abc", lambda names: fails())
    assert not fake.client.keys("*:lease")
    seen = []

    def loader(names: Any) -> dict[str, str]:
        seen.append(elsewhere.get_or_load_many("ab", lambda names: fails()))
        return dict.fromkeys(names, "new")

    assert cache.get_or_load_many("ab", loader) == {"a": "new", "b": "new"}
    assert seen == [{"a": "old", "b": "old"}]


def test_a_stale_value_is_replaced_by_the_first_load_that_succeeds(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=100, jitter=0, stale=3600)
    cache.get_or_load("k", lambda: "old")
    fake.advance(101)
    assert cache.get_or_load("k", lambda: "new") == "new"
    assert cache.get("k") == "new"


def test_while_one_loads_the_others_are_served_the_stale_value(stage: Stage) -> None:
    cache, elsewhere = (Cache(stage.client, ttl=0.1, jitter=0, stale=60) for _ in range(2))
    cache.get_or_load("k", lambda: "old")
    stage.advance(0.11)
    seen = []

    def loader() -> Loaded:
        seen.append(elsewhere.get_or_load("k", fails))
        return Loaded("new", ttl=60)

    assert cache.get_or_load("k", loader) == "new"
    assert seen == ["old"]
    assert elsewhere.get("k") == "new"


def test_an_invalidated_value_is_not_served_stale(stage: Stage) -> None:
    cache = Cache(stage.client, stale=60)
    cache.get_or_load("k", lambda: "old")
    cache.invalidate("k")
    with pytest.raises(LookupError):
        cache.get_or_load("k", fails)


@given(
    left=st.floats(0.001, 100),
    load=st.floats(0.001, 10),
    beta=st.floats(0.1, 5),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_xfetch_refreshes_when_its_formula_says_so(left: float, load: float, beta: float, chance: float) -> None:
    expiry = Expiry(300, 0, 0, None, beta, lambda: chance)
    # now - Δ·β·ln(rand) ≥ expiry, with rand = 1 - chance in (0, 1]
    refreshes = 0 - load * beta * math.log(1 - chance) >= left
    margin = abs(-load * beta * math.log(1 - chance) - left)
    assert (left * 1000 <= expiry.early_ms(load)) == refreshes or margin < 1e-9


@pytest.mark.parametrize("left", [0.05, 0.1, 0.2, 0.5])
def test_the_chance_of_a_refresh_falls_exponentially_with_the_time_left(left: float) -> None:
    expiry = Expiry(300, 0, 0, None, 1.0, random.Random(1).random)
    looks = 20_000
    refreshes = sum(expiry.early_ms(0.1) >= left * 1000 for _ in range(looks))
    expected = math.exp(-left / 0.1)
    assert abs(refreshes / looks - expected) < 4 * math.sqrt(expected * (1 - expected) / looks)


@pytest.mark.parametrize("rate", [10, 100, 1000])
def test_xfetch_loads_about_as_often_at_any_rate(fake: Stage, rate: int) -> None:
    """Where every reader loads for itself, one cycle costs about e^(1/β) early loads: with leases, one."""
    clock = [0.0]
    cache = Cache(fake.client, ttl=2, jitter=0, beta=1.0, random=random.Random(rate).random, timer=lambda: clock[0])

    def loader() -> float:
        clock[0] += 0.1  # it takes 100 ms, as the cache measures it
        return clock[0]

    cycles, early = 0, 0
    cache.get_or_load("k", loader)
    for _ in range(8 * rate):
        fake.advance(1 / rate)
        before = cache.stats()
        cache.get_or_load("k", loader)
        cycles += cache.stats().loads - before.loads
        early += cache.stats().refreshes - before.refreshes
    # 8 seconds: a value lives for 2, less what early readers take of it.
    assert 4 <= cycles <= 7
    assert early >= cycles - (2 if rate == 10 else 1)


def test_an_early_refresh_that_fails_keeps_the_value(fake: Stage) -> None:
    cache = Cache(fake.client, ttl=10, jitter=0, beta=1, random=lambda: 0.999999, timer=iter(range(1000)).__next__)
    cache.get_or_load("k", lambda: "old")
    assert cache.get_or_load("k", fails) == "old"
    assert cache.stats().load_errors == 1
    assert cache.get("k") == "old"


@pytest.mark.parametrize("many", [False, True])
def test_who_refreshes_early_has_found_something(fake: Stage, many: bool) -> None:
    cache = Cache(fake.client, ttl=10, jitter=0, beta=1, random=lambda: 0.999999, timer=iter(range(1000)).__next__)
    for _ in range(2):
        if many:
            assert cache.get_or_load_many("k", lambda names: dict.fromkeys(names, "v")) == {"k": "v"}
        else:
            assert cache.get_or_load("k", lambda: "v") == "v"
    stats = cache.stats()
    assert (stats.loads, stats.refreshes, stats.misses, stats.hits) == (2, 1, 1, 1)


async def test_in_the_background_one_refreshes_and_no_reader_waits(stage: Stage) -> None:
    loads = []
    go_on, loaded = asyncio.Event(), asyncio.Event()

    def hear(event: Event) -> None:
        if event.kind in ("load", "load_error"):
            loaded.set()

    async def slow() -> Loaded:
        loads.append(1)
        await go_on.wait()
        return Loaded("new", ttl=60)

    async with stage.new_async_client() as client, stage.new_async_client() as other:
        caches = [
            aio.Cache(each, ttl=0.1, jitter=0, stale=60, background=True, hooks=[hear]) for each in (client, other)
        ]
        await caches[0].set("k", "old")
        stage.advance(0.11)
        for _ in range(5):
            for cache in caches:
                assert await cache.get_or_load("k", slow) == "old"
        async with asyncio.timeout(5):
            while not loads:
                await asyncio.sleep(0)
        go_on.set()
        await loaded.wait()
        async with asyncio.timeout(5):
            while await caches[1].get_or_load("k", slow) == "old":
                await asyncio.sleep(0)
        assert len(loads) == 1


def test_a_refresh_in_the_background_that_fails_keeps_the_old_value(stage: Stage) -> None:
    ended = threading.Event()
    cache = Cache(
        stage.client,
        ttl=0.1,
        jitter=0,
        stale=60,
        background=True,
        hooks=[lambda event: event.kind == "load_error" and ended.set()],
    )
    cache.set("k", "old")
    stage.advance(0.11)
    assert cache.get_or_load("k", fails) == "old"
    assert ended.wait(5)
    assert cache.get_or_load("k", lambda: "never waited for") == "old"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("advance"), st.integers(1, 120)),
            st.tuples(st.just("load"), st.booleans()),
            st.tuples(st.just("invalidate"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_soft_and_hard_time_to_live_are_exact(fake: Stage, steps: list[tuple[str, Any]]) -> None:
    """Against a model: value, age; fresh below 60.5 s, served below 160.5 s if the loader fails, gone from then on."""
    fake.empty()
    cache = Cache(fake.client, ttl=60.5, jitter=0, stale=100)
    value, born, now = None, 0, 0
    for number, (action, argument) in enumerate(steps):
        if action == "advance":
            now += argument
            fake.advance(argument)
        elif action == "invalidate":
            value = None
            cache.invalidate("k")
        else:
            age = now - born
            exists, fresh = value is not None and age < 160.5, value is not None and age < 60.5
            loader = (lambda number=number: f"value {number}") if argument else fails
            if fresh:
                assert cache.get_or_load("k", loader) == value
            elif argument:
                assert cache.get_or_load("k", loader) == f"value {number}"
                value, born = f"value {number}", now
            elif exists:
                assert cache.get_or_load("k", loader) == value
            else:
                with pytest.raises(LookupError):
                    cache.get_or_load("k", loader)


def test_what_is_no_option_is_refused() -> None:
    for options in ({"jitter": -1}, {"beta": 0}, {"stale": -1}, {"ttl": -1}, {"lease": 0}, {"on_error": "ignore"}):
        with pytest.raises(ValueError, match=r".+"):
            Cache(None, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="braces"):
        Cache(None, prefix="{")


def test_counting_before_anything_happened() -> None:
    assert Metrics().stats().hit_rate == 0
