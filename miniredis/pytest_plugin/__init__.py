"""The pytest plugin: nothing to configure.

- Fixtures: ``miniredis``, a fresh server; ``redis_client`` and ``async_redis_client``, redis-py's clients of it;
  ``redis_url``, for code that takes nothing else. All that a test asks for are about one server.
- ``@pytest.mark.redis(version="redis-7.0", seed=1, frozen=True, data={"key": "value"})`` says what server.
- ``--redis=mini|real|URL``, or ``redis_backend`` in the ini file, runs the same tests on a real one.
- A failing test's report shows the last commands of each client, and their replies.

The rule of this package: it imports nothing of the engine until a test asks for a server, and redis-py with a client.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from miniredis.pytest_plugin.fixtures import (
    _miniredis,
    _real_redis,
    _redis_place,
    async_redis_client,
    redis_client,
    redis_options,
    redis_url,
)
from miniredis.pytest_plugin.options import add_options, backend_of
from miniredis.pytest_plugin.recorder import add_section
from miniredis.pytest_plugin.wishes import DESCRIPTION

__all__ = [
    "_miniredis",
    "_real_redis",
    "_redis_place",
    "async_redis_client",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_makereport",
    "redis_client",
    "redis_options",
    "redis_url",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--redis`` and its like."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and refuse a ``--redis`` that means nothing."""
    config.addinivalue_line("markers", DESCRIPTION)
    backend_of(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failing test show what its clients sent."""
    report = yield
    add_section(item, report)
    return report
