"""Writes: through the cache to the database now, or to Redis now and to the database later."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from patterns import Cache, Write, WriteBehind, WriteThrough
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage


@chapter(
    "write-through",
    "Write-through",
    "“Write the database, then the cache.” Two writers who race can do the first in one order and the second in the "
    "other; then the cache is wrong for a whole time to live.",
)
def write_through(stage: Stage, tell: Narrator) -> None:
    """The race that the usual version loses, and the same race with versions."""
    r, cache = stage.client(), Cache(stage.client(), prefix=stage.key("price:"), ttl=300)
    naive = stage.key("naive:price")
    database: dict[str, object] = {}

    @tell.step("The race, by hand: the first writer is slow, the second one quick.")
    def _() -> None:
        database["price"] = "A"  # first writer: the database …
        database["price"] = "B"  # second writer: the database,
        r.set(naive, "B", ex=300)  # and the cache
        r.set(naive, "A", ex=300)  # first writer: … and now the cache

    tell.gap()
    tell.table(
        [("the database has", str(database["price"])), ("the cache has", f"{r.get(naive)}   ← wrong, and stays")]
    )
    tell.figure("stale, by hand", int(r.get(naive) != database["price"]))

    versions = count(1)

    @tell.definition(
        "The same with versions: the database numbers its writes, and the second writer overtakes the first."
    )
    def write_row(key: str, value: object) -> int:
        database[key], version = value, next(versions)
        if value == "A":
            through.write(key, "B")  # while we are still at work
        return version

    through = WriteThrough(cache, write_row)

    @tell.step("WriteThrough asks the cache before and after the database.", wire=8)
    def _() -> object:
        return through.write("price", "A")

    tell.say("Each began by deleting the value; nobody may store one while a writer is at work; the late version lost.")

    @tell.step("So a reader finds nothing wrong. It loads what is true.")
    def read() -> object:
        return cache.get_or_load("price", lambda: database["price"])

    tell.gap()
    tell.figure("stale, with versions", int(read != database["price"]))

    @tell.step("Without a race the value is there at once. False or True says whether it is cached.", wire=0)
    def _() -> object:
        return through.write("price", "C"), cache.get("price")

    tell.remember("The version in the cache never goes down, whoever races, fails or crashes.")


@chapter(
    "write-behind",
    "Write-behind",
    "The caller shall not wait for the database. A list and BLPOP lose what a worker held when it died. A stream keeps "
    "every write until the database has it.",
)
def write_behind(stage: Stage, tell: Narrator) -> None:
    """Writes are accepted, survive a failure of the database, and arrive in one batch."""
    cache = Cache(stage.client(), prefix=stage.key("stock:"), ttl=300)
    database: dict[str, object] = {}
    batches = 0
    down = True

    def write_rows(writes: Sequence[Write]) -> None:
        nonlocal batches, down
        if down:
            down = False
            raise ConnectionError("the database is down")
        batches += 1
        database.update({write.key: write.value for write in writes})

    behind = WriteBehind(cache, write_rows, prefix=stage.key("behind:"))

    @tell.step(
        "A write is an entry of a stream, and a new value in the cache. The database has not been asked.", wire=8
    )
    def _() -> object:
        return behind.put("apples", 100)

    @tell.step("More of them, most for the same key.", wire=0)
    def _() -> None:
        for left in range(99, 89, -1):
            behind.put("apples", left)
        behind.put("pears", 40)

    accepted = behind.pending()
    tell.gap()
    tell.figure("accepted, not written yet", accepted)
    tell.figure("readers see apples", float(cache.get("apples")))
    tell.figure("rows in the database", len(database))

    @tell.step(
        "The worker. Its first attempt fails; nothing is lost, and what it holds is written at the second.", wire=0
    )
    def _() -> object:
        return behind.drain()

    tell.gap()
    tell.figure("left to be written", behind.pending())
    tell.bars({"writes accepted": accepted, "rows written": len(database), "batches": batches})
    tell.remember(
        "An accepted write is pending or done, never in between; the last of each key is all that is written."
    )
