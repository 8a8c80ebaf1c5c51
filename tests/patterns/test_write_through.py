"""Write-through: the cached version never goes down, and nothing old is left, whoever races, fails or crashes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import MISSING, Cache, WriteThrough, aio
from patterns.steps import Steps
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave
from tests.patterns.waiting import until_async


def test_a_write_is_in_the_database_and_in_the_cache(stage: Stage) -> None:
    cache = Cache(stage.client, jitter=0)
    rows: dict[str, Any] = {}

    def writer(key: str, value: Any) -> int:
        rows[key] = value
        return len(rows)

    with stage.expires_in("cache:{k}", 50_000):
        assert WriteThrough(cache, writer).write("k", "new", ttl=50) is True
    assert rows == {"k": "new"}
    assert cache.get("k") == "new"
    assert all(stage.client.pttl(key) > 0 for key in stage.client.keys("*"))


def test_a_write_that_fails_leaves_no_value(stage: Stage) -> None:
    cache = Cache(stage.client)
    cache.set("k", "old")

    def writer(key: str, value: Any) -> int:
        raise OSError("did it commit?")

    with pytest.raises(OSError, match="commit"):
        WriteThrough(cache, writer).write("k", "new")
    assert cache.get("k") is MISSING
    assert cache.get_or_load("k", lambda: "loaded") == "loaded"
    assert cache.get("k") == "loaded"


@pytest.mark.parametrize("key", ["k", "#}:lease", "ü"])
@pytest.mark.parametrize("decodes", [False, True])
def test_while_it_is_written_nothing_is_stored(stage: Stage, key: str, decodes: bool) -> None:
    cache, elsewhere = Cache(stage.client), Cache(stage.new_client(decode_responses=decodes))

    def writer(key: str, value: Any) -> int:
        for invalidate in (lambda: None, lambda: elsewhere.invalidate(key), elsewhere.clear):
            invalidate()
            assert elsewhere.get_or_load(key, lambda: "before the commit") == "before the commit"
            assert elsewhere.get(key) is MISSING
        return 1

    assert WriteThrough(cache, writer).write(key, "new")
    assert elsewhere.get(key) == "new"
    elsewhere.client.close()


def test_a_load_that_began_before_a_write_does_not_land_after_it(stage: Stage) -> None:
    cache = Cache(stage.client)
    through = WriteThrough(Cache(stage.client), lambda key, value: 1)
    assert cache.get_or_load("k", lambda: through.write("k", "new") and "old") == "old"
    assert cache.get("k") == "new"


def test_a_crashed_writer_keeps_loads_from_being_stored_for_a_while_only(fake: Stage) -> None:
    cache = Cache(fake.client)
    cache.set("k", "old")
    steps = aio.WriteThrough.write.steps(aio.WriteThrough(cache, print, writing=30), "k", "new")  # type: ignore[attr-defined]
    play = Play(fake.client, steps)
    while not fake.client.exists("cache:{k}:writers"):
        play.step()
    # It has begun, and is never heard of again.
    assert cache.get_or_load("k", lambda: "loaded") == "loaded"
    assert cache.get("k") is MISSING
    fake.advance(31)
    assert cache.get_or_load("k", lambda: "loaded") == "loaded"
    assert cache.get("k") == "loaded"


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_writer_that_may_still_be_at_work_keeps_old_values_out(fake: Stage, cancelled: bool) -> None:
    rows, begun, go_on = {"k": "old"}, threading.Event(), threading.Event()

    def commit() -> None:
        begun.set()
        assert go_on.wait(60)
        rows["k"] = "new"

    async with fake.new_async_client() as client:
        cache = aio.Cache(client)
        with ThreadPoolExecutor() as pool:

            async def writer(key: str, value: Any) -> int:
                work = asyncio.get_running_loop().run_in_executor(pool, commit)
                await until_async(begun.is_set)
                if not cancelled:
                    raise TimeoutError("the database does not answer")
                await work
                return 2

            write = asyncio.create_task(aio.WriteThrough(cache, writer, writing=30).write("k", "new"))
            await until_async(begun.is_set)
            if cancelled:
                write.cancel()
            with pytest.raises(asyncio.CancelledError if cancelled else TimeoutError):
                await write
            assert await cache.get_or_load("k", lambda: rows["k"]) == "old"
            go_on.set()
        assert await cache.get_or_load("k", lambda: rows["k"]) == "new"
        fake.advance(31)
        assert await cache.get_or_load("k", lambda: rows["k"]) == "new"
        assert await cache.get("k") == "new"


def test_who_wrote_beside_one_that_failed_or_crashed_stores_nothing(fake: Stage) -> None:
    cache = Cache(fake.client)
    committed = [0]

    def commit(key: str, value: Any) -> int:
        committed[0] += 1
        if value == "fails":
            raise OSError
        return committed[0]

    def play(value: str, commits: int) -> Play:
        """A write that has begun, and has been committed as that version."""
        through = WriteThrough(cache, commit, writing=30)
        play = Play(fake.client, WriteThrough.write.steps(through, "k", value))  # type: ignore[attr-defined]
        while committed[0] < commits:
            play.step()
        return play

    older, failed = play("older", 1), play("fails", 2)
    while not failed.ended:
        failed.step()
    while not older.ended:
        older.step()
    assert (older.result, cache.get("k")) == (False, MISSING)

    crashed = play("crashes", 3)
    fake.advance(20)
    older = play("older", 4)
    fake.advance(15)  # the one that crashed counts as that, the other is at work
    while not older.ended:
        older.step()
    assert (older.result, cache.get("k"), crashed.ended) == (False, MISSING, False)
    assert WriteThrough(cache, commit).write("k", "next")
    assert cache.get("k") == "next"


@pytest.mark.parametrize(("first", "second"), [(9, 10), (2**53, 2**53 + 1), (0, 1), (10**30, 10**30 + 1)])
def test_versions_are_compared_exactly(stage: Stage, first: int, second: int) -> None:
    cache = Cache(stage.client)
    through = WriteThrough(cache, lambda key, value: None)
    assert through.write("k", "later", version=second)
    assert not through.write("k", "earlier", version=first)
    assert cache.get("k") is MISSING
    assert through.write("k", "same", version=second)
    assert cache.get("k") == "same"


@pytest.mark.parametrize("version", [None, "1", True, 1.0, -1])
def test_a_write_without_a_version_leaves_no_value(stage: Stage, version: Any) -> None:
    cache = Cache(stage.client)
    cache.set("k", "old")
    with pytest.raises((TypeError, ValueError), match="version"):
        WriteThrough(cache, lambda key, value: version).write("k", "new")
    assert cache.get("k") is MISSING


def test_without_redis_the_database_is_not_touched_unless_that_is_the_policy() -> None:
    written = []
    with redis.Redis(port=1, retry=None, socket_connect_timeout=0.5) as dead:
        cache = Cache(dead)
        with pytest.raises(redis.ConnectionError):
            WriteThrough(cache, lambda key, value: written.append(key) or 1).write("k", 1)
        assert written == []
        assert WriteThrough(cache, lambda key, value: written.append(key) or 1, on_error="write").write("k", 1) is False
        assert written == ["k"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    kinds=st.lists(st.sampled_from(["write", "fail", "crash", "read", "invalidate"]), min_size=2, max_size=6),
    order=st.lists(st.integers(0, 5), max_size=60),
)
def test_in_no_order_does_a_version_go_down_or_an_old_value_stay(
    stage: Stage, kinds: list[str], order: list[int]
) -> None:
    """What is cached is never older than a commit whose writer has ended, and its version never goes down."""
    stage.empty()
    committed = [0]  # the database: the version, which is the value
    ended_floor = [0]
    versions: dict[int, int] = {}

    def write(number: int, kind: str) -> Steps[None]:
        def writer(key: str, value: Any) -> int:
            committed[0] += 1
            versions[number] = committed[0]
            if kind == "fail":
                raise OSError
            return committed[0]

        through = WriteThrough(Cache(stage.client), writer)
        with contextlib.suppress(OSError):
            yield from WriteThrough.write.steps(through, "k", {"writer": number})  # type: ignore[attr-defined]
        ended_floor[0] = max(ended_floor[0], versions[number])

    def read() -> Steps[None]:
        floor = ended_floor[0]
        cache = Cache(stage.client, lease=1000)
        value = yield from cache.load_steps("k", lambda: {"version": committed[0]})
        assert version_of(value) >= floor

    def version_of(value: Any) -> int:
        return value["version"] if "version" in value else versions[value["writer"]]

    def invalidate() -> Steps[Any]:
        return (yield from Cache(stage.client).invalidate_steps(["k"]))

    plays = []
    for number, kind in enumerate(kinds):
        steps: Any = read() if kind == "read" else invalidate() if kind == "invalidate" else write(number, kind)
        plays.append(Play(stage.client, steps))
    crashing = {number for number, kind in enumerate(kinds) if kind == "crash"}
    observer = Cache(stage.client)
    highest = [0]

    def check() -> None:
        value = observer.get("k")
        if value is not MISSING:
            version = version_of(value)
            assert version >= highest[0], "the version went down"
            # Whatever is committed and has been announced to its caller is not older than what is cached.
            assert version >= ended_floor[0]
            # And nothing is cached that a commit has made old, whose writer crashed.
            assert version == committed[0]
            highest[0] = version

    # A crash is a play that is never played again after some of its steps.
    steps_left = {number: order.count(number) % 3 for number in crashing}
    for place in order:
        number = place % len(plays)
        if number in crashing:
            if steps_left[number] == 0:
                continue
            steps_left[number] -= 1
        plays[number].step()
        check()
    assert all(stage.client.pttl(key) > 0 for key in stage.client.keys("*"))
    interleave([play for number, play in enumerate(plays) if number not in crashing], [], check)
    assert all(play.error is None for play in plays)


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        cache = aio.Cache(client)

        async def writer(key: str, value: Any) -> int:
            return 7

        assert await aio.WriteThrough(cache, writer).write("k", "new")
        assert await cache.get("k") == "new"
