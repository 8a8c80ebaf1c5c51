"""The pattern library: what an application does with Redis, done right, on any redis-py client.

One file is one pattern, and begins with the problem, the guarantee, its price, and when not to use it. What is here
blocks; :mod:`patterns.aio` has the same names for asyncio.
"""

try:
    import redis  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "redis":
        raise
    # The name is for `python -m patterns`, which then tells this in one line.
    raise ModuleNotFoundError("patterns needs redis-py: pip install -e '.[patterns]'", name=__name__) from None

from patterns.batches import Batches, Reply
from patterns.cache import Cache
from patterns.cache_loading import Loaded, LoadTimeoutError
from patterns.circuit import Circuit, CircuitOpenError
from patterns.codecs import JSON, Codec, Compressed, JSONCodec, Msgpack, SignedPickle
from patterns.connect import connect
from patterns.events import Events, TimedEvent
from patterns.feed import Entry, Feed, Feeds, UndeliveredError
from patterns.fixed_window import FixedWindow
from patterns.flights import SingleFlight
from patterns.gcra import GCRA
from patterns.generations import Generations
from patterns.idempotency import BusyError, Idempotency, KeyReusedError, UnstorableError
from patterns.leader import Leader
from patterns.leaderboard import Leaderboard, Standing
from patterns.lease import Lease, NotAcquiredError
from patterns.limiter import Decision
from patterns.links import Links
from patterns.local import Local
from patterns.lock import Lock
from patterns.metrics import Event, Stats
from patterns.missing import MISSING
from patterns.queue import Counts, Dead, Job, Queue
from patterns.rwlock import RWLock, RWLockSide
from patterns.semaphore import Semaphore
from patterns.sessions import Sessions
from patterns.sliding_log import SlidingLog
from patterns.sliding_window import SlidingWindow
from patterns.token_bucket import TokenBucket
from patterns.transactions import Committed, ContentionError, Transaction
from patterns.uniques import Uniques
from patterns.write_behind import Write, WriteBehind
from patterns.write_through import WriteThrough

__all__ = [
    "GCRA",
    "JSON",
    "MISSING",
    "Batches",
    "BusyError",
    "Cache",
    "Circuit",
    "CircuitOpenError",
    "Codec",
    "Committed",
    "Compressed",
    "ContentionError",
    "Counts",
    "Dead",
    "Decision",
    "Entry",
    "Event",
    "Events",
    "Feed",
    "Feeds",
    "FixedWindow",
    "Generations",
    "Idempotency",
    "JSONCodec",
    "Job",
    "KeyReusedError",
    "Leader",
    "Leaderboard",
    "Lease",
    "Links",
    "LoadTimeoutError",
    "Loaded",
    "Local",
    "Lock",
    "Msgpack",
    "NotAcquiredError",
    "Queue",
    "RWLock",
    "RWLockSide",
    "Reply",
    "Semaphore",
    "Sessions",
    "SignedPickle",
    "SingleFlight",
    "SlidingLog",
    "SlidingWindow",
    "Standing",
    "Stats",
    "TimedEvent",
    "TokenBucket",
    "Transaction",
    "UndeliveredError",
    "Uniques",
    "UnstorableError",
    "Write",
    "WriteBehind",
    "WriteThrough",
    "connect",
]
