"""Where the clients of one test find their server: in this process, or wherever a real one is.

The rule of this file: all fixtures of a test are about the same server, whichever the test asks for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from miniredis.pytest_plugin.recorder import Recorder
from miniredis.pytest_plugin.wishes import Wishes

if TYPE_CHECKING:
    from miniredis.pytest_plugin.real import RealServer
    from miniredis.testing import MiniRedis


class Place(Protocol):
    """A server, as a test's fixtures see it."""

    @property
    def url(self) -> str:
        """For clients over TCP."""

    def client(self, options: Mapping[str, Any]) -> Any:
        """A ``redis.Redis``."""

    def async_client(self, options: Mapping[str, Any]) -> Any:
        """A ``redis.asyncio.Redis``."""


class Mini:
    """A miniredis. It is in this process, and has a port once somebody asks for its URL."""

    def __init__(self, wishes: Wishes, recorder: Recorder) -> None:
        from miniredis.engine.version import DEFAULT_VERSION
        from miniredis.testing import MiniRedis

        try:
            self.server: MiniRedis = MiniRedis(seed=wishes.seed, emulate=wishes.version or DEFAULT_VERSION.name)
            if wishes.frozen:
                self.server.clock.freeze()
            if wishes.data:
                self.server.load(wishes.data)
        except (TypeError, ValueError) as error:
            pytest.fail(f"@pytest.mark.redis: {error}", pytrace=False)
        self.server.interception.add_observer(lambda call: recorder.note(call.session.id, call))

    @property
    def url(self) -> str:
        return self.server.start().url

    def client(self, options: Mapping[str, Any]) -> Any:
        return self.server.client(**options)

    def async_client(self, options: Mapping[str, Any]) -> Any:
        return self.server.async_client(**options)

    def leave(self) -> None:
        """Stop it, if it has been started."""
        if self.server.driver.thread:
            self.server.stop()


class Real:
    """A real server, somewhere else."""

    def __init__(self, server: RealServer, recorder: Recorder) -> None:
        self.url = server.url
        self._recorder = recorder

    def client(self, options: Mapping[str, Any]) -> Any:
        import redis

        from miniredis.pytest_plugin.recording import record

        client = redis.Redis.from_url(self.url, **options)
        record(client, self._recorder)
        return client

    def async_client(self, options: Mapping[str, Any]) -> Any:
        import redis.asyncio

        from miniredis.pytest_plugin.recording import record_async

        client = redis.asyncio.Redis.from_url(self.url, **options)
        record_async(client, self._recorder)
        return client
