"""A stampede on a cold key: one load over all processes, whoever is cancelled, whatever fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from patterns import JSON, Cache, Loaded, LoadTimeoutError, SingleFlight, aio
from patterns.envelope import seal
from patterns.steps import run
from tests.patterns import waiting
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play

PROCESSES = 2


async def until(condition: Any) -> None:
    """Let the loop go on until something is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


def held_up(go_on: asyncio.Event, value: Any) -> Callable[[], Awaitable[Any]]:
    """A loader that has the value when it may go on."""

    async def slow() -> Any:
        await go_on.wait()
        return value

    return slow


async def test_two_processes_of_500_tasks_load_once_with_few_commands(stage: Stage) -> None:
    loads = []
    begun = asyncio.Event()
    go_on = asyncio.Event()

    async def loader() -> str:
        loads.append(1)
        begun.set()
        await go_on.wait()
        return "value"

    clients = [stage.new_async_client() for _ in range(PROCESSES)]
    caches = [aio.Cache(client) for client in clients]
    for cache in caches:  # what connecting costs, and the scripts' text, is no matter of this key
        await cache.get_or_load("another", lambda: 1)
        await cache.invalidate("another")
    before = stage.commands()
    tasks = [asyncio.create_task(cache.get_or_load("k", loader)) for cache in caches for _ in range(500)]
    await begun.wait()
    while stage.client.strlen("cache:{k}:lease") != 17:  # the mark of one who waits
        await asyncio.sleep(0)
        before += 1
    go_on.set()
    assert await asyncio.gather(*tasks) == ["value"] * 1000
    assert len(loads) == 1
    # Those of scripts are counted as well, and so are the look at the lease that succeeded, and INFO.
    assert stage.commands() - before - 2 <= 20
    for client in clients:
        await client.aclose()


def test_threads_of_two_processes_load_once(stage: Stage) -> None:
    loads = []
    go_on = threading.Event()

    def loader() -> str:
        loads.append(1)
        go_on.wait(10)
        return "value"

    clients = [stage.new_client() for _ in range(PROCESSES)]
    caches = [Cache(client) for client in clients]
    with ThreadPoolExecutor(60) as pool:
        calls = [pool.submit(cache.get_or_load, "k", loader) for cache in caches for _ in range(30)]
        for _ in range(10_000):
            if stage.client.strlen("cache:{k}:lease") == 17:
                break
        go_on.set()
        assert [call.result() for call in calls] == ["value"] * 60
    assert len(loads) == 1
    for client in clients:
        client.close()


async def test_cancelling_one_waiter_cancels_no_other(stage: Stage) -> None:
    loads = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def loader() -> str:
        loads.append(1)
        begun.set()
        await go_on.wait()
        return "value"

    async with stage.new_async_client() as client:
        cache = aio.Cache(client)
        tasks = [asyncio.create_task(cache.get_or_load("k", loader)) for _ in range(10)]
        await begun.wait()
        for task in tasks[:4]:  # among them the one that leads
            task.cancel()
        await asyncio.gather(*tasks[:4], return_exceptions=True)
        go_on.set()
        assert await asyncio.gather(*tasks[4:]) == ["value"] * 6
        assert [task.cancelled() for task in tasks[:4]] == [True] * 4
        assert len(loads) == 1
        assert await cache.get("k") == "value"


async def test_when_all_are_cancelled_the_load_still_lands(stage: Stage) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def loader() -> str:
        begun.set()
        await go_on.wait()
        return "value"

    async with stage.new_async_client() as client:
        cache = aio.Cache(client)
        task = asyncio.create_task(cache.get_or_load("k", loader))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        go_on.set()
        assert await cache.get_or_load("k", lambda: "another") == "value"


async def test_cancelled_while_it_looks_the_leader_leaves_the_lead_to_another(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        cache = aio.Cache(client)
        tasks = [asyncio.create_task(cache.get_or_load("k", lambda: "value")) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        assert await asyncio.gather(*tasks[1:]) == ["value"] * 2


async def test_an_error_is_everybodys_here_and_ends_the_lease(stage: Stage) -> None:
    go_on = asyncio.Event()

    async def fails() -> None:
        await go_on.wait()
        raise LookupError("no such thing")

    async with stage.new_async_client() as client, stage.new_async_client() as elsewhere:
        cache, other = aio.Cache(client), aio.Cache(elsewhere)
        tasks = [asyncio.create_task(cache.get_or_load("k", fails)) for _ in range(5)]
        await until(lambda: stage.client.exists("cache:{k}:lease"))
        waiting = asyncio.create_task(other.get_or_load("k", lambda: "theirs"))
        await until(lambda: stage.client.strlen("cache:{k}:lease") == 17)
        go_on.set()
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in errors] == [LookupError] * 5
        assert await waiting == "theirs"  # woken, though the clock stands still


async def test_who_waits_elsewhere_is_woken_by_an_invalidation(stage: Stage) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def old() -> str:
        begun.set()
        await go_on.wait()
        return "old"

    async with stage.new_async_client() as client, stage.new_async_client() as elsewhere:
        cache, other = aio.Cache(client), aio.Cache(elsewhere)
        first = asyncio.create_task(cache.get_or_load("k", old))
        await begun.wait()
        waiting = asyncio.create_task(other.get_or_load("k", lambda: "new"))
        await until(lambda: stage.client.strlen("cache:{k}:lease") == 17)
        await other.invalidate("k")
        assert await waiting == "new"
        go_on.set()
        assert await first == "old"
        assert await cache.get("k") == "new"


async def test_who_joined_after_an_invalidation_does_not_get_what_was_loaded_before(stage: Stage) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def old() -> str:
        begun.set()
        await go_on.wait()
        return "old"

    async with stage.new_async_client() as client:
        cache = aio.Cache(client)
        first = asyncio.create_task(cache.get_or_load("k", old))
        await begun.wait()
        Cache(stage.client).invalidate("k")  # by another process: nothing here knows of it
        second = asyncio.create_task(cache.get_or_load("k", lambda: "new"))
        await asyncio.sleep(0)
        go_on.set()
        assert await first == "old"
        assert await second == "new"


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("fails", [True, False])
async def test_nor_what_was_stored_before_if_the_load_fails_nor_a_value_that_is_not_kept(
    stage: Stage, fails: bool, many: bool
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def load() -> Loaded:
        begun.set()
        await go_on.wait()
        if fails:
            raise LookupError
        return Loaded("old", ttl=0)

    async def load_many(names: Any) -> dict[str, Loaded]:
        return dict.fromkeys(names, await load())

    async with stage.new_async_client() as client:
        cache = aio.Cache(client, ttl=0.1, jitter=0, stale=60)
        await cache.set("k", "old")
        stage.advance(0.11)
        first = asyncio.create_task(
            cache.get_or_load_many(["k"], load_many) if many else cache.get_or_load("k", load)  # type: ignore[arg-type]
        )
        await begun.wait()
        Cache(stage.client).invalidate("k")  # by another process: nothing here knows of it
        second = asyncio.create_task(cache.get_or_load("k", lambda: "new"))
        await asyncio.sleep(0)
        go_on.set()
        assert await first == ({"k": "old"} if many else "old")
        assert await second == "new"


async def test_who_does_not_wait_for_a_load_has_no_value_that_was_made_invalid_before_it_came(stage: Stage) -> None:
    go_on = asyncio.Event()
    slow = held_up(go_on, "value")
    async with stage.new_async_client() as client:
        cache = aio.Cache(client, ttl=0.1, jitter=0, stale=60, load_timeout=0.05)
        await cache.set("k", "old")
        stage.advance(0.11)
        assert await cache.get_or_load("k", slow) == "old"
        assert await cache.get_or_load("k", slow) == "old"  # by another look at the server
        Cache(stage.client).invalidate("k")
        with pytest.raises(LoadTimeoutError):
            await cache.get_or_load("k", slow)
        go_on.set()


def test_who_does_not_wait_for_a_load_has_the_old_value_when_redis_is_gone(stage: Stage) -> None:
    class Fragile:
        down = False

        def execute_command(self, *args: Any, **options: Any) -> Any:
            if self.down:
                raise redis.ConnectionError
            return stage.client.execute_command(*args, **options)

        def pipeline(self, **options: Any) -> Any:
            return stage.client.pipeline(**options)

    client, go_on = Fragile(), threading.Event()
    cache = Cache(client, ttl=0.1, jitter=0, stale=60, load_timeout=0.05)
    cache.set("k", "old")
    stage.advance(0.11)
    assert cache.get_or_load("k", lambda: go_on.wait(60)) == "old"
    client.down = True
    assert cache.get_or_load("k", lambda: "new") == "old"
    client.down = False
    go_on.set()


def test_who_is_woken_often_waits_no_less(stage: Stage) -> None:
    """For as long as the lease, however many others had it, and lost it, meanwhile."""
    cache, other = Cache(stage.client, lease=60), Cache(stage.client, lease=1000)
    taken = run(stage.client, other.store.take("k", 0))
    assert taken.token is not None
    waiter = Play(stage.client, cache.load_steps("k", lambda: "loaded"))
    for _ in range(500):
        waiter.step()
    assert not waiter.ended
    run(stage.client, other.store.fill("k", taken.token, seal(JSON, "theirs", 0.0), 60))
    while not waiter.ended:
        waiter.step()
    assert (waiter.result, cache.stats().loads) == ("theirs", 0)


@pytest.mark.parametrize("options", [{}, {"load_timeout": 60}], ids=["", "load_timeout"])
@pytest.mark.parametrize("many", [False, True])
async def test_a_load_that_is_cancelled_itself_is_its_callers_alone(
    stage: Stage, many: bool, options: dict[str, Any]
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def cancelled(*_: Any) -> Any:
        begun.set()
        await go_on.wait()
        raise asyncio.CancelledError

    async with stage.new_async_client() as client:
        cache = aio.Cache(client, **options)
        first = asyncio.create_task(
            cache.get_or_load_many(["k"], cancelled) if many else cache.get_or_load("k", cancelled)  # type: ignore[arg-type]
        )
        await begun.wait()
        second = asyncio.create_task(cache.get_or_load("k", lambda: "value"))
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second == "value"


async def test_a_load_that_takes_too_long_goes_on_without_its_reader(stage: Stage) -> None:
    go_on = asyncio.Event()
    slow = held_up(go_on, "value")
    async with stage.new_async_client() as client:
        cache = aio.Cache(client, load_timeout=0.05)
        with pytest.raises(LoadTimeoutError):
            await cache.get_or_load("k", slow)
        with pytest.raises(LoadTimeoutError):  # who joins is no more patient
            await cache.get_or_load("k", slow)
        joined = asyncio.create_task(aio.Cache(client).get_or_load("k", lambda: "another"))
        go_on.set()
        assert await joined == "value"
        with pytest.raises(ZeroDivisionError):
            await aio.Cache(client, load_timeout=60).get_or_load("other", lambda: 1 / 0)


async def test_who_does_not_wait_for_a_load_has_the_old_value(stage: Stage) -> None:
    go_on = asyncio.Event()
    slow = held_up(go_on, Loaded("new", ttl=60))
    async with stage.new_async_client() as client:
        cache = aio.Cache(client, ttl=0.1, jitter=0, stale=60, load_timeout=0.05)
        await cache.set("k", "old")
        stage.advance(0.11)
        assert await asyncio.gather(*(cache.get_or_load("k", slow) for _ in range(3))) == ["old"] * 3
        assert cache.stats().stale_serves == 3
        go_on.set()
        async with asyncio.timeout(10):
            while await cache.get("k") != "new":
                await asyncio.sleep(0)


def test_the_same_in_threads(stage: Stage) -> None:
    go_on, ended = threading.Event(), threading.Event()
    cache = Cache(stage.client, load_timeout=0.05, hooks=[lambda event: event.kind == "miss" and ended.set()])

    def slow() -> str:
        go_on.wait(10)
        return "value"

    with pytest.raises(LoadTimeoutError):
        cache.get_or_load("k", slow)
    go_on.set()
    assert ended.wait(10)
    assert cache.get("k") == "value"


async def test_many_at_once_load_each_key_once(stage: Stage) -> None:
    loaded: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def loader(names: Any) -> dict[str, str]:
        loaded.extend(names)
        begun.set()
        await go_on.wait()
        return {name: name.upper() for name in names}

    clients = [stage.new_async_client() for _ in range(3)]
    caches = [aio.Cache(client) for client in clients]
    wanted = [["a", "b", "c"], ["c", "d"], ["d", "a"]]
    tasks = [asyncio.create_task(cache.get_or_load_many(names, loader)) for cache in caches for names in wanted * 3]
    await begun.wait()
    go_on.set()
    for task, names in zip(tasks, wanted * 9, strict=True):
        assert await task == {name: name.upper() for name in names}
    assert sorted(loaded) == ["a", "b", "c", "d"]
    for client in clients:
        await client.aclose()


async def test_single_flight_alone() -> None:
    flights = aio.SingleFlight()
    calls = []
    go_on = asyncio.Event()

    async def function() -> int:
        calls.append(1)
        await go_on.wait()
        return len(calls)

    tasks = [asyncio.create_task(flights.call("k", function)) for _ in range(5)]
    await until(lambda: calls)
    tasks[0].cancel()
    late = asyncio.create_task(flights.call("k", function))
    await asyncio.sleep(0)
    flights.forget("k")
    anew = asyncio.create_task(flights.call("k", function))
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*tasks[1:], late, anew) == [2] * 6
    assert len(calls) == 2


def test_who_exits_takes_nobody_along() -> None:
    flights = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()

    def exits() -> None:
        begun.set()
        assert go_on.wait(60)
        raise SystemExit

    with ThreadPoolExecutor() as pool:
        first = pool.submit(flights.call, "k", exits)
        assert begun.wait(60)
        second = pool.submit(flights.call, "k", lambda: "value")
        waiting.until(lambda: flights._flights.join("k")[0]._event is not None)
        go_on.set()
        assert second.result() == "value"
        with pytest.raises(SystemExit):
            first.result()


def test_single_flight_in_threads() -> None:
    flights = SingleFlight()
    calls = []
    go_on = threading.Event()

    def function() -> str:
        calls.append(1)
        go_on.wait(10)
        return "value"

    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(flights.call, "k", function) for _ in range(10)]
        # Nine have joined when none is left to begin; a flight that had landed would make a second call.
        for _ in range(1000):
            if all(future.running() for future in futures):
                break
        threading.Timer(0.1, go_on.set).start()
        assert [future.result() for future in futures] == ["value"] * 10
    assert len(calls) == 1
    with pytest.raises(ZeroDivisionError):
        flights.call("k", lambda: 1 / 0)
