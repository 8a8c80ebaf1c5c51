"""The pattern library for asyncio: the names of :mod:`patterns`, whose operations are coroutines here."""

from patterns.batches import BatchesOperations, Reply
from patterns.cache import CacheOperations
from patterns.cache_loading import Loaded, LoadTimeoutError
from patterns.circuit import Circuit, CircuitOpenError
from patterns.codecs import JSON, Codec, Compressed, JSONCodec, Msgpack, SignedPickle
from patterns.connect import connect_async as connect
from patterns.events import EventsOperations, TimedEvent
from patterns.feed import Entry, FeedOperations, FeedsOperations, UndeliveredError
from patterns.fixed_window import FixedWindowOperations
from patterns.flights import SingleFlightOperations
from patterns.gcra import GCRAOperations
from patterns.generations import GenerationsOperations
from patterns.idempotency import BusyError, IdempotencyOperations, KeyReusedError, UnstorableError
from patterns.leader import LeaderOperations
from patterns.leaderboard import LeaderboardOperations, Standing
from patterns.lease import LeaseOperations, NotAcquiredError
from patterns.limiter import Decision
from patterns.links import LinksOperations
from patterns.local import Local
from patterns.lock import LockOperations
from patterns.metrics import Event, Stats
from patterns.missing import MISSING
from patterns.pattern import Asyncio
from patterns.queue import Counts, Dead, JobOperations, QueueOperations
from patterns.rwlock import RWLockOperations, RWLockSideOperations
from patterns.semaphore import SemaphoreOperations
from patterns.sessions import SessionsOperations
from patterns.sliding_log import SlidingLogOperations
from patterns.sliding_window import SlidingWindowOperations
from patterns.token_bucket import TokenBucketOperations
from patterns.transactions import Committed, ContentionError, TransactionOperations
from patterns.uniques import UniquesOperations
from patterns.write_behind import Write, WriteBehindOperations
from patterns.write_through import WriteThroughOperations

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


class Cache(CacheOperations, Asyncio):
    __doc__ = CacheOperations.__doc__


class SingleFlight(SingleFlightOperations, Asyncio):
    __doc__ = SingleFlightOperations.__doc__


class Generations(GenerationsOperations, Asyncio):
    __doc__ = GenerationsOperations.__doc__


class WriteThrough(WriteThroughOperations, Asyncio):
    __doc__ = WriteThroughOperations.__doc__


class WriteBehind(WriteBehindOperations, Asyncio):
    __doc__ = WriteBehindOperations.__doc__


class Sessions(SessionsOperations, Asyncio):
    __doc__ = SessionsOperations.__doc__


class Idempotency(IdempotencyOperations, Asyncio):
    __doc__ = IdempotencyOperations.__doc__


class Transaction(TransactionOperations, Asyncio):
    __doc__ = TransactionOperations.__doc__


class Batches(BatchesOperations, Asyncio):
    __doc__ = BatchesOperations.__doc__


class FixedWindow(FixedWindowOperations, Asyncio):
    __doc__ = FixedWindowOperations.__doc__


class SlidingWindow(SlidingWindowOperations, Asyncio):
    __doc__ = SlidingWindowOperations.__doc__


class SlidingLog(SlidingLogOperations, Asyncio):
    __doc__ = SlidingLogOperations.__doc__


class TokenBucket(TokenBucketOperations, Asyncio):
    __doc__ = TokenBucketOperations.__doc__


class GCRA(GCRAOperations, Asyncio):
    __doc__ = GCRAOperations.__doc__


class Lease(LeaseOperations, Asyncio):
    __doc__ = LeaseOperations.__doc__


class Lock(LockOperations[Lease], Asyncio):
    __doc__ = LockOperations.__doc__
    _lease = Lease


class Semaphore(SemaphoreOperations[Lease], Asyncio):
    __doc__ = SemaphoreOperations.__doc__
    _lease = Lease


class RWLockSide(RWLockSideOperations[Lease], Asyncio):
    __doc__ = RWLockSideOperations.__doc__
    _lease = Lease


class RWLock(RWLockOperations[RWLockSide], Asyncio):
    __doc__ = RWLockOperations.__doc__
    _side = RWLockSide


class Leader(LeaderOperations[Lease], Asyncio):
    __doc__ = LeaderOperations.__doc__
    _lease = Lease


class Job(JobOperations, Asyncio):
    __doc__ = JobOperations.__doc__


class Queue(QueueOperations[Job], Asyncio):
    __doc__ = QueueOperations.__doc__
    _job = Job


class Leaderboard(LeaderboardOperations, Asyncio):
    __doc__ = LeaderboardOperations.__doc__


class Feed(FeedOperations, Asyncio):
    __doc__ = FeedOperations.__doc__


class Feeds(FeedsOperations[Feed], Asyncio):
    __doc__ = FeedsOperations.__doc__
    _feed = Feed


class Links(LinksOperations, Asyncio):
    __doc__ = LinksOperations.__doc__


class Uniques(UniquesOperations, Asyncio):
    __doc__ = UniquesOperations.__doc__


class Events(EventsOperations, Asyncio):
    __doc__ = EventsOperations.__doc__
