"""connect-redis, which keeps the sessions of Node.js: what it does is in ``node/connect-redis.test.js``."""

from __future__ import annotations

from collections.abc import Callable


def test_sessions_are_kept(run_in_node: Callable[[str], None]) -> None:
    run_in_node("connect-redis.test.js")
