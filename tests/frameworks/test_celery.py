"""Celery, with Redis as its broker and as its result backend."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.frameworks.conftest import DEADLINE

celery = pytest.importorskip("celery")

import kombu  # noqa: E402
from celery import chain, chord, group  # noqa: E402
from celery.contrib.testing.worker import start_worker  # noqa: E402
from celery.exceptions import TaskRevokedError  # noqa: E402

pytestmark = pytest.mark.usefixtures("scripts")  # a worker locks by one, and keeps its bindings by another


@pytest.fixture(scope="module")
def app(url: str) -> Iterator[Any]:
    """An application with a few tasks; each that is sent has its name and signature from here."""
    application = celery.Celery("tour", broker=f"{url}/1", backend=f"{url}/2", set_as_current=False)
    application.conf.update(result_expires=3600, result_extended=True, worker_hijack_root_logger=False)
    task = partial(application.task, shared=False)  # with this application alone: there is one for each server

    @task
    def add(x: int, y: int) -> int:
        return x + y

    @task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @task
    def fail(text: str) -> None:
        raise ValueError(text)

    @task(bind=True, max_retries=3)
    def succeed_on_attempt(self: Any, attempt: int) -> int:
        if self.request.retries + 1 < attempt:
            raise self.retry(countdown=0)
        return self.request.retries + 1

    @task(bind=True)
    def report_progress(self: Any) -> str:
        self.update_state(state="PROGRESS", meta={"done": 50})
        return self.AsyncResult(self.request.id).state

    @task
    def now() -> float:
        return datetime.now(UTC).timestamp()

    @task(ignore_result=True)
    def forget() -> None:
        pass

    yield application
    application.close()


@pytest.fixture(scope="module")
def worker(app: Any) -> Iterator[Any]:
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=DEADLINE) as running:
        yield running


@pytest.fixture(scope="module")
def tasks(app: Any, worker: Any) -> Callable[[str], Any]:
    """The tasks by their names, while a worker waits for them."""
    return lambda name: app.tasks[f"{__name__}.{name}"]


def test_a_task_is_done_and_its_result_fetched(tasks: Callable[[str], Any]) -> None:
    result = tasks("add").delay(2, 3)
    assert result.get(timeout=DEADLINE) == 5
    assert result.state == "SUCCESS"


def test_results_of_many_tasks_arrive_each_at_its_own(tasks: Callable[[str], Any]) -> None:
    results = [tasks("add").delay(number, number) for number in range(50)]
    assert [result.get(timeout=DEADLINE) for result in results] == [2 * number for number in range(50)]


def test_the_exception_of_a_task_is_raised_where_its_result_is_asked_for(tasks: Callable[[str], Any]) -> None:
    result = tasks("fail").delay("no such thing")
    with pytest.raises(ValueError, match="no such thing"):
        result.get(timeout=DEADLINE)
    assert result.state == "FAILURE"


def test_a_task_is_retried_until_it_succeeds(tasks: Callable[[str], Any]) -> None:
    assert tasks("succeed_on_attempt").delay(3).get(timeout=DEADLINE) == 3


def test_a_task_tells_of_its_progress(tasks: Callable[[str], Any]) -> None:
    assert tasks("report_progress").delay().get(timeout=DEADLINE) == "PROGRESS"


def test_a_countdown_passes_before_the_task_is_done(tasks: Callable[[str], Any]) -> None:
    sent = datetime.now(UTC).timestamp()
    assert tasks("now").apply_async(countdown=0.3).get(timeout=DEADLINE) >= sent + 0.3


def test_a_task_is_not_done_before_its_eta(tasks: Callable[[str], Any]) -> None:
    eta = datetime.now(UTC) + timedelta(seconds=0.3)
    assert tasks("now").apply_async(eta=eta).get(timeout=DEADLINE) >= eta.timestamp()


def test_a_task_that_expired_is_revoked(tasks: Callable[[str], Any]) -> None:
    result = tasks("add").apply_async((1, 1), expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=DEADLINE)


def test_a_revoked_task_is_not_done(app: Any, tasks: Callable[[str], Any]) -> None:
    task_id = str(uuid.uuid4())
    assert app.control.revoke(task_id, reply=True, limit=1, timeout=DEADLINE)  # the worker knows
    result = tasks("add").apply_async((1, 1), task_id=task_id)
    with pytest.raises(TaskRevokedError):
        result.get(timeout=DEADLINE)


def test_a_worker_answers_when_it_is_called(app: Any, worker: Any) -> None:
    (answer,) = app.control.ping(limit=1, timeout=DEADLINE)
    assert answer == {worker.hostname: {"ok": "pong"}}


def test_a_worker_tells_what_it_waits_for(app: Any, worker: Any, tasks: Callable[[str], Any]) -> None:
    later = tasks("add").apply_async((1, 1), countdown=600)
    tasks("add").delay(1, 1).get(timeout=DEADLINE)  # behind it in the queue: the worker has both
    scheduled = app.control.inspect(limit=1, timeout=DEADLINE).scheduled()
    assert [entry["request"]["id"] for entry in scheduled[worker.hostname]] == [later.id]
    app.control.revoke(later.id, reply=True, limit=1, timeout=DEADLINE)


def test_each_task_of_a_chain_gets_the_result_of_the_one_before(tasks: Callable[[str], Any]) -> None:
    add = tasks("add")
    assert chain(add.s(1, 2), add.s(10), add.s(100)).apply_async().get(timeout=DEADLINE) == 113


def test_a_chain_ends_where_a_task_fails(tasks: Callable[[str], Any]) -> None:
    result = chain(tasks("fail").si("halfway"), tasks("add").s(1)).apply_async()
    with pytest.raises(ValueError, match="halfway"):
        result.get(timeout=DEADLINE)


def test_a_group_gives_its_results_in_order(tasks: Callable[[str], Any]) -> None:
    result = group(tasks("add").s(number, 1) for number in range(10)).apply_async()
    assert result.get(timeout=DEADLINE) == list(range(1, 11))


def test_a_group_that_was_saved_is_restored(app: Any, tasks: Callable[[str], Any]) -> None:
    result = group(tasks("add").s(number, 1) for number in range(3)).apply_async()
    result.save()
    restored = celery.result.GroupResult.restore(result.id, app=app)
    assert restored.get(timeout=DEADLINE) == [1, 2, 3]


def test_a_chord_goes_on_when_all_its_tasks_are_done(tasks: Callable[[str], Any]) -> None:
    result = chord(tasks("add").s(number, number) for number in range(10))(tasks("total").s())
    assert result.get(timeout=DEADLINE) == 90


def test_a_chord_fails_with_one_of_its_tasks(tasks: Callable[[str], Any]) -> None:
    result = chord([tasks("add").s(1, 1), tasks("fail").s("one of two")])(tasks("total").s())
    error = result.get(timeout=DEADLINE, propagate=False)
    assert isinstance(error, celery.exceptions.ChordError)
    assert "one of two" in str(error)


def test_a_chain_goes_on_behind_a_group(tasks: Callable[[str], Any]) -> None:
    add, total = tasks("add"), tasks("total")
    result = chain(add.s(1, 1), group(add.s(1), add.s(2)), total.s(), add.s(100)).apply_async()
    assert result.get(timeout=DEADLINE) == 107


def test_a_result_lasts_as_long_as_the_application_says(url: str, tasks: Callable[[str], Any]) -> None:
    result = tasks("add").delay(1, 1)
    result.get(timeout=DEADLINE)
    with redis.Redis.from_url(f"{url}/2") as backend:
        assert 3500 < backend.ttl(f"celery-task-meta-{result.id}") <= 3600


def test_a_result_expires(app: Any, client: redis.Redis, wait_until_expired: Callable[..., None]) -> None:
    task_id = str(uuid.uuid4())
    app.backend.expires = 1
    try:
        app.backend.store_result(task_id, 5, "SUCCESS")
    finally:
        app.backend.expires = 3600
    assert app.AsyncResult(task_id).get(timeout=DEADLINE) == 5
    wait_until_expired(f"celery-task-meta-{task_id}")
    assert celery.result.AsyncResult(task_id, app=app).state == "PENDING"


def test_a_result_can_be_forgotten(url: str, tasks: Callable[[str], Any]) -> None:
    result = tasks("add").delay(1, 1)
    result.get(timeout=DEADLINE)
    result.forget()
    with redis.Redis.from_url(f"{url}/2") as backend:
        assert not backend.exists(f"celery-task-meta-{result.id}")


def test_what_nobody_works_on_is_purged(app: Any, tasks: Callable[[str], Any]) -> None:
    for _ in range(3):
        tasks("forget").apply_async(queue="unattended")
    with app.connection_for_write() as connection:
        assert connection.default_channel.queue_purge("unattended") == 3


def test_tasks_of_a_higher_priority_are_done_first(app: Any, tasks: Callable[[str], Any]) -> None:
    with app.connection_for_write() as connection:
        connection.transport_options = {"priority_steps": [0, 5]}
        queue = connection.SimpleQueue("prioritized")
        queue.put("late", priority=5)
        queue.put("urgent", priority=0)
        messages = [queue.get(timeout=DEADLINE) for _ in range(2)]
        for message in messages:
            message.ack()
        queue.close()
    assert [message.payload for message in messages] == ["urgent", "late"]


def test_what_a_lost_consumer_did_not_acknowledge_is_delivered_again(url: str) -> None:
    broker, options = f"{url}/3", {"visibility_timeout": 0}
    with kombu.Connection(broker, transport_options=options) as lost, kombu.Connection(broker) as other:
        lost.SimpleQueue("fragile").put("work")
        lost.SimpleQueue("fragile").get(timeout=DEADLINE)
        lost.default_channel.qos.restore_visible()
        message = other.SimpleQueue("fragile").get(timeout=DEADLINE)
        message.ack()
    assert (message.payload, message.delivery_info["redelivered"]) == ("work", True)


APPLICATION = """
import os
from celery import Celery

app = Celery("tour", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])

@app.task(name="process_id")
def process_id(_):
    return os.getpid()
"""


def test_a_worker_of_several_processes_does_its_work_and_ends_when_it_is_asked_to(
    app: Any, url: str, tmp_path: Path
) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "celery", "-A", "application", "worker", "--concurrency", "2", "-Q", "processes"]
    environment = os.environ | {"BROKER": f"{url}/1", "BACKEND": f"{url}/2"}
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        results = [app.send_task("process_id", (number,), queue="processes") for number in range(20)]
        workers = {result.get(timeout=DEADLINE) for result in results}
        worker.terminate()
        assert worker.wait(timeout=DEADLINE) == 0, (tmp_path / "log").read_text()
    finally:
        worker.kill()
        worker.wait()
    assert worker.pid not in workers
    with redis.Redis.from_url(f"{url}/1") as broker:
        assert not broker.exists("processes")
