"""Data structures: which one for what."""

from __future__ import annotations

from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

VISITORS = 10_000


@chapter(
    "structures",
    "Data structures",
    "Redis keeps values that have operations of their own. The right structure makes a question one command; the wrong "
    "one makes it a loop over the network.",
)
def structures(stage: Stage, tell: Narrator) -> None:
    """One step for each structure, and what the choice costs."""
    r, key = stage.client(), stage.key

    @tell.step("String: bytes under a name, with a time to live. Counted with INCR, no two clients lose an update.")
    def _() -> object:
        r.set(key("page:home"), "<h1>Hello</h1>", ex=60)
        r.incrby(key("views"), 41)
        return r.incr(key("views"))

    @tell.step("Hash: one object, field by field. A change of one field does not rewrite the others.")
    def _() -> object:
        r.hset(key("user:7"), mapping={"name": "Ann", "plan": "free"})
        r.hset(key("user:7"), "plan", "pro")
        return r.hgetall(key("user:7"))

    @tell.step("List: the latest few. Pushed at one end and cut to length at once.")
    def _() -> object:
        r.lpush(key("recent"), "a", "b", "c", "d")
        r.ltrim(key("recent"), 0, 2)
        return r.lrange(key("recent"), 0, -1)

    @tell.step("Set: who belongs. Membership is one look, what two sets share one command.")
    def _() -> object:
        r.sadd(key("likes:ann"), "go", "chess", "tea")
        r.sadd(key("likes:bob"), "tea", "chess", "jazz")
        return sorted(r.sinter(key("likes:ann"), key("likes:bob")))

    @tell.step("Sorted set: members by score, so ranks, ranges and “what is due by now” are all cheap.")
    def _() -> object:
        r.zadd(key("scores"), {"ann": 310, "bob": 275, "cat": 420})
        return r.zrange(key("scores"), 0, 1, desc=True, withscores=True)

    @tell.step("Stream: a log that several groups of readers can follow, each at its own pace.")
    def _() -> object:
        r.xadd(key("events"), {"door": "open"}, id="1-1")
        return r.xrange(key("events"))

    @tell.step("Bitmap: a yes or no for each of millions, a bit each. Here: on which days somebody came.")
    def _() -> object:
        for day in (1, 2, 5, 29):
            r.setbit(key("days:ann"), day, 1)
        return r.bitcount(key("days:ann"))

    @tell.step("Geo: who is near. A sorted set whose scores are places.")
    def _() -> object:
        r.geoadd(key("shops"), (13.361, 38.115, "Palermo"))
        r.geoadd(key("shops"), (15.087, 37.502, "Catania"))
        near = {"longitude": 15, "latitude": 37, "radius": 100}
        return r.geosearch(key("shops"), **near, unit="km")

    @tell.step(
        f"HyperLogLog: how many different ones, estimated. {VISITORS:,} visitors go in here, and into a set.", wire=0
    )
    def _() -> None:
        visitors = [f"visitor-{number}" for number in range(VISITORS)]
        r.sadd(key("seen"), *visitors)
        r.pfadd(key("estimate"), *visitors)

    tell.gap()
    tell.figure("set says", r.scard(key("seen")), "visitors")
    tell.figure("HyperLogLog says", r.pfcount(key("estimate")), "visitors")
    tell.bars(
        {
            "memory, set": r.memory_usage(key("seen"), samples=0),
            "memory, HyperLogLog": r.memory_usage(key("estimate"), samples=0),
        },
        "bytes",
    )
    tell.remember("Ask first which question has to be one command; that names the structure.")
