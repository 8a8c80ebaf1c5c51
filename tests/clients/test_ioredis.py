"""ioredis, the usual client of Node.js, does not notice which server it talks to."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conformance.servers import Server
from miniredis import MiniRedis
from tests.requirements import missing

FOLDER = Path(__file__).parent / "ioredis"


def take_tour(port: int) -> list[Any]:
    """What each step of ``ioredis/tour.js`` gives on the server at *port*."""
    done = subprocess.run(
        ["node", "tour.js", str(port)], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results


@pytest.fixture
def needs_node() -> None:
    if not (shutil.which("node") and (FOLDER / "node_modules" / "ioredis").is_dir()):
        missing("node, and `npm install` in tests/clients/ioredis (make test runs it where there is npm)")


@pytest.mark.usefixtures("needs_node")
def test_a_tour_gives_what_it_gives_on_redis(redis_server: Server) -> None:
    with MiniRedis(emulate="redis-7.0") as server:
        assert take_tour(server.port) == take_tour(redis_server.port)
