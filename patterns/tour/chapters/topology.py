"""More than one server: what a replica may answer, and which keys of a cluster live together."""

from __future__ import annotations

from collections import Counter

from redis.crc import key_slot

from patterns import Sessions
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

SLOTS = 16384
NODES = 3


@chapter(
    "replication",
    "Replication and Sentinel",
    "A replica takes reads off the primary, and takes over when it dies. It is always a little behind, and what it has "
    "not heard of is lost with the primary.",
)
def replication(stage: Stage, tell: Narrator) -> None:
    """What this server says of itself, and what to ask which server."""
    r, key = stage.client(), stage.key("order")

    @tell.step("What a server says of itself: its role, how much it has told its replicas, and which they are.")
    def _() -> object:
        return r.execute_command("ROLE")

    @tell.step("A write is acknowledged before any replica has it. WAIT asks how many have it, for 20 ms at most.")
    def replicas() -> int:
        r.set(key, "paid", ex=60)
        return int(r.wait(1, 20))

    tell.gap()
    tell.figure("replicas that have it", replicas)
    tell.say("Which server is asked what:")
    tell.gap()
    tell.table(
        [
            ("primary, always", "locks, fences, limits, queues, sessions, every script"),
            ("a replica, if old is fine", "pages, lists, counts that are shown, never decided on"),
            ("after a failover", "the last writes may be missing: a lock, a hit, a job"),
        ]
    )
    tell.say("How a client is told:")
    tell.code(ROUTING)
    tell.remember("Replicas serve readers who can live with the past; WAIT makes a loss less likely, not impossible.")


ROUTING = """
master = patterns.connect("redis+sentinel://h1:26379,h2,h3/mymaster")
replica = Sentinel([("h1", 26379)]).slave_for("mymaster")
cluster = RedisCluster("h1", read_from_replicas=True)
""".strip()


@chapter(
    "cluster",
    "Cluster and hash tags",
    "A cluster shares 16,384 slots among its nodes; a key's slot is a checksum of its name. Commands, transactions and "
    "scripts with several keys work only if all of them are in one slot.",
)
def cluster(stage: Stage, tell: Narrator) -> None:
    """Slots of names, with and without tags; how evenly they fall; keys of a pattern."""

    @tell.step("Names that belong together, and their slots.")
    def apart() -> list[int]:
        names = (b"user:7", b"user:7:cart", b"user:7:seen")
        return [key_slot(name) for name in names]

    @tell.step("With a hash tag, only what is in the braces counts.")
    def together() -> list[int]:
        names = (b"user:{7}", b"user:{7}:cart", b"user:{7}:seen")
        return [key_slot(name) for name in names]

    tell.gap()
    tell.figure("slots without a tag", len(set(apart)))
    tell.figure("slots with a tag", len(set(together)))
    tell.say(f"Where 3,000 users would live in a cluster of {NODES} nodes, and where, if the tag were {{users}}:")
    for label, names in (
        ("{id}", [f"user:{{{number}}}" for number in range(3000)]),
        ("{users}", [f"{{users}}:{number}" for number in range(3000)]),
    ):
        nodes = Counter(key_slot(name.encode()) * NODES // SLOTS for name in names)
        tell.bars({f"{label}, node {node + 1}": nodes[node] for node in range(NODES)}, "keys")

    store = Sessions(stage.client(), prefix=stage.key("sessions:"))

    @tell.step("The patterns see to it. All keys of this script carry the same tag:")
    def _() -> None:
        store.create({}, user="ann")

    script = stage.wire.exchanges[-1].argv
    keys = script[3 : 3 + int(script[2])]
    tell.gap()
    tell.figure("keys of the script", len(keys))
    tell.figure("slots of the script", len({key_slot(key) for key in keys}))
    tell.remember("A tag per thing, not per kind: what changes together is together, and the rest is spread.")
