"""A token bucket: bursts are welcome, as long as the average keeps to the rate.

**The problem.** Real clients come in bursts. The usual version stores fractions of tokens that Lua's replies cut off,
hands EXPIRE a fraction, which is an error, and refills by the client's clock or by the time between two looks.

**The guarantee.** In any time T at most ``burst + rate * T`` is admitted; the bucket refills evenly whether somebody
looks or not, however often. What all limiters guarantee is in :mod:`patterns.limiter`.

**The price.** One round trip; one small string per key, gone when the bucket is full again.

**Not** where hits should be spaced, not only averaged: use :class:`~patterns.GCRA` with ``burst=1``.
"""

from __future__ import annotations

from patterns.limiter import BurstLimiterOperations
from patterns.pattern import Blocking
from patterns.scripts import Script


class TokenBucketOperations(BurstLimiterOperations):
    """``TokenBucket(client, "10/second", burst=50).hit("user:7", cost=3)``"""

    strategy = "token-bucket"
    script = Script("token_bucket")


class TokenBucket(TokenBucketOperations, Blocking):
    __doc__ = TokenBucketOperations.__doc__
