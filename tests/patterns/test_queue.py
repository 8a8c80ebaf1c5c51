"""Queues: no job is lost, whoever dies at whatever point; none is in two hands; and they come in order."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from patterns import Counts, Queue, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from patterns.queue import backoff
from tests.patterns.conftest import Stage
from tests.patterns.given_time import GivenTime
from tests.patterns.waiting import blocked, until, until_async

NOON = 1_800_014_400_000
VISIBILITY = 1000
ATTEMPTS = 3

WORKERS = st.integers(0, 2)
LOST = st.booleans()
ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from([0, 0, 1, 700, 2000]), st.sampled_from([0, 0, 5, -1000, 1000]), LOST),
    st.tuples(st.just("put again"), st.integers(0, 9), st.just(0), LOST),
    st.tuples(st.just("take"), WORKERS, st.just(0), LOST),
    st.tuples(st.just("take"), WORKERS, st.just(0), LOST),
    st.tuples(st.sampled_from(["ack", "extend", "die"]), WORKERS, st.just(0), LOST),
    st.tuples(st.just("nack"), WORKERS, st.sampled_from([0, 1, 500, 3000]), LOST),
    st.tuples(st.just("pass"), st.sampled_from([1, 300, 700, 999, 1000, 1001, 2500]), st.just(0), st.just(False)),
    st.tuples(st.just("retry"), st.integers(0, 9), st.just(0), LOST),
)


@dataclass
class Record:
    """A job as the model has it."""

    number: int
    priority: int
    state: str = "ready"
    due: int = 0
    """When a scheduled one is ready, or one that is taken is lost to its worker."""
    attempts: int = 0
    takes: int = 0

    def place(self) -> tuple[int, int]:
        return (-self.priority, self.number)


@dataclass
class Hand:
    """What a worker holds."""

    job: Any
    id: str
    take: int = field(default=0)
    failed_until: float = 0
    """Until when it is known that it was failed."""
    acknowledged: bool = False


class Factory:
    """Three workers at one queue, and the model of it. Time is in milliseconds."""

    def __init__(self, stage: Stage) -> None:
        stage.empty()
        self.stage = stage
        self.now = NOON
        self.given = None if stage.mini is not None else GivenTime(stage.client, 0)
        self.client = LosesReplies(self.given or stage.client)
        self.queue = Queue(self.client, "q", visibility=VISIBILITY / 1000, max_attempts=ATTEMPTS)
        self.hands: list[Hand | None] = [None] * 3
        self.jobs: dict[str, Record] = {}
        self.done: set[str] = set()
        self.last = 0
        self.let_pass(0)

    def let_pass(self, milliseconds: int) -> None:
        self.now += milliseconds
        if self.given is not None:
            self.given.now = self.now * 1000
        else:
            assert self.stage.mini is not None
            self.stage.mini.clock.set(self.now / 1000)

    def put(self, delay: int, priority: int, lost: bool) -> None:
        self.last += 1
        id = str(self.last)
        assert self.queue.put({"n": self.last}, delay=delay / 1000, priority=priority, id=id)
        self.jobs[id] = Record(self.last, priority, "scheduled" if delay else "ready", self.now + delay)

    def put_again(self, which: int, _: int, lost: bool) -> None:
        if self.jobs:
            id = sorted(self.jobs)[which % len(self.jobs)]
            assert not self.queue.put({"other": "value"}, id=id)

    def take(self, worker: int, _: int, lost: bool) -> None:
        job = self.queue.take()
        expected = self._take()
        if job is None:
            assert expected is None
            return
        assert expected is not None
        id, record = expected
        assert (job.id, job.value, job.attempt) == (id, {"n": record.number}, record.attempts)
        self.hands[worker] = Hand(job, id, record.takes)

    def _take(self) -> tuple[str, Record] | None:
        for record in self.jobs.values():
            if record.state == "scheduled" and record.due <= self.now:
                record.state = "ready"
            elif record.state == "taken" and record.due <= self.now:
                record.state = "dead" if record.attempts >= ATTEMPTS else "ready"
        ready = [each for each in self.jobs.items() if each[1].state == "ready"]
        if not ready:
            return None
        id, record = min(ready, key=lambda each: each[1].place())
        record.state, record.due = "taken", self.now + VISIBILITY
        record.attempts += 1
        record.takes += 1
        return id, record

    def own(self, hand: Hand) -> Record | None:
        """The job in that hand, if nobody took it since."""
        record = self.jobs.get(hand.id)
        return record if record is not None and record.takes == hand.take else None

    def ack(self, worker: int, _: int, lost: bool) -> None:
        hand = self.hands[worker]
        if hand is None:
            return
        record = self.own(hand)
        assert hand.job.ack() is (record is not None or hand.id not in self.jobs)
        if record is not None:
            del self.jobs[hand.id]
            hand.acknowledged = True
            self.done.add(hand.id)

    def nack(self, worker: int, delay: int, lost: bool) -> None:
        hand = self.hands[worker]
        if hand is None:
            return
        record = self.own(hand)
        valid = record is not None and record.state == "taken"
        said_before = self.now < hand.failed_until and not hand.acknowledged
        assert hand.job.nack(delay=delay / 1000, error="no") is (valid or said_before)
        if record is not None and valid:
            hand.failed_until = self.now + 60_000 if self.given is None else math.inf
            record.state = "dead" if record.attempts >= ATTEMPTS else "scheduled" if delay else "ready"
            record.due = self.now + delay

    def extend(self, worker: int, _: int, lost: bool) -> None:
        hand = self.hands[worker]
        if hand is None:
            return
        record = self.own(hand)
        valid = record is not None and record.state == "taken"
        assert hand.job.extend() is valid
        if record is not None and valid:
            record.due = self.now + VISIBILITY

    def die(self, worker: int, _: int, lost: bool) -> None:
        self.hands[worker] = None

    def retry(self, which: int, _: int, lost: bool) -> None:
        dead = sorted(id for id, record in self.jobs.items() if record.state == "dead")
        if not dead:
            assert not self.queue.retry("no such job")
            return
        record = self.jobs[dead[which % len(dead)]]
        assert self.queue.retry(dead[which % len(dead)]) is not lost
        record.state, record.attempts = "ready", 0
        record.takes += 1  # no receipt from before counts

    def do(self, action: str, subject: int, option: int, lost: bool) -> None:
        if action == "pass":
            self.let_pass(subject)
        else:
            self.client.losing = int(lost)
            getattr(self, action.replace(" ", "_"))(subject, option, lost)
            self.client.losing = 0
        self.compare()

    def compare(self) -> None:
        """Every job is where the model has it, and nowhere else."""
        client = self.stage.client
        for state in ("ready", "scheduled", "taken", "dead"):
            found = {id.decode() for id in client.zrange(f"queue:{{q}}:{state}", 0, -1)}
            assert found == {id for id, record in self.jobs.items() if record.state == state}, state
        assert {each[1:].decode() for each in client.hkeys("queue:{q}") if each[:1] == b"p"} == set(self.jobs)
        if not self.jobs:
            assert all(client.pttl(each) > 0 for each in client.scan_iter())

    def finish(self) -> None:
        """All workers die; one more does all that is left. Every job is then done, or dead and known to be."""
        for _ in range(ATTEMPTS + 1):
            self.let_pass(3000)
            self.hands = [None] * 3
            self.do("take", 0, 0, False)
            while self.hands[0] is not None:
                self.do("ack", 0, 0, False)
                self.hands[0] = None
                self.do("take", 0, 0, False)
        assert {record.state for record in self.jobs.values()} <= {"dead"}
        assert self.done | set(self.jobs) == {str(number) for number in range(1, self.last + 1)}
        assert {dead.id for dead in self.queue.dead()} == set(self.jobs)


LATE = [("put", 0, 0, False), ("take", 0, 0, False), ("pass", 1000, 0, False), ("take", 1, 0, False)]
"""A worker is late, and another has its job."""


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("put", 0, 0, False), ("take", 0, 0, False), ("nack", 0, 500, False), ("ack", 0, 0, False)])
@example([*LATE, ("ack", 0, 0, False)])
@example([*LATE, ("nack", 0, 0, False)])
@example([*LATE, ("extend", 0, 0, False)])
@given(schedule=st.lists(ACTIONS, min_size=15, max_size=40))
def test_no_job_is_lost_whoever_dies_wherever(stage: Stage, schedule: list[Any]) -> None:
    factory = Factory(stage)
    for action in schedule:
        factory.do(*action)
    factory.finish()


def test_first_in_first_out_and_priorities_before(stage: Stage) -> None:
    queue = Queue(stage.client, "q")
    for number, priority in enumerate([0, 0, 7, -1000, 1000, 7]):
        assert queue.put(number, priority=priority)
    taken = [queue.take() for _ in range(6)]
    assert [job.value for job in taken if job is not None] == [4, 2, 5, 0, 1, 3]
    assert queue.take() is None


def test_a_block_acknowledges_or_fails(stage: Stage) -> None:
    queue = Queue(stage.client, "q", max_attempts=2, backoff=lambda attempt: 0)
    queue.put("work", id="w")

    def fail(attempt: int) -> None:
        job = queue.take()
        assert job is not None
        assert job.attempt == attempt
        with job as value:
            assert value == "work"
            raise KeyError("not there")

    for attempt in (1, 2):
        with pytest.raises(KeyError, match="not there"):
            fail(attempt)
    assert queue.take() is None
    (dead,) = queue.dead()
    assert (dead.id, dead.value, dead.attempts, dead.error) == ("w", "work", 2, "KeyError: 'not there'")
    assert queue.counts() == Counts(0, 0, 0, 1)
    assert queue.retry("w")
    job = queue.take()
    assert job is not None
    with job as value:
        assert value == "work"
    assert queue.counts() == Counts(0, 0, 0, 0)


def test_a_job_that_nobody_can_read_ends_among_the_dead(fake: Stage) -> None:
    class Text:
        def dumps(self, value: str) -> bytes:
            return value.encode()

        def loads(self, data: bytes) -> str:
            return data.decode()

    Queue(fake.client, "q", codec=Text()).put("{no JSON")
    queue = Queue(fake.client, "q", max_attempts=2)
    for _ in range(2):
        with pytest.raises(ValueError, match="Expecting"):
            queue.take()
        fake.advance(30)
    assert queue.take() is None
    (dead,) = queue.dead()
    assert (dead.value, dead.attempts, dead.error) == (b"{no JSON", 2, "not heard of within the visibility timeout")


def test_delays_and_timeouts_pass_with_the_servers_clock(fake: Stage) -> None:
    queue = Queue(fake.client, "q", visibility=3600)
    queue.put("tomorrow", delay=86400)
    assert queue.take() is None
    fake.advance(86400)
    first = queue.take()
    assert first is not None
    assert queue.take() is None
    fake.advance(3600)
    second = queue.take()
    assert second is not None
    assert (second.value, second.attempt) == ("tomorrow", 2)
    assert not first.ack()
    assert not first.extend()
    assert not first.nack()
    assert second.ack()


def test_a_worker_who_waits_is_woken_by_a_job(stage: Stage) -> None:
    queue = Queue(stage.client, "q")
    got: list[Any] = []

    def work() -> None:
        job = queue.take(wait=60)
        assert job is not None
        got.append(job.value)
        job.ack()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    until(lambda: blocked(stage.client) == 3)
    for number in range(3):
        queue.put(number)
    for worker in workers:
        worker.join(20)
        assert not worker.is_alive()
    assert sorted(got) == [0, 1, 2]
    assert queue.counts() == Counts(0, 0, 0, 0)


def test_a_worker_who_waits_is_there_when_a_job_becomes_ready(stage: Stage) -> None:
    if stage.mini is not None:
        stage.mini.clock.resume()
    queue = Queue(stage.client, "q")
    queue.put("later", delay=30)
    got: list[float] = []

    def work() -> None:
        job = queue.take(wait=60)
        assert job is not None
        assert job.value == "soon"
        got.append(time.monotonic())

    worker = threading.Thread(target=work)
    worker.start()
    until(lambda: blocked(stage.client) == 1)
    began = time.monotonic()
    queue.put("soon", delay=0.2)
    worker.join(20)
    assert got
    assert 0.15 < got[0] - began < 10


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        queue = aio.Queue(client, "q")
        waiting = asyncio.create_task(queue.take(wait=60))
        await until_async(lambda: blocked(stage.client) == 1)
        assert await queue.put({"n": 1})
        job = await waiting
        assert job is not None
        async with job as value:
            assert value == {"n": 1}
        assert await queue.counts() == Counts(0, 0, 0, 0)


async def test_a_cancelled_block_fails_its_job(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        queue = aio.Queue(client, "q", backoff=lambda attempt: 0)
        await queue.put("work")
        begun = asyncio.Event()

        async def work() -> None:
            job = await queue.take()
            assert job is not None
            async with job:
                begun.set()
                await asyncio.Event().wait()

        worker = asyncio.create_task(work())
        await begun.wait()
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        await until_async(lambda: bool(stage.client.zcard("queue:{q}:ready")))


def test_each_is_one_round_trip(stage: Stage) -> None:
    calls: list[str] = []

    class Counting(LosesReplies):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            calls.append(args[0])
            return super().execute_command(*args, **options)

    for client in (stage.client, Counting(stage.client)):
        queue = Queue(client, "q")
        for _ in range(2):
            queue.put("work")
            job = queue.take()
            assert job is not None
            assert job.extend()
            assert job.nack(delay=0)
            job = queue.take()
            assert job is not None
            assert job.ack()
    assert calls == ["EVALSHA"] * 12


def loses_replies(stage: Stage, name: str) -> Any:
    """A client, of which the queue's scripts are known, so that the next reply that is lost is that of a script."""
    queue = Queue(stage.client, name)
    for nack in (True, False):
        queue.put("warm")
        job = queue.take()
        assert job is not None
        assert job.nack(delay=0) if nack else job.ack()
    job = queue.take()
    assert job is not None
    assert job.ack()
    return LosesReplies(stage.client)


@pytest.mark.parametrize("id", [None, "its own"])
def test_a_job_that_is_done_before_its_put_is_sent_again_is_not_put_again(stage: Stage, id: str | None) -> None:
    client, worker, done = loses_replies(stage, "q"), Queue(stage.client, "q"), []

    def work() -> None:
        job = worker.take()
        assert job is not None
        with job as value:
            done.append(value)

    client.meanwhile, client.losing = work, 1
    assert Queue(client, "q").put("work", id=id)
    assert client.losing == 0
    assert worker.take() is None
    assert done == ["work"]
    assert worker.put("work", id=id)  # another time it is another job


def test_a_take_that_is_sent_again_takes_the_same_job(stage: Stage) -> None:
    client = loses_replies(stage, "q")
    queue = Queue(client, "q", max_attempts=1)
    queue.put("first")
    queue.put("second")
    client.losing = 1
    job = queue.take()
    assert job is not None
    assert client.losing == 0
    assert (job.value, job.attempt, queue.counts()) == ("first", 1, Counts(1, 0, 1, 0))
    assert job.ack()


def test_a_job_that_was_failed_was_failed_even_if_another_has_it_now(stage: Stage) -> None:
    client, other = loses_replies(stage, "q"), Queue(stage.client, "q")
    queue = Queue(client, "q")
    queue.put("work")
    job = queue.take()
    assert job is not None
    taken: list[Any] = []
    client.meanwhile, client.losing = lambda: taken.append(other.take()), 1
    assert job.nack(delay=0)
    assert client.losing == 0
    assert taken[0].ack()


class Late:
    """Stands before an asyncio client. Replies to scripts do not come before they are let through."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.done = asyncio.Event()
        self.let_through = asyncio.Event()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        reply = await self.client.execute_command(*args, **options)
        self.done.set()
        await self.let_through.wait()
        return reply


async def test_a_take_that_is_cancelled_has_taken_nothing(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        Queue(stage.client, "q").put("work")
        assert Queue(stage.client, "another").take() is None  # the script is known
        late = Late(client)
        taking = asyncio.create_task(aio.Queue(late, "q", max_attempts=1).take())
        await asyncio.wait_for(late.done.wait(), 30)
        assert stage.client.zcard("queue:{q}:taken") == 1
        late.let_through.set()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        job = await aio.Queue(client, "q").take()
        assert job is not None
        assert (job.value, job.attempt) == ("work", 1)


def test_a_take_that_is_cancelled_before_it_reaches_the_server_takes_nothing(stage: Stage) -> None:
    queue = Queue(stage.client, "q")
    queue.put("work")
    steps = Queue.take.steps(queue)  # type: ignore[attr-defined]
    take = next(steps)
    shielded = steps.throw(asyncio.CancelledError())
    shielded.perform(stage.client)
    try:
        found = take.perform(stage.client)
    except redis.exceptions.NoScriptError:
        found = take.with_text().perform(stage.client)
    assert found == [0, -1]
    assert queue.counts() == Counts(1, 0, 0, 0)


def test_an_error_that_is_no_unicode_fails_a_job_like_others(stage: Stage) -> None:
    queue = Queue(stage.client, "q", max_attempts=1)
    queue.put("work")
    job = queue.take()
    assert job is not None
    with pytest.raises(OSError, match="no such file"), job:
        raise OSError("no such file: \udcff")
    (dead,) = queue.dead()
    assert dead.error == r"OSError: no such file: \udcff"


def test_an_empty_queue_leaves_no_key_without_ttl(stage: Stage) -> None:
    queue = Queue(stage.client, "q")
    queue.put("a")
    queue.put("b", delay=0.001)
    stage.advance(0.01)
    for _ in range(2):
        job = queue.take()
        assert job is not None
        job.ack()
    assert queue.take() is None
    assert all(stage.client.pttl(each) > 0 for each in stage.client.scan_iter())


def test_backoff_doubles_up_to_an_hour() -> None:
    for attempt, least in [(1, 1), (2, 2), (3, 4), (10, 512), (13, 3600), (1000, 3600)]:
        assert all(least <= backoff(attempt) <= 1.5 * least for _ in range(100))


def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="1 attempt or more"):
        Queue(None, "q", max_attempts=0)
    with pytest.raises(ValueError, match="between -1000 and 1000"):
        Queue(None, "q").put("job", priority=1001)
    with pytest.raises(ValueError, match="a duration is"):
        Queue(None, "q").put("job", delay=-1)
