"""Round trips: pipelines, transactions with WATCH, scripts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from patterns import Batches, Transaction
from patterns.tour.chapter import chapter
from patterns.tour.crowd import all_at_once
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

COMMANDS = 200
ROUNDS = 3
BUYERS = 20
STOCK = 5

BUY = """
local left = tonumber(redis.call('GET', KEYS[1]))
if left < tonumber(ARGV[1]) then return -1 end
return redis.call('DECRBY', KEYS[1], ARGV[1])
""".strip()


@chapter(
    "pipelining",
    "Pipelining",
    "A command takes the server microseconds; the way there and back takes much longer, and one by one the client "
    "waits for each. A pipeline sends all of them, and then reads all of the replies.",
)
def pipelining(stage: Stage, tell: Narrator) -> None:
    """The same commands one by one and together; and an error among them."""
    r, key = stage.client(), stage.key
    batches = Batches(r)

    @tell.step("Three commands, one round trip: they leave together.")
    def _() -> None:
        commands = [("SET", key("a"), 1), ("INCR", key("a")), ("GET", key("a"))]
        batches.send(commands)

    @tell.step("An error is that command's own. The others were executed, and each has its reply.")
    def errors() -> list[str | None]:
        commands = [("SET", key("b"), "x"), ("INCR", key("b")), ("GET", key("b"))]
        return [str(reply.error or "fine") for reply in batches.send(commands)]

    commands = [("SET", key(f"many:{number}"), number) for number in range(COMMANDS)]

    def one_by_one() -> None:
        for command in commands:
            r.execute_command(*command)

    def pipelined() -> None:
        batches.send(commands)

    trips: dict[Callable[[], None], int] = {}
    times = dict.fromkeys((one_by_one, pipelined), math.inf)
    for way in [one_by_one, pipelined] * ROUNDS:
        with stage.wire.listening() as heard:
            started = time.perf_counter()
            way()
            times[way] = min(times[way], time.perf_counter() - started)
        trips[way] = len({each.trip for each in heard})
    tell.say(f"{COMMANDS} times SET, the best of {ROUNDS} rounds:")
    tell.bars({"round trips, one by one": trips[one_by_one], "round trips, pipelined": trips[pipelined]})
    tell.bars({"time, one by one": times[one_by_one] * 1000, "time, pipelined": times[pipelined] * 1000}, "ms")
    tell.remember("The farther away the server is, the more the round trips are all that counts.")


@chapter(
    "transactions",
    "Transactions with WATCH",
    "Read, decide, write: between the first and the last somebody else may write, and one of the two updates is lost. "
    "MULTI alone does not help: what it queues was decided before.",
)
def transactions(stage: Stage, tell: Narrator) -> None:
    """A lost update, and the same with WATCH."""
    r, rival, key = stage.client(), stage.client("rival"), stage.key("balance")
    r.set(key, 100)

    @tell.step("Two clients add 10 and 50 to a balance of 100, and are in each other's way.")
    def _() -> object:
        mine = int(r.get(key))
        rival.set(key, int(rival.get(key)) + 50)
        r.set(key, mine + 10)
        return r.get(key)

    tell.gap()
    tell.figure("lost, by hand", 160 - int(r.get(key)))
    r.set(key, 100)
    rivals = iter([50])

    @tell.definition("A transaction is a function that may run again. Here a rival strikes once, in the worst moment.")
    def add_ten(pipeline: Any) -> None:
        mine = int(pipeline.get(key))
        for more in rivals:
            rival.incrby(key, more)
        pipeline.multi()
        pipeline.set(key, mine + 10)

    @tell.step("EXEC answers nil, for the key has changed since; so it reads, decides and writes again.", wire=14)
    def committed() -> Any:
        return Transaction(r).run(add_ten, key)

    tell.gap()
    tell.figure("attempts", committed.attempts)
    tell.figure("lost, with WATCH", 160 - int(r.get(key)))
    tell.remember("Optimistic: nobody waits, the loser tries again. For a hot key use a script, which never loses.")


@chapter(
    "lua",
    "Lua scripts",
    "A check and the write that depends on it have to be one step. A script runs on the server, where nothing else "
    "runs meanwhile: one round trip, no retry.",
)
def lua(stage: Stage, tell: Narrator) -> None:
    """An oversold stock, and the same with a script."""
    r, key = stage.client(), stage.key
    r.set(key("naive:stock"), STOCK)
    r.set(key("stock"), STOCK)
    look = threading.Barrier(BUYERS)
    sold: list[int] = []

    @tell.definition("By hand: look, then take.")
    def buy_naively() -> None:
        left = int(r.get(key("naive:stock")))
        look.wait()  # all have looked before the first one writes
        if left > 0:
            r.decr(key("naive:stock"))
            sold.append(left)

    @tell.step(f"{BUYERS} buyers, {STOCK} pieces:", wire=0)
    def _() -> None:
        all_at_once([buy_naively] * BUYERS)

    tell.gap()
    tell.figure("sold by hand", len(sold))
    tell.figure("left by hand", int(r.get(key("naive:stock"))))

    # The server has never seen this text: a comment makes it this run's own.
    text = f"{BUY}\n-- {stage.prefix or 'tour'}"
    stage.wire.name_script(text, "buy.lua")
    tell.say("The same as a script. All its keys are in KEYS, so that a cluster knows where it belongs:")
    tell.code(BUY, "lua")
    script = r.register_script(text)

    @tell.step("The client sends its digest. This server does not know it; the text follows, and from then on it does.")
    def _() -> object:
        return [script([key("stock")], [1]), script([key("stock")], [1])]

    bought: list[int] = []

    def buy() -> None:
        bought.append(script([key("stock")], [1]))

    @tell.step(f"{BUYERS} buyers again, for the {STOCK - 2} pieces that are left:", wire=0)
    def _() -> None:
        all_at_once([buy] * BUYERS)

    tell.gap()
    tell.figure("sold by script", 2 + sum(left != -1 for left in bought))
    tell.figure("left by script", int(r.get(key("stock"))))
    tell.remember("What has to be atomic is a script; all patterns of this library are made that way.")
