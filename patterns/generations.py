"""Version keys: many cached values made invalid at once, by one write.

**The problem.** A counter as version, in the names of the keys: the default ``1`` and INCR of a missing key are the
same version, so that the first invalidation does nothing; a counter that is evicted begins again and revives old
data; and each read takes two round trips, first for the version, then for the value.

**The guarantee.** *n* invalidations make *n* different generations: one is a random number of 128 bits, not a count.
A value carries the generation it was made for, and counts only while that is the present one. If the generation is
lost, everything is a miss. A value that was loaded before an invalidation never counts after it, and one that the
codec cannot read not at all.

**The price.** A read is one round trip, an invalidation too; a load takes two more. Old values are not deleted: they
stay until their time to live is over. All keys of a namespace are in one slot of a cluster.

**Not for** the whole of an application: one namespace per tenant, user or list of results. To invalidate single
keys, or keys by tag, use :class:`patterns.Cache`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.missing import MISSING
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Call, Command, Steps

BEGIN: Final = Script("generation_begin")
FILL: Final = Script("generation_fill")
GENERATION_SIZE: Final = 16


class GenerationsOperations(Pattern):
    """A namespace of cached values that are made invalid together."""

    def __init__(
        self, client: Any, name: str, *, ttl: Duration = 300, prefix: str = "generations:", codec: Codec = JSON
    ) -> None:
        self.client = client
        self._name = name
        self._prefix = check_prefix(prefix)
        self._generation = key(prefix, name)
        self._ttl = milliseconds(ttl)
        self._codec = codec

    def _value(self, name: str) -> str:
        return key(self._prefix, self._name, f"value:{name.encode().hex()}")

    def _decode(self, generation: bytes | None, stored: bytes | None) -> Any:
        if generation is None or stored is None or stored[:GENERATION_SIZE] != generation:
            return MISSING
        try:
            return self._codec.loads(stored[GENERATION_SIZE:])
        except ValueError:
            return MISSING

    @operation
    def get(self, name: str, default: Any = MISSING) -> Steps[Any]:
        """The value of *name* in the present generation, or *default*."""
        generation, stored = yield Command("MGET", self._generation, self._value(name))
        value = self._decode(generation, stored)
        return default if value is MISSING else value

    @operation
    def get_or_load(self, name: str, loader: Callable[[], Any]) -> Steps[Any]:
        """The value of *name*, loaded if the present generation has none."""
        keys = [self._generation, self._value(name)]
        generation, stored = yield Command("MGET", *keys)
        value = self._decode(generation, stored)
        if value is not MISSING:
            return value
        # The generation has to live as long as any value in it, or it would be lost before them for nothing.
        offered = secrets.token_bytes(GENERATION_SIZE)
        generation, stored = yield from BEGIN(keys, [offered, 2 * self._ttl])
        value = self._decode(generation, stored)
        if value is MISSING:
            value = yield Call(loader)
            yield from FILL(keys, [generation, generation + self._codec.dumps(value), self._ttl])
        return value

    @operation
    def invalidate(self) -> Steps[None]:
        """Begin a new generation: whatever was loaded, or began to be loaded, until now counts no more."""
        yield Command("SET", self._generation, secrets.token_bytes(GENERATION_SIZE), "PX", 2 * self._ttl)


class Generations(GenerationsOperations, Blocking):
    __doc__ = GenerationsOperations.__doc__
