"""MiniRedis: a server for the length of a block, that leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import miniredis
from miniredis.rdb import RdbError
from miniredis.server import ListenError
from miniredis.testing import MiniRedis


def ask(server: MiniRedis, request: bytes) -> bytes:
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(request)
        return client.recv(1000)


async def ask_on_the_loop(server: MiniRedis, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(request)
    answer = await reader.read(1000)
    writer.close()
    await writer.wait_closed()
    return answer


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def threads() -> Callable[[], int]:
    """How many threads there are that the test began."""
    before = set(threading.enumerate())
    return lambda: len(set(threading.enumerate()) - before)


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc to count file descriptors")


def test_it_serves_inside_the_block_and_not_outside() -> None:
    with MiniRedis() as server:
        assert server.is_running
        assert server.url == f"redis://127.0.0.1:{server.port}"
        assert ask(server, b"SET k v\r\n") == b"+OK\r\n"
        port = server.port
    assert not server.is_running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_it_serves_on_the_callers_loop(threads: Callable[[], int]) -> None:
    async with MiniRedis() as server:
        assert threads() == 0
        assert await ask_on_the_loop(server, b"SET k v\r\nGET k\r\n") == b"+OK\r\n$1\r\nv\r\n"
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_two_servers_share_nothing() -> None:
    with MiniRedis() as one, MiniRedis() as other:
        ask(one, b"SET k v\r\n")
        assert ask(other, b"GET k\r\n") == b"$-1\r\n"


def test_starting_and_stopping_twice_is_fine() -> None:
    server = MiniRedis()
    server.stop()
    assert server.start() is server
    port = server.port
    server.start()
    assert server.port == port
    server.stop()
    server.stop()


def test_it_can_be_started_again_where_it_was() -> None:
    server = MiniRedis().start()
    port = server.port
    ask(server, b"SET k v\r\n")
    server.stop()
    with server:
        assert server.port == port
        assert ask(server, b"GET k\r\n") == b"$1\r\nv\r\n"


def test_it_says_when_it_does_not_run() -> None:
    server = MiniRedis()
    for attribute in ("host", "port", "tls_port", "url", "unix_socket"):
        with pytest.raises(RuntimeError, match="not running"):
            getattr(server, attribute)


async def test_it_says_who_has_to_stop_it() -> None:
    async with MiniRedis() as server:
        with pytest.raises(RuntimeError, match="async with"):
            server.stop()
        with pytest.raises(RuntimeError, match="already running"):
            await server.__aenter__()


def test_a_start_that_fails_leaves_nothing_and_can_be_repeated(threads: Callable[[], int]) -> None:
    with MiniRedis() as first:
        second = MiniRedis(first.port)
        for _ in range(3):
            with pytest.raises(ListenError, match="Address already in use"):
                second.start()
        assert threads() == 1
    with second:
        assert ask(second, b"GET k\r\n") == b"$-1\r\n"


def test_a_clients_shutdown_stops_it(threads: Callable[[], int]) -> None:
    server = MiniRedis().start()
    on_shutdown = server.engine.on_shutdown
    assert on_shutdown is not None
    with socket.create_connection((server.host, server.port)) as client:
        server.call(on_shutdown)
        assert client.recv(1) == b""
    server.stop()
    assert threads() == 0


# Options


def test_directives() -> None:
    server = MiniRedis(requirepass="secret", maxclients=10, appendonly=False, save="", hash_max_listpack_entries=3)
    config = server.engine.config
    assert (config.requirepass, config.maxclients, config.save) == ("secret", 10, ())
    assert config.hash_max_listpack_entries == 3
    with server:
        assert ask(server, b"GET k\r\n") == b"-NOAUTH Authentication required.\r\n"


def test_the_emulated_version() -> None:
    assert MiniRedis(emulate="valkey-9.1").engine.version.is_valkey
    assert MiniRedis().engine.version.redis == (7, 2, 4)
    with pytest.raises(ValueError, match=r"unknown server version 'redis-1\.0'"):
        MiniRedis(emulate="redis-1.0")


def test_a_seed_makes_chance_repeatable() -> None:
    first, second = (MiniRedis(seed=7).engine.random.random() for _ in range(2))
    assert first == second


def test_mistakes_in_options_are_named() -> None:
    with pytest.raises(TypeError, match="no option 'nosuch'"):
        MiniRedis(nosuch=1)
    with pytest.raises(ValueError, match="maxclients='many': argument couldn't be parsed into an integer"):
        MiniRedis(maxclients="many")


def test_a_unix_socket(tmp_path: Path) -> None:
    with MiniRedis(unixsocket=tmp_path / "s") as server, socket.socket(socket.AF_UNIX) as client:
        client.connect(server.unix_socket)
        client.sendall(b"GET k\r\n")
        assert client.recv(10) == b"$-1\r\n"


# The engine and its clock


def test_the_engine_is_used_on_its_own_thread() -> None:
    with MiniRedis() as server:
        assert server.call(threading.get_ident) != threading.get_ident()
        assert server.call(server.call, threading.get_ident) == server.call(threading.get_ident)
        with pytest.raises(ZeroDivisionError):
            server.call(lambda: 1 // 0)


async def test_on_the_callers_loop_that_is_the_callers_thread() -> None:
    async with MiniRedis() as server:
        assert server.call(threading.get_ident) == threading.get_ident()


def test_a_server_that_does_not_run_can_be_prepared() -> None:
    server = MiniRedis()
    server.clock.freeze()
    server.clock.set(1_000_000.5)
    assert (server.clock.frozen, server.clock.time()) == (True, 1_000_000.5)
    with server:
        assert server.clock.time() == 1_000_000.5


def test_time_moves_for_keys() -> None:
    with MiniRedis() as server:
        server.clock.freeze()
        ask(server, b"SET k v EX 100\r\n")
        server.clock.advance(99)
        assert ask(server, b"GET k\r\n") == b"$1\r\nv\r\n"
        server.clock.advance(1.001)
        assert ask(server, b"GET k\r\n") == b"$-1\r\n"
        with pytest.raises(ValueError, match="negative"):
            server.clock.advance(-1)


async def test_time_moves_on_the_callers_loop() -> None:
    async with MiniRedis() as server:
        waiting = asyncio.create_task(ask_on_the_loop(server, b"BLPOP list 100\r\n"))
        while not server.engine.blocked_clients.clients:
            await asyncio.sleep(0)
        server.clock.advance(100)
        assert await waiting == b"*-1\r\n"


# What it costs


@needs_proc
def test_a_thousand_servers_leave_no_thread_and_no_descriptor(threads: Callable[[], int]) -> None:
    with MiniRedis():
        pass
    gc.collect()
    before = descriptors()
    for number in range(1000):
        with MiniRedis() as server:
            if number % 10 == 0:
                # Some with a client that is connected, some with one that is about to be.
                client = socket.create_connection((server.host, server.port))
                if number % 20 == 0:
                    client.sendall(b"BLPOP list 0\r\n")
                    server.call(lambda: None)
        if number % 10 == 0:
            client.close()
    assert threads() == 0
    assert descriptors() == before


@needs_proc
async def test_nor_do_they_leave_a_task_on_the_callers_loop() -> None:
    before = descriptors()
    for _ in range(200):
        async with MiniRedis() as server:
            with socket.create_connection((server.host, server.port)) as client:
                await asyncio.sleep(0)
                client.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert descriptors() == before


@contextlib.contextmanager
def a_bare_server() -> Iterator[None]:
    """What a server on a thread of its own needs at least: the thread, a loop, a socket."""
    loop, begun = asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0):
            begun.set()
            await ended.wait()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    begun.wait()
    yield
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def test_it_starts_and_stops_in_no_time() -> None:
    """Nothing that is waited for by the clock, or loaded anew: some times a bare server's time, on however busy a
    machine."""

    def seconds(server: Callable[[], contextlib.AbstractContextManager[Any]]) -> float:
        started = time.perf_counter()
        with server():
            pass
        return time.perf_counter() - started

    both = [(seconds(MiniRedis), seconds(a_bare_server)) for _ in range(20)]
    assert min(ours for ours, _ in both) < 10 * min(bare for _, bare in both)


def test_it_stops_at_once_with_clients_that_wait() -> None:
    with MiniRedis() as server:
        clients = [socket.create_connection((server.host, server.port)) for _ in range(200)]
        for client in clients:
            client.sendall(b"BLPOP list 0\r\n")
        while server.call(lambda: len(server.engine.blocked_clients.clients)) < 200:
            pass
        started = time.perf_counter()
        server.stop()
        assert time.perf_counter() - started < 1
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_importing_the_package_costs_next_to_nothing() -> None:
    code = "import sys, miniredis; print([name for name in ('asyncio', 'miniredis.engine') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
    assert miniredis.MiniRedis is MiniRedis


@pytest.mark.parametrize(
    ("code", "unused"),
    [
        (
            "from miniredis import MiniRedis; MiniRedis()",
            "asyncio dataclasses inspect socket ssl tempfile pathlib redis miniredis.rdb.snapshot miniredis.lua"
            " miniredis.server miniredis.engine.syntax miniredis.engine.config_file",
        ),
        ("import miniredis.cli", "dataclasses tempfile miniredis.lua miniredis.testing miniredis.engine.syntax"),
    ],
)
def test_what_it_does_not_need_is_not_imported(code: str, unused: str) -> None:
    found = f"import sys; sys.path.insert(0, {str(Path(miniredis.__file__).parents[1])!r}); {code}\n"
    found += f"print([name for name in {unused.split()} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-S", "-c", found], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


def test_the_import_takes_less_than_redis_pys(tmp_path: Path) -> None:
    code = "import time, {}; began = time.process_time(); import {}; print(time.process_time() - began)"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}

    def seconds(before: str, what: str) -> float:
        line = [sys.executable, "-c", code.format(before, what)]
        done = subprocess.run(line, capture_output=True, text=True, check=True, env=environment)
        return float(done.stdout)

    runs = [(seconds("redis", "miniredis.testing"), seconds("time", "redis")) for _ in range(6)]
    ours, theirs = (min(column) for column in list(zip(*runs, strict=True)))
    assert ours < 0.6 * theirs


def test_the_garbage_collector_is_as_it_was_behind_the_import() -> None:
    code = "import gc; gc.{}(); from miniredis import MiniRedis; print(gc.isenabled())"
    for name, expected in (("enable", "True"), ("disable", "False")):
        line = [sys.executable, "-c", code.format(name)]
        assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == f"{expected}\n"


# Data to begin with


def test_it_begins_with_an_rdb_file_and_leaves_it_alone(tmp_path: Path) -> None:
    with MiniRedis(dir=tmp_path, dbfilename="fixture.rdb") as server:
        assert ask(server, b"SET k v\r\n") == b"+OK\r\n"
        assert ask(server, b"SAVE\r\n") == b"+OK\r\n"
    fixture = tmp_path / "fixture.rdb"
    before = fixture.read_bytes()
    for source in (fixture, str(fixture), before):
        with MiniRedis(rdb=source, dir=tmp_path) as server:
            assert ask(server, b"GET k\r\n") == b"$1\r\nv\r\n"
            assert ask(server, b"SET k w\r\n") == b"+OK\r\n"
            assert ask(server, b"SHUTDOWN\r\n") == b""
    assert fixture.read_bytes() == before
    assert list(tmp_path.iterdir()) == [fixture]


def test_a_damaged_rdb_file_makes_no_server(tmp_path: Path) -> None:
    with pytest.raises(RdbError, match="Wrong signature"):
        MiniRedis(rdb=b"no RDB file at all")
    with pytest.raises(FileNotFoundError):
        MiniRedis(rdb=tmp_path / "missing.rdb")


def test_a_replica_begins_with_what_its_master_has_not_called_expired() -> None:
    master = MiniRedis()
    master.clock.set(1_000_000)
    master.client().set("k", "v", px=1)
    data = master.engine.persistence.dump()
    replica = MiniRedis(rdb=data, replicaof="127.0.0.1 1").client()
    assert replica.info("replication")["role"] == "slave"
    assert (replica.dbsize(), replica.get("k")) == (1, None)
    assert MiniRedis(rdb=data).client().dbsize() == 0


def test_it_saves_by_itself_only_if_it_is_told_when(tmp_path: Path) -> None:
    with MiniRedis(dir=tmp_path, save="60 1") as server:
        assert ask(server, b"SET k v\r\n") == b"+OK\r\n"
        server.clock.advance(62)
        assert (tmp_path / "dump.rdb").exists()
