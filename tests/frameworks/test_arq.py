"""arq: jobs and their workers on one event loop, the test's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis

from tests.frameworks.conftest import DEADLINE

arq = pytest.importorskip("arq")

from arq.connections import ArqRedis, RedisSettings  # noqa: E402
from arq.jobs import JobStatus  # noqa: E402

pytestmark = pytest.mark.usefixtures("empty")


async def add(context: dict[str, Any], x: int, y: int) -> int:
    return x + y


async def fail(context: dict[str, Any], text: str) -> None:
    raise ValueError(text)


async def succeed_on_attempt(context: dict[str, Any], attempt: int) -> int:
    tried: int = context["job_try"]
    if tried < attempt:
        raise arq.Retry(defer=0.01)
    return tried


async def now(context: dict[str, Any]) -> float:
    return time.time()


async def wait_forever(context: dict[str, Any]) -> None:
    context["begun"].set()
    await asyncio.Event().wait()


async def ring(context: dict[str, Any]) -> None:
    context["rung"].set()


@pytest.fixture
async def pool(url: str) -> AsyncIterator[ArqRedis]:
    created = await arq.create_pool(RedisSettings.from_dsn(url))
    yield created
    await created.aclose()


@pytest.fixture
async def make_worker(url: str) -> AsyncIterator[Callable[..., Any]]:
    """Makes workers, which are closed when the test ends."""
    made = []

    def make(**options: Any) -> Any:
        functions = [add, fail, succeed_on_attempt, now, wait_forever, arq.func(add, name="add_briefly", keep_result=1)]
        settings = RedisSettings.from_dsn(url)
        worker = arq.Worker(functions, redis_settings=settings, handle_signals=False, poll_delay=0.01, **options)
        made.append(worker)
        return worker

    yield make
    for worker in made:
        await worker.close()


@pytest.fixture
def work(make_worker: Callable[..., Any]) -> Callable[[], Any]:
    """Has a worker do what there is to do."""
    return lambda: make_worker(burst=True).main()


@asynccontextmanager
async def at_work(worker: Any) -> AsyncIterator[None]:
    """While the block lasts, the worker works; it ends behind the job that it is at."""
    working = asyncio.create_task(worker.async_run())
    try:
        yield
        await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_a_job_is_done_and_its_result_kept(pool: ArqRedis, work: Callable[[], Any]) -> None:
    job = await pool.enqueue_job("add", 2, 3)
    assert await job.status() == JobStatus.queued
    await work()
    assert await job.status() == JobStatus.complete
    assert await job.result(timeout=DEADLINE) == 5
    assert [result.result for result in await pool.all_job_results()] == [5]


async def test_many_jobs_are_each_done_once(pool: ArqRedis, work: Callable[[], Any]) -> None:
    jobs = [await pool.enqueue_job("add", number, 1) for number in range(50)]
    await work()
    assert [await job.result(timeout=DEADLINE) for job in jobs] == list(range(1, 51))


async def test_two_workers_share_the_jobs(pool: ArqRedis, make_worker: Callable[..., Any]) -> None:
    jobs = [await pool.enqueue_job("add", number, 1) for number in range(50)]
    workers = [make_worker(burst=True) for _ in range(2)]
    await asyncio.gather(*(worker.main() for worker in workers))
    assert [await job.result(timeout=DEADLINE) for job in jobs] == list(range(1, 51))
    assert sum(worker.jobs_complete for worker in workers) == 50


async def test_the_exception_of_a_job_is_raised_where_its_result_is_asked_for(
    pool: ArqRedis, work: Callable[[], Any]
) -> None:
    job = await pool.enqueue_job("fail", "no such thing")
    await work()
    with pytest.raises(ValueError, match="no such thing"):
        await job.result(timeout=DEADLINE)


async def test_a_job_is_retried_until_it_succeeds(pool: ArqRedis, work: Callable[[], Any]) -> None:
    job = await pool.enqueue_job("succeed_on_attempt", 3)
    await work()
    assert await job.result(timeout=DEADLINE) == 3


async def test_a_job_is_not_tried_forever(pool: ArqRedis, make_worker: Callable[..., Any]) -> None:
    job = await pool.enqueue_job("succeed_on_attempt", 9)
    await make_worker(burst=True, max_tries=2).main()
    with pytest.raises(arq.worker.JobExecutionFailed, match="max 2 retries exceeded"):
        await job.result(timeout=DEADLINE)


async def test_a_deferred_job_waits_for_its_time(pool: ArqRedis, work: Callable[[], Any]) -> None:
    asked = time.time()
    job = await pool.enqueue_job("now", _defer_by=0.3)
    assert await job.status() == JobStatus.deferred
    await work()
    assert await job.result(timeout=DEADLINE) >= asked + 0.299  # arq counts whole milliseconds


async def test_a_job_of_the_same_id_is_not_enqueued_twice(pool: ArqRedis, work: Callable[[], Any]) -> None:
    assert await pool.enqueue_job("add", 1, 1, _job_id="only") is not None
    assert await pool.enqueue_job("add", 2, 2, _job_id="only") is None
    assert [job.args for job in await pool.queued_jobs()] == [(1, 1)]
    await work()
    assert await pool.enqueue_job("add", 2, 2, _job_id="only") is None  # its result is still there


async def test_a_running_job_is_aborted(pool: ArqRedis, make_worker: Callable[..., Any]) -> None:
    begun = asyncio.Event()
    worker = make_worker(allow_abort_jobs=True, ctx={"begun": begun})
    async with at_work(worker):
        job = await pool.enqueue_job("wait_forever")
        await asyncio.wait_for(begun.wait(), DEADLINE)
        assert await job.status() == JobStatus.in_progress
        assert await job.abort(timeout=DEADLINE, poll_delay=0.01)


async def test_a_cron_job_is_done_when_its_second_has_come(make_worker: Callable[..., Any]) -> None:
    rung = asyncio.Event()
    every_second = arq.cron(ring, second=set(range(60)))
    async with at_work(make_worker(cron_jobs=[every_second], ctx={"rung": rung})):
        await asyncio.wait_for(rung.wait(), DEADLINE)


async def test_a_result_expires(
    pool: ArqRedis, work: Callable[[], Any], client: redis.Redis, wait_until_expired: Callable[..., None]
) -> None:
    ordinary, brief = await pool.enqueue_job("add", 1, 1), await pool.enqueue_job("add_briefly", 2, 2)
    await work()
    assert 3500 < client.ttl(f"arq:result:{ordinary.job_id}") <= 3600
    await asyncio.to_thread(wait_until_expired, f"arq:result:{brief.job_id}")
    assert await brief.status() == JobStatus.not_found


async def test_a_worker_tells_that_it_is_well(
    pool: ArqRedis, make_worker: Callable[..., Any], client: redis.Redis
) -> None:
    worker = make_worker(burst=True)
    await pool.enqueue_job("add", 1, 1)
    await worker.main()
    assert await arq.worker.async_check_health(worker.redis_settings, None, worker.queue_name) == 0
    assert 3500 < client.ttl("arq:queue:health-check") <= 3601
