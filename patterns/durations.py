"""Durations: users give seconds or a ``timedelta``, servers take whole milliseconds; this is the one place between.

The rule of this file: nothing becomes zero. Half a second is 500 ms, and what is shorter than a millisecond is one.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TypeAlias

Duration: TypeAlias = float | timedelta
"""Seconds, or a ``timedelta``."""


def seconds(duration: Duration) -> float:
    """The duration in seconds. Raises ``ValueError`` if it is negative or not a number."""
    value = duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    if not value >= 0:
        raise ValueError(f"a duration is not negative: {duration!r}")
    return value


def milliseconds(duration: Duration) -> int:
    """A positive, finite duration in milliseconds, rounded up."""
    value = seconds(duration)
    if not 0 < value < math.inf:
        raise ValueError(f"a duration is positive and finite: {duration!r}")
    # 0.001 is no binary fraction: rounding to the microsecond first keeps 1.1 seconds from becoming 1101 ms.
    return max(1, math.ceil(round(value * 1000, 3)))
