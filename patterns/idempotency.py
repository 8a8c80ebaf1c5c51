"""Idempotency keys: a request that is sent twice is done once, and gets the same answer twice.

**The problem.** A client that got no answer sends its request again. "Is the key there? Do it, then set the key" does
it twice when both come at once, and never again if it fails after the key was set.

**The guarantee.** Of callers with the same key one calls the function; the others wait, and get its result, as does
whoever comes within ``ttl``. If it raises, or its process dies, it counts as not done: the next one calls it. The
same key with another ``fingerprint`` is refused.

**The price.** Two round trips for the one who does it, one for who comes later.

**Not for** exactly once: who takes longer than ``lease`` counts as crashed, and is done again by the next; and if it
dies between its work and the note that it is done, or a failover loses the note, likewise. What has to be safe against
that belongs into the database's own transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final

from redis.exceptions import TimeoutError as RedisTimeoutError

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.patience import slice_ms
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Call, Command, Steps

BEGIN: Final = Script("idempotency_begin")
END: Final = Script("idempotency_end")


class KeyReusedError(ValueError):
    """The key stands for another request."""


class BusyError(TimeoutError):
    """Somebody else is still doing it, and has been for as long as we wanted to wait."""


class IdempotencyOperations(Pattern):
    """Functions that are called once per key."""

    def __init__(self, client: Any, *, lease: Duration = 60, prefix: str = "idempotency:", codec: Codec = JSON) -> None:
        self.client = client
        self._lease = milliseconds(lease)
        self._prefix = check_prefix(prefix)
        self._codec = codec

    @operation
    def once(
        self,
        name: str,
        function: Callable[[], Any],
        *,
        ttl: Duration = 24 * 3600,
        fingerprint: str = "",
        wait: Duration | None = None,
    ) -> Steps[Any]:
        """The result of *function*, called by us or by somebody before us. It is remembered for *ttl*.

        We wait for *wait* at most, by default for as long as the other may take, and raise :class:`BusyError`.
        """
        keys = [key(self._prefix, name), key(self._prefix, name, "wake")]
        token = secrets.token_bytes(16)
        patience = 2 * self._lease if wait is None else milliseconds(wait)
        while True:
            answer, *rest = yield from BEGIN(keys, [token, self._lease, fingerprint])
            if answer == b"begun":
                return (yield from self._do(keys, token, function, milliseconds(ttl)))
            if answer == b"done":
                return self._codec.loads(rest[0])
            if answer == b"other":
                raise KeyReusedError(f"{name!r} stands for another request")
            if patience <= 0:
                raise BusyError(f"{name!r} is still being done")
            granted = max(1, min(rest[0], patience, slice_ms(self.client)))
            patience -= granted
            try:
                yield Command("XREAD", "BLOCK", granted, "STREAMS", keys[1], "0")
            except RedisTimeoutError:
                continue

    def _do(self, keys: list[str], token: bytes, function: Callable[[], Any], ttl: int) -> Steps[Any]:
        try:
            result = yield Call(function)
            encoded = self._codec.dumps(result)
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException:
            yield from END(keys, [token, 0, self._lease])
            raise
        yield from END(keys, [token, ttl, self._lease, encoded])
        return result


class Idempotency(IdempotencyOperations, Blocking):
    __doc__ = IdempotencyOperations.__doc__
