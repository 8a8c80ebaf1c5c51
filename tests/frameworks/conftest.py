"""The server that a framework works with: miniredis, then a real Redis 7.0.

One server serves all tests of a module, because a worker does, too; a test for which that is in the way
asks for ``empty``.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from conformance.servers import Server
from miniredis import MiniRedis
from tests.requirements import missing

DEADLINE = 20.0
"""Seconds for what ought to happen at once, on a loaded machine."""

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What frameworks are warned of is theirs: their workers, too, would fail of a warning that is an error."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"))


@pytest.fixture(scope="module", params=["miniredis", "redis-7.0"])
def server(request: pytest.FixtureRequest) -> Iterator[MiniRedis | Server]:
    """A running server without any keys."""
    if request.param == "miniredis":
        with MiniRedis() as running:
            yield running
            gc.collect()  # frameworks say goodbye when their objects go: as long as there is somebody to say it to
    else:
        real: Server = request.getfixturevalue("redis_server")
        with redis.Redis(port=real.port) as client:
            client.flushall()
        yield real
        gc.collect()


@pytest.fixture(scope="module")
def url(server: MiniRedis | Server) -> str:
    """Where the server is, as frameworks are told: ``redis://127.0.0.1:49153``."""
    return f"redis://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[redis.Redis]:
    """Looks at what the framework left on the server."""
    with redis.Redis.from_url(url, decode_responses=True) as connected:
        yield connected


@pytest.fixture
def empty(client: redis.Redis) -> None:
    """The server has no keys when the test begins."""
    client.flushall()


@pytest.fixture(scope="module")
def scripts(client: redis.Redis) -> None:
    """The server runs Lua scripts: for what a framework does by EVAL."""
    try:
        client.eval("return 1", 0)
    except redis.ResponseError as error:
        if "unknown command" not in str(error):
            raise
        pytest.skip("needs EVAL, which the server does not know yet")


@pytest.fixture
def wait_until_expired(client: redis.Redis) -> Iterator[Callable[..., None]]:
    """Waits until the server says that these keys have expired. Ask for it before the keys are made."""
    before = client.config_get("notify-keyspace-events")
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub() as pubsub:
        pubsub.psubscribe("__keyevent@*__:expired")
        assert pubsub.get_message(timeout=DEADLINE)["type"] == "psubscribe"

        def wait(*keys: str) -> None:
            awaited, deadline = set(keys), time.monotonic() + DEADLINE
            while awaited:
                message = pubsub.get_message(timeout=deadline - time.monotonic())
                assert message is not None, f"these did not expire: {awaited}"
                awaited.discard(message["data"])

        yield wait
    client.config_set("notify-keyspace-events", before["notify-keyspace-events"])


@pytest.fixture
def run_in_node(url: str) -> Callable[[str], None]:
    """Runs a file of tests in ``node/``, which are told of the server by ``REDIS_URL``. They all have to pass."""

    def run(name: str) -> None:
        folder = FOLDER / "node"
        if not (shutil.which("node") and (folder / "node_modules").is_dir()):
            missing(
                "node, and `npm install` in tests/frameworks/node (make test-frameworks runs it where there is npm)"
            )
        done = subprocess.run(
            ["node", "--test", "--test-reporter=spec", name],
            cwd=folder,
            env=os.environ | {"REDIS_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    return run
