"""A sliding window from two counters: nearly a log's fairness for a counter's price.

**The problem.** Fixed windows let twice the limit pass around their border, a log remembers every hit. Here the
previous window counts for the share of it that the sliding one still covers. The usual version reads, decides and
then increments, so that concurrent clients pass the limit; it keeps its counters in two keys, which are in two slots
of a cluster.

**The guarantee.** The estimate ``previous * (1 - elapsed / period) + current`` never exceeds ``limit``, reckoned
exactly. What all limiters guarantee is in :mod:`patterns.limiter`.

**The price.** One round trip; one small string per key, gone two periods after its last hit.

**Not** where the limit is a promise to somebody else. The estimate takes the previous window's hits as evenly
spread: if all came at its end, nearly twice the limit can pass in one period. Use :class:`~patterns.SlidingLog`.
"""

from __future__ import annotations

from patterns.limiter import LimiterOperations
from patterns.pattern import Blocking
from patterns.scripts import Script


class SlidingWindowOperations(LimiterOperations):
    """``SlidingWindow(client, "100/minute").hit("user:7")``"""

    strategy = "sliding-window"
    script = Script("sliding_window")


class SlidingWindow(SlidingWindowOperations, Blocking):
    __doc__ = SlidingWindowOperations.__doc__
