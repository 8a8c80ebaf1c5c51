"""Dramatiq: everything that its broker does on Redis is one Lua script."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.frameworks.conftest import DEADLINE

dramatiq = pytest.importorskip("dramatiq")

from dramatiq.brokers.redis import RedisBroker  # noqa: E402
from dramatiq.message import Message  # noqa: E402
from dramatiq.middleware import CurrentMessage, GroupCallbacks  # noqa: E402
from dramatiq.rate_limits import Barrier, BucketRateLimiter, ConcurrentRateLimiter  # noqa: E402
from dramatiq.rate_limits.backends import RedisBackend as LimitsBackend  # noqa: E402
from dramatiq.results import ResultFailure, Results  # noqa: E402
from dramatiq.results.backends import RedisBackend as ResultsBackend  # noqa: E402

pytestmark = pytest.mark.usefixtures("scripts")

TIMEOUT = int(DEADLINE * 1000)
"""Milliseconds, as Dramatiq counts."""


@pytest.fixture(scope="module")
def broker(url: str, scripts: None) -> Iterator[Any]:
    created = RedisBroker(url=url)
    created.add_middleware(Results(backend=ResultsBackend(url=url)))
    created.add_middleware(GroupCallbacks(LimitsBackend(url=url)))
    created.add_middleware(CurrentMessage())
    dramatiq.set_broker(created)  # messages ask it for their results
    yield created
    created.close()


class Actors:
    """The actors of the tour, on one broker."""

    def __init__(self, broker: Any, client: redis.Redis) -> None:
        def actor(**options: Any) -> Any:
            return dramatiq.actor(broker=broker, min_backoff=1, max_backoff=10, **options)

        @actor(store_results=True)
        def add(x: int, y: int) -> int:
            return x + y

        @actor(store_results=True)
        def now() -> float:
            return time.time()

        @actor(store_results=True, max_retries=0)
        def fail(text: str) -> None:
            raise ValueError(text)

        @actor(store_results=True, max_retries=5)
        def succeed_on_attempt(attempt: int) -> int:
            retries: int = CurrentMessage.get_current_message().options.get("retries", 0)
            if retries + 1 < attempt:
                raise ValueError("not yet")
            return retries + 1

        @actor()
        def note(text: str) -> None:
            client.rpush("noted", text)

        @actor(store_results=True, result_ttl=1000)
        def say_briefly(text: str) -> str:
            return text

        self.add, self.now, self.fail, self.note = add, now, fail, note
        self.succeed_on_attempt, self.say_briefly = succeed_on_attempt, say_briefly


@pytest.fixture(scope="module")
def actors(broker: Any, client: redis.Redis) -> Iterator[Actors]:
    """The actors, while a worker waits for their messages."""
    defined = Actors(broker, client)
    worker = dramatiq.Worker(broker, worker_timeout=100, worker_threads=2)
    worker.start()
    yield defined
    worker.stop()


def result_of(message: Any) -> Any:
    return message.get_result(block=True, timeout=TIMEOUT)


def test_an_actor_does_its_work_and_the_result_is_kept(actors: Actors) -> None:
    assert result_of(actors.add.send(2, 3)) == 5


def test_many_messages_are_each_worked_on_once(actors: Actors, broker: Any, client: redis.Redis) -> None:
    for number in range(100):
        actors.note.send(str(number))
    broker.join("default", timeout=TIMEOUT)
    assert sorted(map(int, client.lrange("noted", 0, -1))) == list(range(100))


def test_a_message_is_retried_until_its_actor_succeeds(actors: Actors) -> None:
    assert result_of(actors.succeed_on_attempt.send(3)) == 3


def test_a_delay_passes_before_the_work_begins(actors: Actors) -> None:
    sent = time.time()
    assert result_of(actors.now.send_with_options(delay=300)) >= sent + 0.299  # Dramatiq rounds to milliseconds


def test_what_failed_for_good_is_a_dead_letter(actors: Actors, broker: Any, client: redis.Redis) -> None:
    message = actors.fail.send("no such thing")
    with pytest.raises(ResultFailure, match="no such thing"):
        result_of(message)
    broker.join("default", timeout=TIMEOUT)
    letters = [Message.decode(text.encode()) for text in client.hvals("dramatiq:default.XQ.msgs")]
    assert [letter.message_id for letter in letters] == [message.message_id]


def test_each_message_of_a_pipeline_gets_the_result_of_the_one_before(actors: Actors) -> None:
    pipeline = actors.add.message(1, 2) | actors.add.message(10) | actors.add.message(100)
    assert pipeline.run().get_result(block=True, timeout=TIMEOUT) == 113


def test_a_group_gives_its_results_in_order(actors: Actors, broker: Any) -> None:
    group = dramatiq.group((actors.add.message(number, 1) for number in range(10)), broker=broker)
    assert list(group.run().get_results(block=True, timeout=TIMEOUT)) == list(range(1, 11))


def test_a_group_calls_back_when_it_is_complete(actors: Actors, broker: Any, client: redis.Redis) -> None:
    group = dramatiq.group([actors.add.message(1, 1), actors.add.message(2, 2)], broker=broker)
    client.delete("noted")
    group.add_completion_callback(actors.note.message("complete"))
    group.run()
    group.wait(timeout=TIMEOUT)
    assert client.blpop(["noted"], timeout=DEADLINE) == ("noted", "complete")


def test_a_result_expires(actors: Actors, broker: Any, wait_until_expired: Callable[..., None]) -> None:
    message = actors.say_briefly.send("hello")
    assert result_of(message) == "hello"
    wait_until_expired(broker.get_results_backend().build_message_key(message))


def test_a_queue_is_emptied(url: str, client: redis.Redis) -> None:
    broker = RedisBroker(url=url, namespace="unattended")
    broker.declare_queue("work")
    broker.enqueue(Message(queue_name="work", actor_name="nobody", args=(), kwargs={}, options={}))
    assert client.exists("unattended:work", "unattended:work.msgs") == 2
    broker.flush("work")
    assert not client.exists("unattended:work", "unattended:work.msgs")
    broker.close()


def test_what_a_lost_worker_had_taken_is_delivered_again(url: str, client: redis.Redis) -> None:
    lost = RedisBroker(url=url, namespace="fragile", heartbeat_timeout=1)
    other = RedisBroker(url=url, namespace="fragile", heartbeat_timeout=1, maintenance_chance=1_000_000)
    for broker in (lost, other):
        broker.declare_queue("work")
    sent = lost.enqueue(Message(queue_name="work", actor_name="nobody", args=(), kwargs={}, options={}))
    taken = next(lost.consume("work", timeout=100))
    assert taken.message_id == sent.message_id
    again = next(message for message in other.consume("work", timeout=100) if message is not None)
    assert again.message_id == sent.message_id
    lost.close()
    other.close()


@pytest.fixture
def limits(url: str) -> Iterator[Any]:
    backend = LimitsBackend(url=url)
    yield backend
    backend.client.close()


def test_no_more_work_at_a_time_than_is_permitted(limits: Any) -> None:
    mutex = ConcurrentRateLimiter(limits, "mutex", limit=1)
    with mutex.acquire(), mutex.acquire(raise_on_failure=False) as second:
        assert not second
    with mutex.acquire(raise_on_failure=False) as third:
        assert third


def test_no_more_work_in_a_period_than_is_permitted(limits: Any) -> None:
    bucket = BucketRateLimiter(limits, "bucket", limit=2, bucket=3_600_000)
    permitted = []
    for _ in range(3):
        with bucket.acquire(raise_on_failure=False) as acquired:
            permitted.append(acquired)
    assert permitted == [True, True, False]


def test_a_barrier_opens_when_all_have_come(limits: Any) -> None:
    barrier = Barrier(limits, "barrier")
    assert barrier.create(parties=2)
    assert not barrier.wait(block=False)
    assert barrier.wait(block=False)
    assert barrier.wait(timeout=TIMEOUT)
