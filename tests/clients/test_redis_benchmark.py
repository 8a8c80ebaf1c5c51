"""redis-benchmark runs all its default tests to the end."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from conformance.servers import start_miniredis
from tests.requirements import missing

DEFAULT_TESTS = (
    "PING_INLINE",
    "PING_MBULK",
    "SET",
    "GET",
    "INCR",
    "LPUSH",
    "RPUSH",
    "LPOP",
    "RPOP",
    "SADD",
    "HSET",
    "SPOP",
    "ZADD",
    "ZPOPMIN",
    "LPUSH (needed to benchmark LRANGE)",
    "LRANGE_100 (first 100 elements)",
    "LRANGE_300 (first 300 elements)",
    "LRANGE_500 (first 500 elements)",
    "LRANGE_600 (first 600 elements)",
    "MSET (10 keys)",
)


@pytest.mark.parametrize("pipeline", [1, 16])
def test_every_default_test_runs_to_the_end(pipeline: int) -> None:
    if shutil.which("redis-benchmark") is None:
        missing("redis-benchmark on PATH")
    with start_miniredis() as server:
        done = subprocess.run(
            ["redis-benchmark", "-p", str(server.port), "-q", "-n", "2000", "-P", str(pipeline)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    finished = re.findall(r"^(.+?): [0-9.]+ requests per second", done.stdout.replace("\r", "\n"), re.MULTILINE)
    assert finished == list(DEFAULT_TESTS)
    assert "error" not in done.stdout.lower() + done.stderr.lower()
