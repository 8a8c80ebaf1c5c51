"""The near cache: it serves nothing that was made invalid, and nothing from before a connection was lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff

from patterns import MISSING, Cache, Local, aio
from tests.patterns import waiting
from tests.patterns.conftest import Stage


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def near(stage: Stage, **options: Any) -> AsyncIterator[tuple[aio.Cache, Local]]:
    async with stage.new_async_client() as client:
        local = Local(**options)
        cache = aio.Cache(client, local=local)
        try:
            yield cache, local
        finally:
            await cache.close()


async def test_a_near_hit_costs_no_command(stage: Stage) -> None:
    async with near(stage) as (cache, local):
        assert await cache.get_or_load("k", lambda: 1) == 1
        assert local.subscribed
        before = stage.commands()
        assert await cache.get_or_load("k", lambda: 2) == 1
        assert await cache.get("k") == 1
        assert stage.commands() - before == 1  # INFO
        assert cache.stats().local_hits == 2


async def test_what_another_process_changes_is_thrown_out(stage: Stage) -> None:
    other = Cache(stage.client)
    async with near(stage) as (cache, local):
        for change, expected in (
            (lambda: other.invalidate("k"), 2),
            (lambda: other.set("k", "set"), "set"),
            (lambda: other.clear(), 2),
            (lambda: other.invalidate_tags("t"), 2),
        ):
            await cache.invalidate("k")
            # It may hear of that, and forget what it has just read, more than once.
            while local.get("k") is MISSING:
                assert await cache.get_or_load("k", lambda: 1, tags=["t"]) == 1
            change()
            await until(lambda: local.get("k") is MISSING)
            assert await cache.get_or_load("k", lambda: 2) == expected


async def test_what_it_changes_itself_is_gone_at_once(stage: Stage) -> None:
    async with near(stage) as (cache, _):
        await cache.get_or_load("k", lambda: 1)
        await cache.invalidate("k")
        assert await cache.get_or_load("k", lambda: 2) == 2
        await cache.set("k", 3)
        assert await cache.get_or_load("k", lambda: 2) == 3


async def test_a_connection_that_is_lost_flushes_it(stage: Stage) -> None:
    async with near(stage) as (cache, local):
        await cache.get_or_load("k", lambda: 1)
        assert len(local) == 1
        (listener,) = [each for each in stage.client.client_list() if each["sub"] == "1"]
        # While nobody listens, somebody changes it: a pipeline, so that there is no time to subscribe anew.
        with stage.client.pipeline() as pipeline:
            pipeline.client_kill_filter(_id=listener["id"])
            pipeline.delete("cache:{k}")
            pipeline.publish("cache:invalidations", "=k")
            pipeline.execute()
        await until(lambda: len(local) == 0)
        assert await cache.get_or_load("k", lambda: 2) == 2
        await until(lambda: local.subscribed)
        assert await cache.get_or_load("k", lambda: 3) == 2
        assert len(local) == 1


async def test_it_is_flushed_before_another_connection_is_tried(stage: Stage) -> None:
    gate = asyncio.Event()
    gate.set()

    class Gated(redis.asyncio.Connection):
        async def _connect(self) -> None:
            await gate.wait()
            await super()._connect()  # type: ignore[misc]

    retry = redis.asyncio.retry.Retry(NoBackoff(), 7)
    pool = redis.asyncio.ConnectionPool.from_url(stage.url, connection_class=Gated, retry=retry)
    async with redis.asyncio.Redis.from_pool(pool) as client:
        local = Local()
        cache = aio.Cache(client, local=local)
        await cache.get_or_load("k", lambda: 1)
        assert len(local) == 1
        gate.clear()
        stage.client.client_kill_filter(_type="pubsub")
        await until(lambda: len(local) == 0)
        assert not local.subscribed
        gate.set()
        await until(lambda: local.subscribed)
        await cache.close()
        assert {each.retry.get_retries() for each in pool._available_connections} == {7}  # as they were


def test_so_it_is_in_threads(stage: Stage) -> None:
    gate = threading.Event()
    gate.set()

    class Gated(redis.Connection):
        def _connect(self) -> Any:
            assert gate.wait(60)
            return super()._connect()  # type: ignore[misc]

    pool = redis.ConnectionPool.from_url(stage.url, connection_class=Gated, retry=redis.retry.Retry(NoBackoff(), 7))
    client, local = redis.Redis.from_pool(pool), Local()
    cache = Cache(client, local=local)
    cache.get_or_load("k", lambda: 1)
    assert len(local) == 1
    gate.clear()
    stage.client.client_kill_filter(_type="pubsub")
    waiting.until(lambda: len(local) == 0)
    assert not local.subscribed
    gate.set()
    waiting.until(lambda: local.subscribed)
    cache.close()
    assert {each.retry.get_retries() for each in pool._available_connections} == {7}  # as they were
    client.close()


def test_it_is_for_one_cache(stage: Stage) -> None:
    local = Local()
    Cache(stage.client, prefix="one:", local=local)
    with pytest.raises(ValueError, match="one cache"):
        Cache(stage.client, prefix="another:", local=local)


async def test_many_at_once_are_near_too(stage: Stage) -> None:
    async with near(stage) as (cache, local):
        await cache.get_or_load("a", lambda: 1)
        assert await cache.get_or_load_many(["a", "b"], lambda names: dict.fromkeys(names, 2)) == {"a": 1, "b": 2}
        assert len(local) == 2
        before = stage.commands()
        assert await cache.get_or_load_many(["a", "b"], lambda names: dict.fromkeys(names, 3)) == {"a": 1, "b": 2}
        assert stage.commands() - before == 1  # INFO


async def test_nothing_is_kept_while_nobody_listens(stage: Stage) -> None:
    async with near(stage) as (cache, local):
        await cache.get_or_load("k", lambda: 1)
        await cache.close()
        assert len(local) == 0
        assert not local.subscribed


def test_threads_have_a_near_cache_too(stage: Stage) -> None:
    cache = Cache(stage.client, local=Local())
    assert cache.get_or_load("k", lambda: 1) == 1
    before = stage.commands()
    assert cache.get_or_load("k", lambda: 2) == 1
    assert stage.commands() - before == 1
    cache.close()


def test_the_least_recently_used_goes_first_and_nothing_is_kept_too_long() -> None:
    now = [0.0]
    local = Local(max_entries=2, ttl=10, timer=lambda: now[0])
    local.flush(subscribed=True)
    for name in "ab":
        local.put(name, local.permit(name), name, fresh=100)
    local.get("a")
    local.put("c", local.permit("c"), "c", fresh=5)
    assert [local.get(name) for name in "abc"] == ["a", MISSING, "c"]
    now[0] = 5
    assert [local.get(name) for name in "ac"] == ["a", MISSING]
    now[0] = 10
    assert local.get("a") is MISSING


@settings(max_examples=1000)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["permit", "drop"]), st.sampled_from("ab"), st.just(0)),
            st.tuples(st.just("put"), st.sampled_from("ab"), st.integers(0, 3)),
            st.tuples(st.sampled_from(["lost", "subscribed"]), st.just(""), st.just(0)),
        ),
        max_size=30,
    )
)
def test_a_value_read_before_an_invalidation_is_never_put_after_it(actions: list[tuple[str, str, int]]) -> None:
    """A model: what is read is the version of that time; nothing older than the last invalidation may be kept.

    Several readers of a key hold permissions at a time, and put what they have read in any order.
    """
    local = Local()
    local.flush(subscribed=True)
    readers: dict[str, list[tuple[object, int]]] = {"a": [], "b": []}
    floor = {"a": 0, "b": 0}
    for version, (action, name, which) in enumerate(actions, start=1):
        if action == "permit":
            readers[name].append((local.permit(name), version))
        elif action == "put" and readers[name]:
            permission, read = readers[name].pop(which % len(readers[name]))
            local.put(name, permission, read, fresh=1000)
        elif action == "drop":
            local.drop(name)
            floor[name] = version
        elif action in ("lost", "subscribed"):
            local.flush(subscribed=action == "subscribed")
            floor = dict.fromkeys("ab", version)
        for each in "ab":
            kept = local.get(each)
            assert kept is MISSING or (kept > floor[each] and local.subscribed)
