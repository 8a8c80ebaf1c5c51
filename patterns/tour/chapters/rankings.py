"""Rankings and visits: a leaderboard, a feed, unique visitors."""

from __future__ import annotations

from patterns import Feed, Leaderboard, Uniques
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage


@chapter(
    "leaderboard",
    "Leaderboard",
    "Who is best, where do I stand, and who is just above me? In SQL that is a count over the whole table.",
)
def leaderboard(stage: Stage, tell: Narrator) -> None:
    """Scores, ties, neighbours."""
    board = Leaderboard(stage.client(), "chess", keep="best", prefix=stage.key("board:"))

    @tell.step("Scores come in; the reply says where one stands now. Equals share a rank: 1, 2, 2, 4.", wire=2)
    def _() -> object:
        board.submit("ann", 310)
        board.submit("bob", 275)
        board.submit("cat", 420)
        return board.submit("dan", 310)

    tell.gap()
    for each in board.top(4):
        tell.lane(f"{each.rank}. {each.member}", [("█", "yellow")] * round(each.score / 14), f"{each.score:g}")

    @tell.step("A worse result does not count (keep=“best”), in whatever order the results arrive.")
    def _() -> object:
        return board.submit("cat", 100)

    @tell.step("Who is just above and below, in one round trip and of one moment.")
    def around() -> object:
        return [f"{each.rank}. {each.member}" for each in board.around("dan", 1)]

    tell.remember("A sorted set keeps the order as it writes: a rank costs the logarithm of the size.")


@chapter(
    "feed",
    "Activity feed",
    "Pages by offset show an entry twice when something new is pushed between two pages; and lists grow for ever.",
)
def feed(stage: Stage, tell: Narrator) -> None:
    """A feed of three, read page by page."""
    news = Feed(stage.client(), "ann", size=5, prefix=stage.key("feed:"))
    for number in range(1, 8):
        news.push(f"post {number}")

    @tell.step("Seven posts were pushed, five are kept. The first page:")
    def page() -> list[str]:
        return [entry.value for entry in news.latest(2)]

    last = news.latest(2)[-1].id

    @tell.step(
        "Something new arrives. The next page begins after an entry, not after a number: nothing comes twice.", wire=2
    )
    def following() -> list[str]:
        news.push("post 8")
        return [entry.value for entry in news.latest(2, before=last)]

    tell.gap()
    tell.figure("posts shown twice", len(set(page) & set(following)))
    tell.remember("A place in the feed, not an offset, is where a page begins.")


@chapter(
    "visitors",
    "Unique visitors",
    "Adding up the days counts whoever came twice twice. A set of everybody is exact, and large.",
)
def visitors(stage: Stage, tell: Narrator) -> None:
    """Exact and estimated, a day and two."""
    r, prefix = stage.client(), stage.key("visits:")
    exact, estimated = (Uniques(r, "shop", exact=how, prefix=prefix) for how in (True, False))
    monday = [f"visitor-{number}" for number in range(4000)]
    tuesday = [f"visitor-{number}" for number in range(3000, 7000)]
    for day, who in (("monday", monday), ("tuesday", tuesday)):
        exact.add(day, *who)
        estimated.add(day, *who)

    tell.say("4,000 visitors on Monday and 4,000 on Tuesday, 1,000 of them on both days. How many different ones?")

    @tell.step("Sets know exactly, HyperLogLogs estimate; both count nobody twice.")
    def counted() -> tuple[int, int]:
        days = ("monday", "tuesday")
        return exact.count(*days), estimated.count(*days)

    tell.bars({"added up": len(monday) + len(tuesday), "exact": counted[0], "estimated": counted[1]})
    tell.gap()
    tell.figure("error of the estimate", 100 * abs(counted[1] / counted[0] - 1), "%")
    sizes = dict.fromkeys(("memory, set", "memory, hyperloglog"), 0)
    for name in stage.keys_left():
        for label in sizes:
            if name.startswith(f"{prefix}{label.removeprefix('memory, ')}:"):
                sizes[label] += r.memory_usage(name, samples=0)
    tell.bars(sizes, "bytes")
    tell.remember("If about one percent does not matter, millions of visitors take 12 kB a day.")
