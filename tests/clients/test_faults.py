"""What redis-py's retries and ioredis's reconnecting make of each fault: that is what the faults are for."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import MaxConnectionsError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from miniredis.testing import MiniRedis
from tests.requirements import missing

FOLDER = Path(__file__).parent / "ioredis"

Begin = Callable[[MiniRedis], AbstractContextManager[Any]]

PASSING: dict[str, Begin] = {
    "LOADING": lambda server: server.faults.fail("GET", "LOADING", times=2),
    "READONLY": lambda server: server.faults.fail("GET", "READONLY", times=2),
    "dropped before": lambda server: server.faults.drop("GET", times=2),
    "dropped after": lambda server: server.faults.drop("GET", executed=True, times=2),
    "cut at once": lambda server: server.faults.cut("GET", 0, times=2),
    "cut in the header": lambda server: server.faults.cut("GET", 2, times=2),
    "cut in the value": lambda server: server.faults.cut("GET", 6, times=2),
    "in pieces": lambda server: server.faults.dribble("GET"),
    "late": lambda server: server.faults.delay("GET", 0.05),
    "late after it ran": lambda server: server.faults.delay("GET", 0.05, executed=True),
}
"""Faults that a client which tries three times does not let through."""


@pytest.fixture
def server() -> Iterator[MiniRedis]:
    with MiniRedis() as running:
        running.load({"k": "value"})
        yield running


def client_of(server: MiniRedis, *, retries: int = 3, **options: Any) -> redis.Redis:
    return redis.Redis(
        port=server.port,
        decode_responses=True,
        retry=Retry(NoBackoff(), retries),
        retry_on_error=[ReadOnlyError],
        **options,
    )


# redis-py


@pytest.mark.parametrize("fault", PASSING)
def test_redis_py_survives(server: MiniRedis, fault: str) -> None:
    with client_of(server) as client:
        client.ping()
        with PASSING[fault](server) as injected:
            assert client.get("k") == "value"
    assert injected.hits >= 1


@pytest.mark.parametrize("fault", [name for name in PASSING if "late" not in name and name != "in pieces"])
def test_redis_py_gives_up_without_retries(server: MiniRedis, fault: str) -> None:
    with client_of(server, retries=0) as client:
        client.ping()
        with PASSING[fault](server), pytest.raises((LostConnection, ReadOnlyError)):
            client.get("k")


@pytest.mark.parametrize("fault", PASSING)
async def test_redis_py_survives_on_the_servers_loop(fault: str) -> None:
    async with MiniRedis() as server:
        server.load({"k": "value"})
        client = redis.asyncio.Redis(
            port=server.port, retry=AsyncRetry(NoBackoff(), 3), retry_on_error=[ReadOnlyError], decode_responses=True
        )
        async with client:
            await client.ping()
            with PASSING[fault](server) as injected:
                assert await client.get("k") == "value"
        assert injected.hits >= 1


def test_redis_py_knows_the_errors(server: MiniRedis) -> None:
    with client_of(server, retries=0) as client:
        for error, kind in (
            ("OOM", OutOfMemoryError),
            ("READONLY", ReadOnlyError),
            ("BUSY", ResponseError),
            ("MOVED 1 127.0.0.1:7001", ResponseError),
            ("LOADING", redis.exceptions.BusyLoadingError),
        ):
            with server.faults.fail("SET", error), pytest.raises(kind):
                client.set("k", "v")


def test_a_command_that_is_not_idempotent_runs_twice_if_the_reply_is_lost(server: MiniRedis) -> None:
    with client_of(server) as client, server.faults.drop("INCRBY", executed=True, times=1):
        assert client.incr("n") == 2


def test_redis_py_pipelines_and_transactions_survive(server: MiniRedis) -> None:
    with client_of(server) as client:
        for transaction, command in ((False, "LPUSH"), (True, "EXEC"), (True, "MULTI")):
            client.delete("l")
            with server.faults.drop(command, times=1) as fault:
                pipeline = client.pipeline(transaction=transaction)
                assert pipeline.set("a", 1).lpush("l", "x").execute() == [True, 1]
            assert fault.hits == 1


def test_redis_py_subscribes_anew(server: MiniRedis) -> None:
    with client_of(server) as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        server.wait_for_subscriber("news")
        server.faults.restart()
        received: list[Any] = []

        def listen() -> None:
            received.append(next(pubsub.listen()))

        thread = threading.Thread(target=listen)
        thread.start()
        server.wait_for_subscriber("news")
        client.publish("news", "hello")
        thread.join()
        assert received[0]["data"] == "hello"


def test_redis_py_waits_out_an_outage(server: MiniRedis) -> None:
    with redis.Redis(port=server.port, retry=Retry(ConstantBackoff(0.01), 500), decode_responses=True) as client:
        client.ping()
        answers: list[Any] = []
        with server.faults.outage():
            thread = threading.Thread(target=lambda: answers.append(client.get("k")))
            thread.start()
        thread.join()
        assert answers == ["value"]


def test_redis_py_after_a_restart(server: MiniRedis) -> None:
    with client_of(server) as client:
        script = client.register_script("return redis.call('GET', KEYS[1])")
        assert script(keys=["k"]) == "value"
        server.faults.restart()
        assert script(keys=["k"]) == "value", "it was loaded again"
        server.faults.restart(keep_data=False)
        assert client.get("k") is None


def test_redis_py_is_turned_away_while_connections_are_refused(server: MiniRedis) -> None:
    with client_of(server, retries=0) as client:
        with server.faults.refuse_connections(), pytest.raises((LostConnection, MaxConnectionsError, ResponseError)):
            client.get("k")
        assert client.get("k") == "value"


def test_redis_py_loses_patience_with_a_server_that_hangs(server: MiniRedis) -> None:
    with client_of(server, retries=0, socket_timeout=0.05) as client:
        client.ping()
        with server.faults.pause(), pytest.raises(NoAnswer):
            client.get("k")
        assert client.get("k") == "value"


# ioredis


class Ioredis:
    """A process with an ioredis client, connected to *server*."""

    def __init__(self, server: MiniRedis) -> None:
        command = ["node", "faults.js", str(server.port)]
        self._process = subprocess.Popen(
            command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __call__(self, line: str) -> Any:
        """The result of *line*."""
        self.begin(line)
        return self.result()

    def begin(self, line: str) -> None:
        """Send *line*."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def result(self) -> Any:
        """The result of the line before."""
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], 30)[0], "ioredis does not answer"
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Ioredis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=30)
        finally:
            self._process.kill()


@pytest.fixture
def ioredis(server: MiniRedis) -> Iterator[Ioredis]:
    if not (shutil.which("node") and (FOLDER / "node_modules" / "ioredis").is_dir()):
        missing("node, and `npm install` in tests/clients/ioredis (make test runs it where there is npm)")
    with Ioredis(server) as client:
        assert client("ping") == "PONG"
        yield client


def test_ioredis_survives(server: MiniRedis, ioredis: Ioredis) -> None:
    for name, begin in PASSING.items():
        with begin(server) as injected:
            assert ioredis("get k") == "value", name
        assert injected.hits >= 1, name


def test_ioredis_knows_the_errors(server: MiniRedis, ioredis: Ioredis) -> None:
    with server.faults.fail("SET", "OOM"):
        assert ioredis("set k v") == {"error": "OOM command not allowed when used memory > 'maxmemory'."}
    with server.faults.fail("SET", "MOVED 1 127.0.0.1:7001"):
        assert ioredis("set k v") == {"error": "MOVED 1 127.0.0.1:7001"}


def test_ioredis_waits_out_outages_restarts_pauses_and_refusals(server: MiniRedis, ioredis: Ioredis) -> None:
    with server.faults.outage():
        ioredis.begin("get k")
    assert ioredis.result() == "value"
    server.faults.restart()
    assert ioredis("get k") == "value"
    with server.faults.pause(), server.log as log:
        ioredis.begin("get k")
        log.wait_for("GET")
    assert ioredis.result() == "value"
    with server.faults.refuse_connections():
        server.faults.restart(keep_data=False)
        ioredis.begin("get k")
        while not server.engine.statistics.rejected_connections:
            time.sleep(0.001)
    # It takes what it is turned away with for the answer to its request, if it has one under way by then.
    assert ioredis.result() in (None, {"error": "ERR max number of clients reached"})
    assert ioredis("get k") is None
