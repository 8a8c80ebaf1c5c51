"""Django's cache on Redis, as its documentation shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

pytest.importorskip("django")

from django.conf import settings
from django.core.cache.backends.redis import RedisCache

pytestmark = pytest.mark.usefixtures("empty")

if not settings.configured:
    settings.configure()


@pytest.fixture
def cache(url: str) -> Iterator[RedisCache]:
    created = RedisCache(url, {"KEY_PREFIX": "site", "TIMEOUT": 300})
    yield created
    for pool in created._cache._pools.values():
        pool.disconnect()


@pytest.mark.parametrize("value", ["text", b"\x00\xff", 42, -1, 2.5, True, None, ["a", {"b": 1}], {1, 2}], ids=repr)
def test_what_is_cached_comes_back_as_it_was(cache: RedisCache, value: Any) -> None:
    cache.set("key", value)
    assert cache.get("key", "default") == value
    assert type(cache.get("key")) is type(value)


def test_what_is_not_there_is_the_default(cache: RedisCache) -> None:
    assert cache.get("missing") is None
    assert cache.get("missing", "default") == "default"


def test_a_key_stands_under_prefix_and_version(cache: RedisCache, client: redis.Redis) -> None:
    cache.set("key", 1)
    cache.set("key", 2, version=2)
    assert sorted(client.keys()) == ["site:1:key", "site:2:key"]
    assert cache.get("key", version=2) == 2


def test_add_does_not_replace(cache: RedisCache) -> None:
    assert cache.add("key", "first")
    assert not cache.add("key", "second")
    assert cache.get("key") == "first"


def test_add_with_no_time_to_live_stores_nothing(cache: RedisCache) -> None:
    assert cache.add("key", "value", timeout=0)
    assert not cache.has_key("key")


def test_a_number_is_counted_up_and_down(cache: RedisCache) -> None:
    cache.set("visits", 10)
    assert [cache.incr("visits"), cache.incr("visits", 5), cache.decr("visits", 2)] == [11, 16, 14]
    assert cache.get("visits") == 14


def test_what_is_not_there_is_not_counted(cache: RedisCache) -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")


def test_text_is_not_counted(cache: RedisCache) -> None:
    cache.set("key", "text")
    with pytest.raises(redis.ResponseError, match="value is not an integer or out of range"):
        cache.incr("key")


def test_several_keys_are_set_fetched_and_deleted_at_once(cache: RedisCache) -> None:
    assert cache.set_many({"a": 1, "b": "two", "c": [3]}, timeout=100) == []
    assert cache.get_many(["a", "b", "missing", "c"]) == {"a": 1, "b": "two", "c": [3]}
    cache.delete_many(["a", "b"])
    assert cache.get_many(["a", "b", "c"]) == {"c": [3]}


def test_delete_says_whether_there_was_something(cache: RedisCache) -> None:
    cache.set("key", "value")
    assert cache.delete("key")
    assert not cache.delete("key")


@pytest.mark.parametrize(
    ("timeout", "seconds"), [({}, 300), ({"timeout": 60}, 60), ({"timeout": None}, -1), ({"timeout": 0}, -2)], ids=str
)
def test_a_value_lives_as_long_as_is_said(
    cache: RedisCache, client: redis.Redis, timeout: dict[str, int | None], seconds: int
) -> None:
    cache.set("key", "value", **timeout)
    assert seconds - 20 < client.ttl("site:1:key") <= seconds
    cache.set_many({"other": "value"}, **timeout)
    assert seconds - 20 < client.ttl("site:1:other") <= seconds


def test_touch_gives_a_value_more_time_or_all_of_it(cache: RedisCache, client: redis.Redis) -> None:
    cache.set("key", "value", timeout=10)
    assert cache.touch("key", timeout=1000)
    assert 980 < client.ttl("site:1:key") <= 1000
    assert cache.touch("key", timeout=None)
    assert client.ttl("site:1:key") == -1
    assert not cache.touch("missing")


def test_a_value_expires(cache: RedisCache, wait_until_expired: Callable[..., None]) -> None:
    cache.set("key", "value", timeout=1)
    assert cache.get("key") == "value"
    wait_until_expired("site:1:key")
    assert cache.get("key") is None


def test_get_or_set_computes_only_once(cache: RedisCache) -> None:
    answers = iter(["computed", "computed again"])
    assert [cache.get_or_set("key", lambda: next(answers)) for _ in range(2)] == ["computed"] * 2


def test_a_value_is_moved_to_another_version(cache: RedisCache) -> None:
    cache.set("key", "value")
    assert cache.incr_version("key") == 2
    assert (cache.get("key"), cache.get("key", version=2)) == (None, "value")


def test_a_cleared_cache_is_empty(cache: RedisCache, client: redis.Redis) -> None:
    cache.set("key", "value")
    assert cache.clear()
    assert client.dbsize() == 0


async def test_the_asynchronous_methods_do_the_same(cache: RedisCache) -> None:
    await cache.aset_many({"a": 1, "b": 2})
    assert await cache.aget_many(["a", "b"]) == {"a": 1, "b": 2}
    assert await cache.aincr("a") == 2
    assert await cache.aget("a") == 2
