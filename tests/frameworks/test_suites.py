"""The test suites of other projects, as their sdists on PyPI have them: on clients in the process and on a real server.

Whatever a test of theirs does on a real Redis, it does on miniredis. ``make test-suites`` has the sdists and what they
need; where these are not, the tests are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from conformance.servers import Server
from tests.requirements import missing

SUITES = Path(__file__).parent / "suites"
SDISTS = Path(__file__).parents[2] / ".venv" / "suites" / "sdists"


class Suite(NamedTuple):
    """A suite, and what of it there is to run without other servers than one Redis."""

    name: str
    options: Sequence[str]
    at_least: int
    """Tests that pass."""


DJANGO_REDIS = Suite(
    "django_redis-7.0.0",
    # Of its dozen settings, which run the same tests: those with clients of their own, and no sentinel. Without the two
    # tests for which there has to be no server at another port: here all lead to the one.
    ["tests", "-k", "(not sqlite_ or sqlite_herd or sqlite_sharding) and not omit_exceptions"],
    500,
)
LIMITS = Suite(
    "limits-5.8.0",
    # With redis-py, not coredis, whose connections are its own; and without what its authors mark as flaky, or what has
    # to push a million elements by script within two seconds of real time.
    [
        *("tests", "-o", "asyncio_mode=auto", "-m", "redis and not flaky", "-k", "not huge_cost"),
        *("--ignore", "tests/benchmarks", "--ignore", "tests/aio/test_storage.py"),
    ],
    50,
)


def run(suite: Suite, server: str, results: Path) -> dict[str, str]:
    """What each test of *suite* comes to on *server*: ``passed``, ``failure``, ``error`` or ``skipped``."""
    folder = SDISTS / suite.name
    if not folder.is_dir():
        missing(f"the sdist of {suite.name}: make test-suites has it")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-p", "directed"),
            *("-p", "no:cacheprovider", "-q", "--tb=short", "--timeout", "60", f"--junit-xml={results}"),
            *suite.options,
        ],
        cwd=folder,
        env=os.environ | {"SUITE_SERVER": server, "PYTHONPATH": str(SUITES), "ASYNC_REDIS_IMPLEMENTATION": "redispy"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    assert results.exists(), done.stdout
    return {
        f"{case.get('classname')}::{case.get('name')}": next((part.tag for part in case if part.tag in FATES), "passed")
        for case in ET.parse(results).iter("testcase")
    }


FATES = ("failure", "error", "skipped")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", [DJANGO_REDIS, LIMITS], ids=lambda suite: suite.name)
def test_a_suite_has_the_same_results(suite: Suite, redis_server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    with ThreadPoolExecutor(2) as both:  # most of their time is spent in waiting
        real = both.submit(run, suite, str(redis_server.port), tmp_path / "real.xml")
        ours = both.submit(run, suite, "in-process", tmp_path / "ours.xml")
    assert ours.result() == real.result()
    assert list(ours.result().values()).count("passed") >= suite.at_least
