"""What redis-py offers works on a connection to an engine."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from types import ModuleType
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from miniredis import MiniRedis
from tests.embedded.conftest import Watch, connection_of, in_thread


def once() -> Retry:
    return Retry(NoBackoff(), 0)  # type: ignore[no-untyped-call]


def test_nothing_is_started(client: redis.Redis) -> None:
    threads = threading.active_count()
    client.set("k", "v")
    assert client.get("k") == "v"
    assert threading.active_count() == threads


def test_arguments_arrive_as_redis_py_would_pack_them(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol)
    kinds: list[tuple[Any, bytes]] = [
        ("ü", "ü".encode()),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"cd"), b"cd"),
        (7, b"7"),
        (0.1, b"0.1"),
        (1e300, b"1e+300"),
    ]
    encode = client.get_encoder().encode
    for given, stored in kinds:
        try:
            encode(given)
        except redis.DataError:  # redis-py takes a bytearray since version 8
            continue
        client.set("k", given)
        assert client.get("k") == stored
    latin = server.client(encoding="latin-1", decode_responses=True)
    latin.set("k", "ü")
    assert (latin.get("k"), client.get("k")) == ("ü", b"\xfc")
    for refused in (True, None, [1], {}):
        with pytest.raises(redis.DataError):
            client.set("k", refused)  # type: ignore[arg-type]
    assert client.execute_command("CONFIG GET", "port")
    assert client.execute_command(b"CONFIG GET", "port")
    packed = connection_of(client)
    packed.send_packed_command([b"*1\r\n$4\r\nPI", b"NG\r\n"])
    assert packed.read_response() == b"PONG"


def test_a_list_that_was_read_is_not_the_servers(client: redis.Redis) -> None:
    client.rpush("l", "a", "b")
    client.lrange("l", 0, -1).clear()
    assert client.lrange("l", 0, -1) == ["a", "b"]


def test_errors_have_their_classes(client: redis.Redis) -> None:
    client.set("k", "v")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("k", "x")
    with pytest.raises(redis.exceptions.NoScriptError):
        client.evalsha("0" * 40, 0)
    assert client.get("k") == "v"


def test_pipelines(client: redis.Redis) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.set("s", "x").incr("s").lpush("l", 1).get("s")
    stored, failed, pushed, value = pipe.execute(raise_on_error=False)
    assert (stored, pushed, value) == (True, 1, "x")
    assert "not an integer" in str(failed)
    pipe = client.pipeline()
    for number in range(500):
        pipe.incrby("n", number)
    assert pipe.execute()[-1] == sum(range(500))


def test_a_transaction_retries_when_a_watched_key_changes(client: redis.Redis) -> None:
    attempts = []

    def increment(pipe: Any) -> None:
        attempts.append(int(pipe.get("n") or 0))
        if len(attempts) == 1:
            client.set("n", 10)
        pipe.multi()
        pipe.set("n", attempts[-1] + 1)

    client.transaction(increment, "n")
    assert attempts == [0, 10]
    assert client.get("n") == "11"


def test_a_pipeline_that_blocks_goes_on_when_it_may(client: redis.Redis, watch: Watch) -> None:
    pipe = client.pipeline(transaction=False)
    pipe.blpop("queue", 0).set("after", "1").get("after")
    waiting = in_thread(pipe.execute)
    watch.wait_for(1)
    assert client.get("after") is None
    client.rpush("queue", "job")
    popped, *rest = waiting.result(10)
    assert list(popped) == ["queue", "job"]
    assert rest == [True, "1"]


def test_who_was_woken_goes_on_before_the_one_who_woke_it(server: MiniRedis, protocol: int, watch: Watch) -> None:
    client = server.client(protocol=protocol, decode_responses=True)
    pipe = client.pipeline(transaction=False)
    pipe.blpop("queue", 0).set("k", "by the woken")
    waiting = in_thread(pipe.execute)
    watch.wait_for(1)
    waking = client.pipeline(transaction=False)
    waking.rpush("queue", "job").get("k")
    assert waking.execute() == [1, "by the woken"]
    waiting.result(10)


def test_pubsub_listen(client: redis.Redis) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        pubsub.psubscribe("n*")
        seen = in_thread(lambda: [next(messages) for messages in [pubsub.listen()] for _ in range(4)])
        assert client.publish("news", "hello") == 2
        kinds = [message["type"] for message in seen.result(10)]
    assert sorted(kinds) == ["message", "pmessage", "psubscribe", "subscribe"]


def test_get_message_waits_as_long_as_it_is_told(client: redis.Redis) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        began = time.monotonic()
        assert pubsub.get_message() is None
        assert pubsub.get_message(timeout=0.05) is None
        assert time.monotonic() - began >= 0.05
        waiting = in_thread(lambda: pubsub.get_message(timeout=20))
        client.publish("news", "hello")
        assert waiting.result(10)["data"] == "hello"


def test_pubsub_in_a_thread_of_redis_py(client: redis.Redis) -> None:
    got = threading.Event()
    with client.pubsub() as pubsub:
        pubsub.subscribe(news=lambda message: got.set())
        thread = pubsub.run_in_thread(sleep_time=5, daemon=True)
        client.publish("news", "hello")
        assert got.wait(10)
        thread.stop()
        pubsub.unsubscribe("news")
        thread.join(10)
        assert not thread.is_alive()


def test_shard_channels_and_messages_that_somebody_handles(client: redis.Redis) -> None:
    handled = []
    with client.pubsub() as pubsub:
        pubsub.subscribe(a=handled.append)
        pubsub.ssubscribe("s")
        assert [pubsub.get_message(timeout=5)["type"] for _ in range(2)] == ["subscribe", "ssubscribe"]
        client.publish("a", "1")
        assert pubsub.get_message(timeout=5) is None
        assert handled[0]["data"] == "1"


def test_a_lock(client: redis.Redis) -> None:
    first = client.lock("lock", timeout=10)
    assert first.acquire(blocking=False)
    assert not client.lock("lock").acquire(blocking=False)
    first.extend(10)
    first.release()
    with client.lock("lock", timeout=10):
        assert client.exists("lock")
    with pytest.raises(redis.exceptions.LockError):
        first.release()


def test_scripts(client: redis.Redis) -> None:
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert script(keys=["n"], args=[5]) == 5
    client.script_flush()
    assert script(keys=["n"], args=[5]) == 10
    client.function_load("#!lua name=l\nredis.register_function('f', function(keys, args) return #args end)")
    assert client.fcall("f", 0, "a", "b") == 2


def test_monitor(client: redis.Redis) -> None:
    with client.monitor() as monitor:
        client.set("k", "v")
        seen = next(entry for entry in monitor.listen() if entry["command"].startswith("SET"))
    assert seen["command"] == "SET k v"


def test_who_one_is(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol, client_name="me", db=3, decode_responses=True)
    information = client.client_info()
    assert (information["name"], information["db"], int(information["resp"])) == ("me", 3, protocol)
    assert information["lib-name"].startswith("redis-py")
    client.set("k", "v")
    assert server.client(protocol=protocol).get("k") is None
    assert server.client(protocol=protocol, db=3).get("k") == b"v"


def test_passwords_and_users(protocol: int) -> None:
    server = MiniRedis(requirepass="secret")
    assert server.client(protocol=protocol, password="secret").ping()
    with pytest.raises(redis.AuthenticationError):
        server.client(protocol=protocol, password="wrong", retry=once()).ping()
    with pytest.raises(redis.AuthenticationError):
        server.client(protocol=protocol, retry=once()).ping()
    server.client(password="secret").acl_setuser(
        "bob", enabled=True, passwords=["+pw"], keys=["b:*"], commands=["+get"]
    )
    bob = server.client(protocol=protocol, username="bob", password="pw")
    assert bob.get("b:1") is None
    with pytest.raises(redis.exceptions.NoPermissionError):
        bob.get("a:1")


def test_never_decode(client: redis.Redis) -> None:
    client.set("k", "v")
    dumped = client.dump("k")
    assert isinstance(dumped, bytes)
    client.restore("copy", 0, dumped)
    assert client.get("copy") == "v"


def test_connection_pools(server: MiniRedis, protocol: int, watch: Watch) -> None:
    pool = redis.BlockingConnectionPool.from_url(server.register("pools") + f"?protocol={protocol}", max_connections=1)
    client = redis.Redis(connection_pool=pool)
    waiting = in_thread(client.blpop, "queue", 0)
    watch.wait_for(1)
    second = in_thread(client.ping)
    server.client().rpush("queue", "job")
    assert waiting.result(10)[1] == b"job"
    assert second.result(10)
    assert len(server.engine.sessions) <= 2
    pool.disconnect()


def test_too_many_connections(protocol: int) -> None:
    server = MiniRedis(maxclients=2)
    client = server.client(protocol=protocol, retry=once())
    held = [connection_of(client) for _ in range(2)]
    with pytest.raises(redis.ConnectionError, match="max number of clients reached"):
        client.ping()
    client.connection_pool.release(held.pop())
    assert client.ping()


def test_a_client_of_one_connection(server: MiniRedis, protocol: int) -> None:
    with server.client(protocol=protocol, single_connection_client=True) as client:
        first = client.client_id()
        assert client.client_id() == first
    assert not server.call(lambda: len(server.engine.sessions))


def test_health_checks(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol, health_check_interval=1)
    pings = server.engine.state_of(server.engine.table.lookup(b"ping"))  # type: ignore[arg-type]
    client.get("k")
    connection: Any = client.connection_pool._available_connections[0]
    connection.next_health_check = 0
    before = pings.calls
    client.get("k")
    client.get("k")
    assert pings.calls == before + 1
    with client.pubsub() as pubsub:
        pubsub.subscribe("a")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        pubsub.connection.next_health_check = 0
        assert pubsub.get_message(timeout=0.05) is None
        client.publish("a", "m")
        assert pubsub.get_message(timeout=5)["data"] == b"m"


def test_who_is_killed_connects_again(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol, retry=Retry(NoBackoff(), 1))  # type: ignore[no-untyped-call]
    first = client.client_id()
    server.client().client_kill_filter(_id=first)
    assert client.client_id() != first


def test_a_subscriber_who_is_killed_subscribes_again(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol)
    with client.pubsub() as pubsub:
        pubsub.subscribe("news")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        server.client().client_kill_filter(_type="pubsub")
        try:
            message = pubsub.get_message(timeout=5)
        except redis.ConnectionError:  # before version 5.1 the application has to try again
            message = pubsub.get_message(timeout=5)
        assert message["type"] == "subscribe"
        client.publish("news", "hello")
        assert pubsub.get_message(timeout=5)["data"] == b"hello"


def test_quit_and_shutdown_end_the_connection(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol, retry=once())
    connection = connection_of(client)
    connection.send_command("QUIT")
    assert connection.read_response() == b"OK"
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        connection.read_response()
    client.connection_pool.release(connection)
    client.set("k", "v")
    client.shutdown(nosave=True)
    assert client.get("k") == b"v"


def test_keys_expire_as_time_goes_by(server: MiniRedis, client: redis.Redis) -> None:
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("__keyevent@0__:*")
        assert pubsub.get_message(timeout=0.01) is None
        client.set("k", "v", px=30)
        assert pubsub.get_message(timeout=10)["data"] == "k"
        client.set("k", "v", px=1)
        time.sleep(0.01)
        assert client.dbsize() == 0


def test_a_client_that_is_gone_leaves_nothing(server: MiniRedis, protocol: int) -> None:
    for _ in range(10):
        client = server.client(protocol=protocol)
        pubsub = client.pubsub()
        pubsub.subscribe("a")
        del client, pubsub
    gc.collect()
    assert server.call(lambda: (len(server.engine.sessions), server.engine.pubsub.channels)) == (0, {})


def test_a_connection_that_is_gone_waits_no_more(server: MiniRedis, protocol: int) -> None:
    client = server.client(protocol=protocol)
    connection = connection_of(client)
    connection.send_command("BLPOP", "queue", 0)
    client.connection_pool.reset()
    del connection
    gc.collect()
    other = server.client()
    other.rpush("queue", "job")
    assert other.lrange("queue", 0, -1) == [b"job"]


@pytest.mark.parametrize("started", [False, True], ids=["alone", "with a server"])
def test_a_client_side_cache(server: MiniRedis, monkeypatch: pytest.MonkeyPatch, started: bool) -> None:
    connection = pytest.importorskip("redis.connection")
    if not hasattr(connection, "CacheProxyConnection"):
        pytest.skip("redis-py has a cache since version 5.1")
    from redis.cache import CacheConfig

    monkeypatch.setattr(connection.CacheProxyConnection, "MIN_ALLOWED_VERSION", "6.0.0")
    if started:
        server.start()
    gets = server.engine.state_of(server.engine.table.lookup(b"get"))  # type: ignore[arg-type]
    with server.client(protocol=3, cache_config=CacheConfig(), decode_responses=True) as caching:
        other = server.client()
        other.set("k", "1")
        assert [caching.get("k") for _ in range(3)] == ["1"] * 3
        assert gets.calls == 1
        other.set("k", "2")
        assert caching.get("k") == "2"
        if started:
            with redis.Redis.from_url(server.url) as remote:
                remote.set("k", "3")
                assert caching.get("k") == "3"
    server.stop()


def test_what_is_sent_at_once_is_told_apart(server: MiniRedis, protocol: int) -> None:
    """That is how a test finds out how often a client asked."""
    client = server.client(protocol=protocol)
    client.ping()
    engine = server.engine
    batches = []

    def note(session: Any, *rest: Any) -> Any:
        batches.append(session.batch)
        return engine.proceed(session, *rest)

    engine.interceptor = note
    engine.update_gate()
    client.get("n")
    for _ in range(2):
        pipe = client.pipeline(transaction=False)
        for _ in range(150):
            pipe.incr("n")
        pipe.execute()
    client.get("n")
    assert batches[0] == batches[-1] == 0
    assert batches[1:151] == batches[1:2] * 150
    assert batches[151:301] == batches[151:152] * 150
    assert len(set(batches)) == 3


# The pool


def connections_of(client: redis.Redis) -> tuple[int, int]:
    """How many connections are at hand, and how many lent out."""
    pool: Any = client.connection_pool
    return len(pool._available_connections), len(pool._in_use_connections)


def test_a_pool_lends_out_what_is_at_rest_and_takes_it_back(server: MiniRedis, client: redis.Redis) -> None:
    assert isinstance(client.connection_pool, redis.ConnectionPool)
    client.ping()
    assert connections_of(client) == (1, 0)
    connection = connection_of(client)
    assert connections_of(client) == (0, 1)
    client.ping()
    assert connections_of(client) == (1, 1)
    client.connection_pool.release(connection)
    assert connections_of(client) == (2, 0)
    assert connection_of(client) is connection
    assert len(server.engine.sessions) == 2


def test_a_connection_that_comes_back_with_a_reply_unread_is_not_used_as_it_is(client: redis.Redis) -> None:
    connection = connection_of(client)
    connection.send_command("ECHO", "stale")
    client.connection_pool.release(connection)
    assert client.echo("fresh") == "fresh"
    assert connections_of(client) == (1, 0)


def test_nor_is_one_that_the_server_has_closed(server: MiniRedis, client: redis.Redis) -> None:
    before = client.client_id()
    assert server.client().client_kill_filter(_id=str(before))
    assert client.client_id() != before
    assert connections_of(client) == (1, 0)


def test_what_falls_due_comes_first(server: MiniRedis, client: redis.Redis) -> None:
    server.clock.freeze()
    client.set("k", "v", px=10)
    server.clock.advance(1)
    assert client.dbsize() == 0


def test_a_process_that_was_forked_has_connections_of_its_own(client: redis.Redis) -> None:
    client.ping()
    connection: Any = client.connection_pool._available_connections[0]  # type: ignore[attr-defined]
    child = os.fork()
    if not child:
        try:
            client.ping()
            others: Any = client.connection_pool._available_connections  # type: ignore[attr-defined]
            os._exit(0 if len(others) == 1 and others[0] is not connection else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_who_listens_to_the_pool_has_redis_pys_own(
    server: MiniRedis, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Provider(redis.CredentialProvider):
        def get_credentials(self) -> tuple[str, str]:
            return "default", "any"

    client = server.client(protocol=protocol, credential_provider=Provider())
    assert type(client.connection_pool) is redis.ConnectionPool

    counting = server.client(protocol=protocol)
    asked = []
    get = redis.ConnectionPool.get_connection
    release = redis.ConnectionPool.release
    monkeypatch.setattr(
        redis.ConnectionPool, "get_connection", lambda *args, **options: asked.append("get") or get(*args, **options)
    )
    monkeypatch.setattr(redis.ConnectionPool, "release", lambda *args: asked.append("release") or release(*args))
    counting.ping()  # it makes its first connection
    del asked[:]
    counting.ping()
    assert asked == []
    monkeypatch.setitem(sys.modules, "opentelemetry", ModuleType("opentelemetry"))
    counting.ping()
    assert asked == ["get", "release"]


def test_threads_share_a_pool(client: redis.Redis) -> None:
    def work() -> None:
        for _ in range(200):
            client.incr("n")

    for each in [in_thread(work) for _ in range(8)]:
        each.result(20)
    assert client.get("n") == "1600"
    assert connections_of(client)[1] == 0
