"""Idempotency keys: a request that is sent twice is done once, and gets the same answer twice.

**The problem.** A client that got no answer sends its request again. "Is the key there? Do it, then set the key" does
it twice when both come at once, and never again if it fails after the key was set.

**The guarantee.** Of callers with the same key one calls the function; the others wait, and get its result, as does
whoever comes within ``ttl``. If it raises, is cancelled, or its process dies, it counts as not done: the next one
calls it. Whoever is cancelled at another time does not keep others waiting, and what was done is noted. A result that
the codec cannot store is no reason to do it again: it is done, and everybody gets :class:`UnstorableError`. The same
key with another ``fingerprint`` is refused.

**The price.** Two round trips for the one who does it, one for who comes later.

**Not for** exactly once: who takes longer than ``lease`` counts as crashed, and is done again by the next; and if it
dies between its work and the note that it is done, or a failover loses the note, likewise. So does a function that
goes on when it was cancelled, as what runs in a thread does. What has to be safe against that belongs into the
database's own transaction.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from redis.exceptions import RedisClusterException, RedisError

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds, seconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script
from patterns.steps import Call, Shielded, Steps
from patterns.waking import told

BEGIN: Final = Script("idempotency_begin")
END: Final = Script("idempotency_end")


class KeyReusedError(ValueError):
    """The key stands for another request."""


class BusyError(TimeoutError):
    """Somebody else is still doing it, and has been for as long as we wanted to wait."""


class UnstorableError(TypeError):
    """It was done, but the codec cannot store its result: nobody gets it."""


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

        We wait for *wait* at most, by default for as long as the other may take, and raise :class:`BusyError`;
        0 does not wait at all.
        """
        keys = [key(self._prefix, name), key(self._prefix, name, "wake")]
        token = secrets.token_bytes(16)
        remembered = milliseconds(ttl)
        deadline = time.monotonic() + (2 * self._lease / 1000 if wait is None else seconds(wait))
        try:
            while True:
                answer, *rest = yield from BEGIN(keys, [token, self._lease, fingerprint])
                remaining = deadline - time.monotonic()
                if answer != b"busy" or remaining <= 0:
                    break
                yield from told(self.client, keys[1], b"0", min(rest[0] / 1000, remaining))
        except asyncio.CancelledError:
            with suppress(RedisError, RedisClusterException):
                yield Shielded(END(keys, [token, 0, self._lease]))  # we may have begun, and nobody is left to know
            raise
        if answer == b"begun":
            return (yield from self._do(name, keys, token, function, remembered))
        if answer == b"done":
            return self._codec.loads(rest[0])
        if answer == b"unstorable":
            raise UnstorableError(_unstorable(name, rest[0]))
        if answer == b"other":
            raise KeyReusedError(f"{name!r} stands for another request")
        raise BusyError(f"{name!r} is still being done")

    def _do(self, name: str, keys: list[str], token: bytes, function: Callable[[], Any], ttl: int) -> Steps[Any]:
        try:
            result = yield Call(function)
        except GeneratorExit:
            raise  # nobody is left to carry out steps
        except BaseException:
            yield Shielded(END(keys, [token, 0, self._lease]))
            raise
        # It is done, and that is noted, whether somebody is left to have the result or not.
        try:
            encoded = self._codec.dumps(result)
        except Exception as error:
            reason = str(error).encode("utf-8", "backslashreplace")
            yield Shielded(END(keys, [token, ttl, self._lease, "unstorable", reason]))
            raise UnstorableError(_unstorable(name, reason)) from error
        yield Shielded(END(keys, [token, ttl, self._lease, "result", encoded]))
        return result


def _unstorable(name: str, reason: bytes) -> str:
    return f"{name!r} was done, but its result could not be stored: {reason.decode()}"


class Idempotency(IdempotencyOperations, Blocking):
    __doc__ = IdempotencyOperations.__doc__
