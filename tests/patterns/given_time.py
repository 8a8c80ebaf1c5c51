"""A client whose scripts are told what time it is: how hours pass on a real server, whose clock nobody can move.

The rule of this file: in the text of our scripts TIME is replaced by two arguments more, and what expires does so much
later, so that it does not before the time that the script is told. The server runs all the rest as it stands. It
is for scripts that do not depend on expiry, which then only clears up.
"""

from __future__ import annotations

import re
from typing import Any

from patterns.scripts import FOLDER, Script

TIME = "redis.call('TIME')"
EXPIRY = re.compile(r"'PX(AT)?', |'PEXPIRE(AT)?', [^,]+, ")
HOUR, DECADES = 3_600_000, 10**12
"""In milliseconds: what is added to durations; and to moments, lest the time that the script is told be long past."""


def _told(text: str) -> str:
    text = text.replace(TIME, "{ARGV[#ARGV - 1], ARGV[#ARGV]}")
    return EXPIRY.sub(lambda expiry: f"{expiry[0]}{DECADES if expiry[1] or expiry[2] else HOUR} + ", text)


TEXTS = {script.digest: script.text for script in (Script(path.stem) for path in FOLDER.glob("*.lua"))}


class GivenTime:
    """Stands before *client*, blocking or asyncio. ``now`` is the time in microseconds since the epoch."""

    def __init__(self, client: Any, now: int) -> None:
        self.client = client
        self.now = now

    def execute_command(self, name: str, *args: Any, **options: Any) -> Any:
        if name in ("EVAL", "EVALSHA"):
            text = TEXTS[args[0]] if name == "EVALSHA" else args[0]
            name, args = "EVAL", (_told(text), *args[1:], *divmod(self.now, 1_000_000))
        return self.client.execute_command(name, *args, **options)
