"""What limiters admit to a hundred clients at once, held against the exact models, in the order of the server.

Every script that decides is sent with a witness around it: in the same script, so at the same moment, the server notes
the time by which it was decided, the reply, and the key's time to live. Afterwards the model is told the same hits at
the same times, in the order in which the server took them, and has to say the same.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final

import redis.asyncio

from patterns import aio
from patterns.bench.proofs.limit_models import MODELS

LOG: Final = "witness"
PATIENT: Final[dict[str, Any]] = {"socket_connect_timeout": 60, "socket_timeout": 60}
TIME: Final = "redis.call('TIME')"

WITNESS: Final = """
local seen
local function now()
  seen = redis.call('TIME')
  return seen
end
local function decide()
%s
end
local reply = decide()
redis.call('RPUSH', KEYS[2], cjson.encode({seen[1], seen[2], redis.call('PTTL', KEYS[1]), reply}))
return reply
"""

TEXTS: Final = {
    limiter.script.digest: limiter.script.text
    for limiter in (aio.FixedWindow, aio.SlidingWindow, aio.SlidingLog, aio.TokenBucket, aio.GCRA)
}


@dataclass(frozen=True)
class Seen:
    """What one run of a limiter showed."""

    strategy: str
    decisions: int
    admitted: int
    differing: int
    """Decisions that were not the model's."""
    immortal: int
    """Times that the key had no time to live, right after a decision."""
    round_trips: int
    """Requests that were sent; as many as decisions if each is one."""


class Witnessed:
    """Stands before a client of asyncio, and sends each script with the witness around it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.requests = 0

    async def execute_command(self, name: str, *args: Any, **options: Any) -> Any:
        """Send it, or what stands for it."""
        self.requests += 1
        if name in ("EVAL", "EVALSHA"):
            script, count, *rest = args
            text = TEXTS[script] if name == "EVALSHA" else script
            assert count == 1
            text = WITNESS % text.replace(TIME, "now()")
            return await self.client.execute_command("EVAL", text, 2, rest[0], LOG, *rest[1:], **options)
        return await self.client.execute_command(name, *args, **options)


async def concurrent(
    url: str, strategy: str, *, clients: int = 100, hits: int = 20, limit: int = 300, seconds: int = 1
) -> Seen:
    """Each of so many clients, on a connection of its own, hits so often, as fast as it can; on an emptied database."""
    rate = f"{limit}/{seconds} seconds"
    connections = [redis.asyncio.Redis.from_url(url, single_connection_client=True, **PATIENT) for _ in range(clients)]
    await connections[0].flushdb()
    fronts = [Witnessed(each) for each in connections]
    try:

        async def hitting(front: Witnessed) -> list[Any]:
            limiter = getattr(aio, strategy)(front, rate)
            return [await limiter.hit("user") for _ in range(hits)]

        told = await asyncio.gather(*(hitting(front) for front in fronts))
        log = [json.loads(each) for each in await connections[0].execute_command("LRANGE", LOG, 0, -1)]
    finally:
        for each in connections:
            await each.aclose()
    decisions = [decision for each in told for decision in each]
    admitted = sum(decision.allowed for decision in decisions)
    model = MODELS[strategy](limit, seconds * 1_000_000, limit)
    differing = abs(len(log) - len(decisions)) + abs(sum(reply[0] for *_, reply in log) - admitted)
    for second, microsecond, _, reply in log:
        now = int(second) * 1_000_000 + int(microsecond)
        expected = model.admits(now, 1)
        if expected:
            model.hit(now, 1)
        differing += bool(reply[0]) is not expected or reply[1] != model.remaining(now)
    return Seen(
        strategy,
        len(decisions),
        admitted,
        differing,
        sum(ttl == -1 for _, _, ttl, _ in log),
        sum(front.requests for front in fronts),
    )


def run(url: str, strategy: str, **options: Any) -> Seen:
    """The same for a caller that has no loop."""
    return asyncio.run(concurrent(url, strategy, **options))
