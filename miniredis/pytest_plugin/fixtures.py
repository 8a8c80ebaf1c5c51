"""The fixtures. See :mod:`miniredis.pytest_plugin` for what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from miniredis.pytest_plugin.closing import close_after_test
from miniredis.pytest_plugin.options import backend_of, may_flush
from miniredis.pytest_plugin.places import Mini, Place, Real
from miniredis.pytest_plugin.recorder import RECORDER, Recorder
from miniredis.pytest_plugin.wishes import wishes_of

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from miniredis.pytest_plugin.real import RealServers
    from miniredis.testing import MiniRedis


@pytest.fixture(name="miniredis")
def _miniredis(_redis_place: Place) -> MiniRedis:
    """A fresh MiniRedis for this test. With ``--redis`` on a real server, the test is skipped."""
    if not isinstance(_redis_place, Mini):
        pytest.skip("needs a miniredis, and this run is on a real server")
    return _redis_place.server


@pytest.fixture
def redis_client(_redis_place: Place, redis_options: dict[str, Any]) -> Iterator[redis.Redis]:
    """A redis.Redis of an empty server; it is closed at the end."""
    client = _redis_place.client(redis_options)
    yield client
    client.close()


@pytest.fixture
def async_redis_client(
    request: pytest.FixtureRequest, _redis_place: Place, redis_options: dict[str, Any]
) -> Iterator[redis.asyncio.Redis]:
    """A redis.asyncio.Redis of an empty server, for whatever runs the test's loop; it is closed at the end."""
    client = _redis_place.async_client(redis_options)
    close = close_after_test(request.node, client)
    yield client
    close()


@pytest.fixture
def redis_url(_redis_place: Place) -> str:
    """The URL of an empty server: redis://127.0.0.1:49153."""
    return _redis_place.url


@pytest.fixture
def redis_options() -> dict[str, Any]:
    """The options of redis_client and async_redis_client: override it, for instance with {"decode_responses": True}."""
    return {}


@pytest.fixture
def _redis_place(request: pytest.FixtureRequest, _real_redis: RealServers | None) -> Iterator[Place]:
    """The server of this test."""
    recorder = request.node.stash[RECORDER] = Recorder()
    wishes = wishes_of(request.node)
    if _real_redis is not None:
        yield Real(_real_redis.server_for(wishes), recorder)
        return
    mini = Mini(wishes, recorder)
    yield mini
    mini.leave()


@pytest.fixture(scope="session")
def _real_redis(pytestconfig: pytest.Config) -> Iterator[RealServers | None]:
    """The real servers of this run, if it is on real ones."""
    backend = backend_of(pytestconfig)
    if backend == "mini":
        yield None
        return
    from miniredis.pytest_plugin.real import RealServers

    servers = RealServers(backend, may_flush=may_flush(pytestconfig))
    yield servers
    servers.stop()
