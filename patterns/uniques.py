"""Unique visitors: how many different ones there were in a day, a week, any set of periods.

**The problem.** Adding up the days counts who came twice twice. A set per day is exact, and as large as its visitors;
the expiry is a command of its own, and gets lost.

**The guarantee.** Nobody counts twice, however often, from wherever and by how many clients noted, within a period or
over several. ``exact=True`` counts with a set; otherwise a HyperLogLog estimates with a standard error of 0.81 %. A
period's key has a TTL from its first visitor on, unless ``ttl`` is None.

**The price.** One round trip each (in one of 5,000 visitors at a time); a HyperLogLog takes up to 12 kB per period, a
set some 50 bytes or more per visitor. All periods are in one slot of a cluster.

**Not for** asking who came, nor for taking one out again, unless it is exact; nor for an exact union of many large
sets, which keeps the server busy.
"""

from __future__ import annotations

from typing import Any, Final

from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Command, Steps

ADD: Final = Script("uniques_add")
COUNT: Final = Script("uniques_count")

MONTHS: Final = 90 * 86400
BATCH: Final = 5000


class UniquesOperations(Pattern):
    """``visits.add("2026-11-30", "ada")``, ``visits.count("2026-11-29", "2026-11-30")``"""

    def __init__(
        self, client: Any, name: str, *, exact: bool = False, ttl: Duration | None = MONTHS, prefix: str = "uniques:"
    ) -> None:
        self.client = client
        self._name = name
        self._exact = exact
        # An estimate and a set of the same name are different keys: neither can be read as the other.
        self._prefix = f"{check_prefix(prefix)}{'set' if exact else 'hyperloglog'}:"
        self._ttl = 0 if ttl is None else milliseconds(ttl)

    def _key(self, period: str) -> str:
        return key(self._prefix, self._name, period)

    @operation
    def add(self, period: str, *visitors: str) -> Steps[int]:
        """Note visitors. Exact: how many are new in the period; estimated: above 0 if the estimate may have changed."""
        kind, found = "set" if self._exact else "hyperloglog", 0
        for first in range(0, len(visitors), BATCH):
            found += yield from ADD((self._key(period),), (kind, self._ttl, *visitors[first : first + BATCH]))
        return found

    @operation
    def count(self, *periods: str) -> Steps[int]:
        """How many different visitors there were in all of these periods together."""
        if not periods:
            raise ValueError("of no period nothing can be said")
        keys = [self._key(period) for period in periods]
        count: int = (yield from COUNT(keys)) if self._exact else (yield Command("PFCOUNT", *keys))
        return count


class Uniques(UniquesOperations, Blocking):
    __doc__ = UniquesOperations.__doc__
