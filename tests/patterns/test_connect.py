"""Clients from URLs of servers that are not at a plain TCP port: TLS and Unix sockets, on miniredis and a real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

import patterns
from conformance.servers import start
from miniredis import MiniRedis
from patterns import aio
from tests.patterns.topologies import binary_of, free_port


def directives(**named: Any) -> list[str]:
    return [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(params=["miniredis", "redis-7.0"])
def urls(request: pytest.FixtureRequest, certificate: tuple[Path, Path], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where the server is by TLS, and where by its Unix socket; it wants a password."""
    cert, key = certificate
    port, path = free_port(), tmp_path / "s"
    options = {
        "tls_port": port,
        "tls_cert_file": cert,
        "tls_key_file": key,
        "tls_auth_clients": "no",
        "unixsocket": path,
        "requirepass": "p@ss",
    }
    with ExitStack() as stack:
        if request.param == "miniredis":
            stack.enter_context(MiniRedis(**options))
        else:
            del options["requirepass"]  # that it has started is asked without one
            server = stack.enter_context(start(binary_of(request.param), *directives(**options, tls_ca_cert_file=cert)))
            with redis.Redis(port=server.port) as client:
                client.config_set("requirepass", "p@ss")
        yield {
            "tls": f"rediss://:p%40ss@127.0.0.1:{port}/3?ssl_ca_certs={cert}",
            "unix": f"unix://:p%40ss@{path}?db=3",
            "plain": f"unix://:p%40ss@{path}",
        }


@pytest.mark.parametrize("way", ["tls", "unix"])
def test_the_patterns_work_there(urls: dict[str, str], way: str) -> None:
    with patterns.connect(urls[way], socket_timeout=60) as client:
        cache = patterns.Cache(client, local=patterns.Local(), stale=10)
        assert cache.get_or_load("k", lambda: "x" * 100_000) == "x" * 100_000
        assert (cache.stats().errors, cache.stats().fenced) == (0, 0)
        assert cache.get_or_load_many(["k", "l"], lambda names: dict.fromkeys(names, 1)) == {"k": "x" * 100_000, "l": 1}
        cache.close()
        assert patterns.GCRA(client, "1/day").hit("user")
        got: list[Any] = []
        with patterns.Lock(client, "l", wait=30):
            waiting = threading.Thread(target=lambda: got.append(patterns.Lock(client, "l", wait=30).acquire()))
            waiting.start()
        waiting.join(30)
        assert got[0].release()
        queue = patterns.Queue(client, "q")
        assert queue.put("job")
        job = queue.take(wait=10)
        assert job is not None
        assert job.ack()
        assert client.connection_pool.connection_kwargs["db"] == 3
    with patterns.connect(urls["plain"]) as other:
        assert other.dbsize() == 0


@pytest.mark.parametrize("way", ["tls", "unix"])
async def test_the_patterns_work_there_in_asyncio(urls: dict[str, str], way: str) -> None:
    async with aio.connect(urls[way], socket_timeout=60) as client:
        cache = aio.Cache(client, local=aio.Local(), stale=10)
        assert await cache.get_or_load("k", lambda: "x" * 100_000) == "x" * 100_000
        await cache.close()
        assert await aio.GCRA(client, "1/day").hit("user")
        async with aio.Lock(client, "l", wait=30) as lease:
            assert lease.held
        assert await client.dbsize() > 0
    async with aio.connect(urls["plain"]) as other:
        assert await other.dbsize() == 0


async def test_a_certificate_that_nobody_vouches_for_is_refused(urls: dict[str, str]) -> None:
    url = urls["tls"].partition("?")[0]
    with (
        patterns.connect(url) as client,
        pytest.raises(redis.ConnectionError, match=r"(?i)certificate"),
    ):
        client.ping()
    async with aio.connect(url) as client:
        with pytest.raises(redis.ConnectionError, match=r"(?i)certificate"):
            await client.ping()
    with patterns.connect(url, ssl_cert_reqs="none", ssl_check_hostname=False) as client:
        assert client.ping()


def test_a_cache_goes_on_where_no_socket_is(tmp_path: Path) -> None:
    with patterns.connect(f"unix://{tmp_path}/none") as client:
        cache = patterns.Cache(client)
        assert cache.get_or_load("k", lambda: 1) == 1
        assert cache.stats().errors == 1
        with pytest.raises(redis.ConnectionError):
            cache.invalidate("k")
