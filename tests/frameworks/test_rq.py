"""RQ: queues, registries, and workers that work until the queues are empty."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from tests.frameworks.conftest import DEADLINE

rq = pytest.importorskip("rq")

from rq.command import send_shutdown_command  # noqa: E402
from rq.exceptions import DuplicateJobError  # noqa: E402
from rq.group import Group  # noqa: E402
from rq.job import Dependency, JobStatus  # noqa: E402
from rq.rate_limit import RateLimit  # noqa: E402

pytestmark = pytest.mark.usefixtures("empty")


def add(x: int, y: int) -> int:
    return x + y


def fail(text: str) -> None:
    raise ValueError(text)


def fail_until_the_last_retry() -> str:
    job = rq.get_current_job()
    if job.retries_left:
        raise ValueError("not yet")
    return "at last"


def note_progress() -> None:
    job = rq.get_current_job()
    job.meta["done"] = 50
    job.save_meta()


def append(name: str) -> None:
    rq.get_current_job().connection.rpush("order", name)


@pytest.fixture
def connection(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as connected:
        yield connected


@pytest.fixture
def queue(connection: redis.Redis) -> Any:
    return rq.Queue("tour", connection=connection)


@pytest.fixture
def work(connection: redis.Redis) -> Iterator[Callable[..., bool]]:
    """Has a worker, in this process, do what there is to do; says whether there was anything."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def work_in_burst(*names: str, **options: Any) -> bool:
        return rq.SimpleWorker(names or ("tour",), connection=connection).work(burst=True, **options)

    yield work_in_burst
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_job_is_done_and_its_result_kept(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(add, 2, 3)
    assert job.get_status() == JobStatus.QUEUED
    assert work()
    assert (job.get_status(), job.return_value()) == (JobStatus.FINISHED, 5)
    assert job.id in queue.finished_job_registry


def test_a_worker_with_nothing_to_do_ends(work: Callable[..., bool]) -> None:
    assert not work()


def test_jobs_are_done_in_order_those_of_earlier_queues_first(
    connection: redis.Redis, work: Callable[..., bool]
) -> None:
    low, high = rq.Queue("low", connection=connection), rq.Queue("high", connection=connection)
    for name in ("c", "d"):
        low.enqueue(append, name)
    high.enqueue(append, "b")
    high.enqueue(append, "a", at_front=True)
    work("high", "low")
    assert connection.lrange("order", 0, -1) == [b"a", b"b", b"c", b"d"]


def test_many_jobs_are_enqueued_at_once(queue: Any, work: Callable[..., bool]) -> None:
    jobs = queue.enqueue_many([rq.Queue.prepare_data(add, (number, 1)) for number in range(20)])
    work()
    assert [job.return_value() for job in jobs] == list(range(1, 21))


def test_a_failed_job_is_found_with_its_traceback_and_requeued(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(fail, "no such thing")
    work()
    assert queue.failed_job_registry.get_job_ids() == [job.id]
    assert "ValueError: no such thing" in job.latest_result().exc_string
    queue.failed_job_registry.requeue(job)
    assert queue.job_ids == [job.id]
    assert len(queue.failed_job_registry) == 0


def test_a_job_is_retried_at_once(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(fail_until_the_last_retry, retry=rq.Retry(max=2))
    work()
    assert job.return_value() == "at last"
    job.refresh()
    assert job.retries_left == 0


@pytest.mark.usefixtures("scripts")
def test_a_job_is_retried_after_an_interval(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(fail_until_the_last_retry, retry=rq.Retry(max=1, interval=600))
    before = datetime.now(UTC)
    work(with_scheduler=True)
    assert job.get_status() == JobStatus.SCHEDULED
    retried = queue.scheduled_job_registry.get_scheduled_time(job)
    assert timedelta(seconds=599) <= retried - before < timedelta(seconds=600 + DEADLINE)


@pytest.mark.usefixtures("scripts")
def test_scheduled_jobs_wait_for_their_time(queue: Any, work: Callable[..., bool]) -> None:
    due = queue.enqueue_at(datetime.now(UTC) - timedelta(seconds=1), add, 1, 1)
    later = queue.enqueue_in(timedelta(hours=1), add, 2, 2)
    work(with_scheduler=True)
    assert (due.get_status(), later.get_status()) == (JobStatus.FINISHED, JobStatus.SCHEDULED)
    assert queue.scheduled_job_registry.get_job_ids() == [later.id]


def test_a_job_waits_for_those_it_depends_on(queue: Any, connection: redis.Redis, work: Callable[..., bool]) -> None:
    first, second = queue.enqueue(append, "first"), queue.enqueue(append, "second")
    third = queue.enqueue(append, "third", depends_on=[first, second])
    assert third.get_status() == JobStatus.DEFERRED
    work()
    assert connection.lrange("order", 0, -1) == [b"first", b"second", b"third"]


def test_a_job_may_go_on_where_one_it_depends_on_failed(queue: Any, work: Callable[..., bool]) -> None:
    failed = queue.enqueue(fail, "never mind")
    patient = queue.enqueue(add, 1, 1, depends_on=failed)
    tolerant = queue.enqueue(add, 1, 1, depends_on=Dependency(jobs=[failed], allow_failure=True))
    work()
    assert (patient.get_status(), tolerant.get_status()) == (JobStatus.DEFERRED, JobStatus.FINISHED)


def test_a_canceled_job_is_not_done(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(add, 1, 1)
    job.cancel()
    assert not work()
    assert queue.canceled_job_registry.get_job_ids() == [job.id]


def test_a_job_tells_of_its_progress(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(note_progress)
    work()
    assert job.get_meta() == {"done": 50}


def test_a_job_is_repeated(queue: Any, connection: redis.Redis, work: Callable[..., bool]) -> None:
    queue.enqueue(append, "again", repeat=rq.Repeat(times=2))
    work()
    assert connection.lrange("order", 0, -1) == [b"again"] * 3


@pytest.mark.usefixtures("scripts")
def test_a_unique_job_is_refused_a_second_time(queue: Any, work: Callable[..., bool]) -> None:
    job = queue.enqueue(add, 1, 1, job_id="only", unique=True)
    with pytest.raises(DuplicateJobError):
        queue.enqueue(add, 1, 1, job_id="only", unique=True)
    work()
    assert job.return_value() == 2


@pytest.mark.usefixtures("scripts")
def test_jobs_over_their_rate_wait_and_are_done_all_the_same(queue: Any, work: Callable[..., bool]) -> None:
    jobs = [queue.enqueue(add, 1, number, rate_limit=RateLimit("slow", 1)) for number in range(3)]
    assert len(queue) == 1
    work()
    assert [job.return_value() for job in jobs] == [1, 2, 3]


def test_the_jobs_of_a_group_are_found_together(queue: Any, connection: redis.Redis, work: Callable[..., bool]) -> None:
    group = Group.create(connection=connection, name="pair")
    group.enqueue_many(queue, [rq.Queue.prepare_data(add, (number, 1)) for number in range(2)])
    work()
    jobs = Group.fetch("pair", connection=connection).get_jobs()
    assert sorted(job.return_value() for job in jobs) == [1, 2]


def test_a_result_expires_with_its_job(
    queue: Any, client: redis.Redis, work: Callable[..., bool], wait_until_expired: Callable[..., None]
) -> None:
    short, ordinary = queue.enqueue(add, 1, 1, result_ttl=1), queue.enqueue(add, 1, 1)
    work()
    assert 400 < client.ttl(f"rq:job:{ordinary.id}") <= 500
    wait_until_expired(f"rq:job:{short.id}", f"rq:results:{short.id}")
    assert not rq.job.Job.exists(short.id, connection=queue.connection)


@pytest.mark.usefixtures("scripts")
def test_an_emptied_queue_forgets_its_jobs(queue: Any, client: redis.Redis) -> None:
    job = queue.enqueue(add, 1, 1)
    queue.enqueue(add, 2, 2)
    assert queue.empty() == 2
    assert not client.exists(job.key, queue.key)


def test_a_worker_in_a_process_of_its_own_works_until_it_is_told_to_end(
    queue: Any, url: str, connection: redis.Redis
) -> None:
    command = [sys.executable, "-m", "rq.cli", "worker", "--url", url, "--name", "distant", "--quiet", "tour"]
    worker = subprocess.Popen(command)
    try:
        jobs = [queue.enqueue("tests.frameworks.test_rq.add", number, number) for number in range(3)]
        results = [job.latest_result(timeout=int(DEADLINE)) for job in jobs]  # waits for what comes into a stream
        assert [result.return_value for result in results] == [0, 2, 4]
        assert [each.name for each in rq.Worker.all(connection=connection)] == ["distant"]
        send_shutdown_command(connection, "distant")
        assert worker.wait(timeout=DEADLINE) == 0
    finally:
        worker.kill()
        worker.wait()
    assert rq.Worker.all(connection=connection) == []
