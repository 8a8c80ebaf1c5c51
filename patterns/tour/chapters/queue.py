"""A queue: done, or still there."""

from __future__ import annotations

from typing import Any

from patterns import Queue
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage


@chapter(
    "queue",
    "Reliable queue",
    "BLPOP hands a job over and forgets it. If the worker dies, so does the job.",
)
def queue(stage: Stage, tell: Narrator) -> None:
    """Put and take, a worker that dies, a job that always fails."""
    visibility = stage.span(30, 0.5)
    jobs: Any = Queue(stage.client(), "mails", visibility=visibility, max_attempts=2, prefix=stage.key("queue:"))
    put = done = 0
    printed: list[object] = []
    print_letter = printed.append

    @tell.step("Put, take, acknowledge: one round trip each. The job stays in Redis until it is acknowledged.")
    def _() -> None:
        jobs.put({"to": "ann"})
        with jobs.take() as mail:
            print_letter(mail)

    put, done = put + 1, done + 1

    @tell.step("A worker takes a job, and is never heard of again …", wire=0)
    def lost() -> Any:
        jobs.put({"to": "bob"})
        return jobs.take()

    put += 1
    tell.later(visibility)

    @tell.step(
        "… so it becomes visible again, and another worker has it. The first one is late: its receipt is no good.",
        wire=3,
    )
    def _() -> object:
        again = jobs.take()
        return again.value, f"attempt {again.attempt}", lost.ack(), again.ack()

    done += 1

    @tell.step("A job that fails is tried again, and put aside after its last attempt, with its error.", wire=0)
    def _() -> object:
        jobs.put({"to": "nobody"})
        jobs.take().nack(delay=0)
        jobs.take().nack(error="no such address")
        return jobs.dead()[0].error

    put += 1

    @tell.step("Priorities and delays; an id of one's own is in the queue once.", wire=0)
    def _() -> object:
        jobs.put("later", delay=3600)
        jobs.put("usual")
        jobs.put("urgent", priority=9, id="u-1")
        jobs.put("urgent", priority=9, id="u-1")
        return jobs.take().value

    put += 3
    counts = jobs.counts()
    tell.bars(
        {
            "put": put,
            "done": done,
            "ready": counts.ready,
            "scheduled": counts.scheduled,
            "taken": counts.taken,
            "dead": counts.dead,
        }
    )
    tell.remember("At least once: every job is in one of these states. So let the work be idempotent.")
