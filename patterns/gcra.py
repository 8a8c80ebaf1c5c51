"""The generic cell rate algorithm: a whole limiter in one point in time.

**The problem.** The limiter of choice for many keys. All it keeps is when the next hit is due, the theoretical
arrival time; a hit is admitted if that does not lie further ahead than the burst allows. The usual version keeps that
time as a float of the client's clock.

**The guarantee.** In any time T at most ``burst + rate * T`` is admitted, and with ``burst=1`` two hits are never
closer than one interval. The time is kept as a fraction, so that "7 per second" does not drift. What all limiters
guarantee is in :mod:`patterns.limiter`.

**The price.** One round trip; one small string per key, gone when no hit is owed any more.

**Not for** quotas by the calendar; that is :class:`~patterns.FixedWindow`.
"""

from __future__ import annotations

from patterns.limiter import BurstLimiterOperations
from patterns.pattern import Blocking
from patterns.scripts import Script


class GCRAOperations(BurstLimiterOperations):
    """``GCRA(client, "10/second", burst=1).hit("user:7")``"""

    strategy = "gcra"
    script = Script("gcra")


class GCRA(GCRAOperations, Blocking):
    __doc__ = GCRAOperations.__doc__
