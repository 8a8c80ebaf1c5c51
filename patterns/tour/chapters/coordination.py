"""Coordination: one holder, a few holders, one leader."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

from patterns import Leader, Lock, Semaphore
from patterns.tour.chapter import chapter
from patterns.tour.crowd import all_at_once
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

WORKERS = 8
PERMITS = 3


@chapter(
    "locks",
    "Locks and fences",
    "SET NX and a DEL at the end: the lock expires in the middle of the work, the DEL then deletes somebody else's; "
    "and who was asleep meanwhile still believes that it holds it.",
)
def locks(stage: Stage, tell: Narrator) -> None:
    """Hold, wait and be woken, lose, and be refused by the resource."""
    lock = Lock(stage.client(), "invoice", prefix=stage.key("lock:"))

    fences: list[object] = []
    print_invoice = fences.append

    @tell.step("Taken and given back, by scripts that ask for the owner's token. The fence is a number that rises.")
    def _() -> None:
        with lock as lease:
            print_invoice(lease.fence)

    first = lock.acquire()
    assert first is not None

    def wait_for_it() -> None:
        with Lock(stage.client("waiter"), "invoice", prefix=stage.key("lock:")) as lease:
            print_invoice(lease.fence)

    waiter = threading.Thread(target=wait_for_it, daemon=True)
    waiter.start()
    stage.wire.wait_for(lambda: any(each.client == "waiter" and each.name == "BLPOP" for each in stage.wire.exchanges))

    with stage.wire.listening() as heard:

        @tell.step("Somebody waits. The release wakes the waiter; nobody polls.", wire=4)
        def _() -> None:
            first.release()
            waiter.join()

    release = next(each for each in heard if each.client == "app")
    taken = next(
        each for each in heard if each.client == "waiter" and isinstance(each.reply, list) and each.reply[0] == 1
    )
    tell.gap()
    tell.figure("from release to taken", (taken.answered_at - release.sent_at) * 1000, "ms")

    ttl = stage.span(30, 0.2)
    sleepy = Lock(stage.client("sleepy"), "report", ttl=ttl, renew=False, prefix=stage.key("lock:"))
    quick: Any = Lock(stage.client("quick"), "report", ttl=ttl, renew=False, prefix=stage.key("lock:"))
    highest = 0

    @tell.definition("A lock can be lost. So the resource refuses every fence below the highest it has seen.")
    def write(fence: int) -> str:
        nonlocal highest
        if fence < highest:
            return "refused"
        highest = fence
        return "written"

    @tell.step("A holder takes the lock, and falls asleep …", wire=0)
    def old() -> Any:
        return sleepy.acquire()

    tell.later(ttl)

    @tell.step(
        "… its time is over, and another one has the lock. Then it wakes up. Only the fence tells the resource.", wire=0
    )
    def written() -> list[str]:
        new = quick.acquire()
        return [write(new.fence), write(old.fence)]

    tell.gap()
    tell.figure("late writes refused", written.count("refused"))
    tell.remember("A lock saves work. Where two must never write, the resource compares fences.")


@chapter(
    "semaphore",
    "Semaphores",
    "No more than three exports at once, over all machines. A plain counter keeps the place of whoever died.",
)
def semaphore(stage: Stage, tell: Narrator) -> None:
    """Eight workers, three permits."""
    exports = Semaphore(stage.client(), "exports", PERMITS, prefix=stage.key("semaphore:"))
    mutex = threading.Lock()
    busy: list[int] = [0]
    running = 0

    def work() -> None:
        nonlocal running
        for more in (1, -1):
            with mutex:
                running += more
                busy.append(running)
            time.sleep(0.02 if more > 0 else 0)

    @tell.definition("A worker. Its permit is a lease: it ends with its holder.")
    def export() -> None:
        with exports:
            work()

    @tell.step(f"{WORKERS} workers, {PERMITS} permits.", wire=6)
    def _() -> None:
        all_at_once([export] * WORKERS)

    tell.gap()
    tell.lane("at work", ((str(count), "green" if count < PERMITS else "bold yellow") for count in busy))
    tell.figure("most at once", max(busy))
    tell.figure("exports done", sum(later > now for now, later in pairwise(busy)))
    tell.remember("A place that nobody renews is free again; who waits is woken.")


@chapter(
    "leader",
    "Leader election",
    "The scheduler runs in every replica, and one of them shall do the work. When it goes, another takes over.",
)
def leader(stage: Stage, tell: Narrator) -> None:
    """Two candidates, two terms."""
    prefix = stage.key("leader:")
    ann = Leader(stage.client("ann"), "cron", identity="ann", wait=0, prefix=prefix)
    bob = Leader(stage.client("bob"), "cron", identity="bob", wait=0, prefix=prefix)

    @tell.step("Two candidates. The first one who asks is elected.")
    def terms() -> Any:
        return ann.acquire(), bob.acquire()

    tell.gap()
    tell.figure("elected, of two", sum(term is not None for term in terms))
    first = terms[0]

    @tell.step("It resigns, and the other one takes over.")
    def second() -> Any:
        first.release()
        return bob.acquire()

    @tell.step("Anybody can ask who leads. The term's number is higher than the one before.")
    def _() -> object:
        return ann.leader(), second.fence > first.fence

    second.release()
    tell.remember("A leader renews its term; if it stops, the others know after one time to live.")
