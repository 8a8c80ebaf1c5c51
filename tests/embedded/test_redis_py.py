"""redis-py on an engine in its own process gives what it gives over TCP, and what it gives on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from conformance.servers import Server
from miniredis import MiniRedis
from tests.clients.test_redis_py import take, take_async
from tests.clients.tour import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")

PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
DECODED = pytest.mark.parametrize("decoded", [False, True], ids=["bytes", "text"])
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)


def on_a_socket(port: int, protocol: int, decoded: bool, family: str) -> list[Any]:
    with redis.Redis(port=port, protocol=protocol, decode_responses=decoded) as client:
        client.flushall()
        return take(client, FAMILIES[family])


@pytest.fixture
def over_tcp(protocol: int, decoded: bool, family: str) -> Iterator[list[Any]]:
    """What the family's tour gives on miniredis over TCP."""
    with MiniRedis(emulate="redis-7.0") as server:
        yield on_a_socket(server.port, protocol, decoded, family)


@pytest.fixture
def on_the_real_one(redis_server: Server, protocol: int, decoded: bool, family: str) -> list[Any]:
    """What the family's tour gives on Redis 7.0."""
    return on_a_socket(redis_server.port, protocol, decoded, family)


@PROTOCOLS
@DECODED
@EVERY_FAMILY
def test_a_tour_gives_what_it_gives_elsewhere(
    protocol: int, decoded: bool, family: str, over_tcp: list[Any], on_the_real_one: list[Any]
) -> None:
    with MiniRedis(emulate="redis-7.0").client(protocol=protocol, decode_responses=decoded) as client:
        here = take(client, FAMILIES[family])
    assert here == over_tcp
    assert here == on_the_real_one


@PROTOCOLS
@DECODED
@EVERY_FAMILY
async def test_an_asyncio_tour_gives_what_it_gives_elsewhere(
    protocol: int, decoded: bool, family: str, over_tcp: list[Any], on_the_real_one: list[Any]
) -> None:
    server = MiniRedis(emulate="redis-7.0")
    async with server.async_client(protocol=protocol, decode_responses=decoded) as client:
        here = await take_async(client, FAMILIES[family])
    assert here == over_tcp
    assert here == on_the_real_one
