"""A fixed window: so many per minute, and with the next minute all of them again.

**The problem.** The simplest limit, for quotas that people understand ("1000 a day"). The usual version leaves a key
without TTL when its client dies between INCR and EXPIRE.

**The guarantee.** In each window, aligned to the server's clock, at most ``limit`` is admitted. What all limiters
guarantee is in :mod:`patterns.limiter`.

**The price.** One round trip; one small string per key, gone when its window ends.

**Not** where twice the limit must not pass within a moment. The end of one window and the beginning of the next
each admit all of theirs.
"""

from __future__ import annotations

from patterns.limiter import LimiterOperations
from patterns.pattern import Blocking
from patterns.scripts import Script


class FixedWindowOperations(LimiterOperations):
    """``FixedWindow(client, "1000/day").hit("user:7")``"""

    strategy = "fixed-window"
    script = Script("fixed_window")


class FixedWindow(FixedWindowOperations, Blocking):
    __doc__ = FixedWindowOperations.__doc__
