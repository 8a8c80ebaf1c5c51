"""channels_redis: the layers over which Django's consumers talk to each other, on sorted sets and on pub/sub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis

from tests.frameworks.conftest import DEADLINE

pytest.importorskip("channels_redis")

from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

pytestmark = pytest.mark.usefixtures("empty")


def in_time(awaitable: Any) -> Any:
    return asyncio.wait_for(awaitable, DEADLINE)


@pytest.fixture
async def layer(url: str, scripts: None) -> AsyncIterator[Any]:
    """Keeps messages in sorted sets; it receives and addresses groups by scripts."""
    created = RedisChannelLayer(hosts=[url], capacity=3)
    yield created
    await created.close_pools()


@pytest.fixture
async def pubsub_layer(url: str) -> AsyncIterator[Any]:
    """Publishes messages; it needs no script."""
    created = RedisPubSubChannelLayer(hosts=[url])
    yield created
    await created.flush()


@pytest.fixture(params=["layer", "pubsub_layer"])
def any_layer(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


async def test_what_is_sent_to_a_channel_is_received(any_layer: Any) -> None:
    channel = await any_layer.new_channel()
    await any_layer.send(channel, {"type": "hello", "data": b"\x00\xff", "numbers": [1, 2.5]})
    assert await in_time(any_layer.receive(channel)) == {"type": "hello", "data": b"\x00\xff", "numbers": [1, 2.5]}


async def test_messages_arrive_in_order(any_layer: Any) -> None:
    channel = await any_layer.new_channel()
    for number in range(3):
        await any_layer.send(channel, {"type": "count", "number": number})
    assert [(await in_time(any_layer.receive(channel)))["number"] for _ in range(3)] == [0, 1, 2]


async def test_who_waits_is_woken(any_layer: Any) -> None:
    channel = await any_layer.new_channel()
    waiting = asyncio.create_task(any_layer.receive(channel))
    await any_layer.send(channel, {"type": "at last"})
    assert await in_time(waiting) == {"type": "at last"}


async def test_each_channel_of_a_group_gets_what_is_sent_to_it(any_layer: Any) -> None:
    channels = [await any_layer.new_channel() for _ in range(3)]
    for channel in channels:
        await any_layer.group_add("room", channel)
    await any_layer.group_send("room", {"type": "hello"})
    assert [await in_time(any_layer.receive(channel)) for channel in channels] == [{"type": "hello"}] * 3


async def test_who_left_a_group_gets_nothing_more(any_layer: Any) -> None:
    stayed, left = [await any_layer.new_channel() for _ in range(2)]
    for channel in (stayed, left):
        await any_layer.group_add("room", channel)
    await any_layer.group_discard("room", left)
    await any_layer.group_send("room", {"type": "hello"})
    await any_layer.send(left, {"type": "goodbye"})
    assert await in_time(any_layer.receive(stayed)) == {"type": "hello"}
    assert await in_time(any_layer.receive(left)) == {"type": "goodbye"}


async def test_a_full_channel_refuses_messages(layer: Any) -> None:
    for _ in range(3):
        await layer.send("busy", {"type": "work"})
    with pytest.raises(ChannelFull):
        await layer.send("busy", {"type": "work"})


async def test_a_full_channel_does_not_keep_a_group_from_its_messages(layer: Any) -> None:
    full, free = "full", "free"
    for channel in (full, free):
        await layer.group_add("room", channel)
    for _ in range(3):
        await layer.send(full, {"type": "work"})
    await layer.group_send("room", {"type": "hello"})
    assert (await in_time(layer.receive(free)))["type"] == "hello"
    assert [(await in_time(layer.receive(full)))["type"] for _ in range(3)] == ["work"] * 3


async def test_a_message_that_nobody_fetches_expires(
    url: str, scripts: None, client: redis.Redis, wait_until_expired: Callable[..., None]
) -> None:
    layer = RedisChannelLayer(hosts=[url], expiry=1)
    await layer.send("deserted", {"type": "hello"})
    await asyncio.to_thread(wait_until_expired, "asgideserted")
    assert client.keys() == []
    await layer.close_pools()


async def test_a_group_lasts_a_day(layer: Any, client: redis.Redis) -> None:
    await layer.group_add("room", "somebody")
    assert 86_300 < client.ttl("asgi:group:room") <= 86_400


async def test_what_a_lost_receiver_was_about_to_take_is_delivered_again(layer: Any, client: redis.Redis) -> None:
    await layer.send("careful", {"type": "hello"})
    await in_time(layer._brpop_with_clean(0, "asgicareful", timeout=1))  # it is taken, and nothing follows
    assert client.zcard("asgicareful$inflight") == 1
    assert await in_time(layer.receive("careful")) == {"type": "hello"}


async def test_a_flushed_layer_has_forgotten_everything(layer: Any, client: redis.Redis) -> None:
    await layer.group_add("room", "somebody")
    await layer.send("somebody", {"type": "hello"})
    await layer.flush()
    assert client.keys("asgi*") == []
