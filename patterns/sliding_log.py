"""A log of what was admitted: the exact limit.

**The problem.** "No more than 100 in any minute" is a promise that no counter keeps. The usual log also writes down
what it refused, so that a client who keeps trying is never let in again.

**The guarantee.** No window as long as the period, wherever it begins, has more than ``limit`` admitted. What all
limiters guarantee is in :mod:`patterns.limiter`.

**The price.** One round trip; a sorted set with an entry of some 100 bytes for each hit admitted in the last period;
gone one period after its last hit.

Sums are whole numbers up to 2^53, and the sum of a key starts anew only when nothing was admitted for a period: a key
that is never idle for so long is counted exactly until it has had 9 * 10^15 in all.

**Not for** large limits on many keys. Use :class:`~patterns.GCRA`.
"""

from __future__ import annotations

from patterns.limiter import LimiterOperations
from patterns.pattern import Blocking
from patterns.scripts import Script


class SlidingLogOperations(LimiterOperations):
    """``SlidingLog(client, "100/minute").hit("user:7")``"""

    strategy = "sliding-log"
    script = Script("sliding_log")


class SlidingLog(SlidingLogOperations, Blocking):
    __doc__ = SlidingLogOperations.__doc__
