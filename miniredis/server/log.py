"""redis-server's log lines: ``1234:M 24 Nov 2026 01:33:10.290 * Ready to accept connections``.

Every part of miniredis logs to the logger ``miniredis``; only a program that *is* the server (``python -m miniredis``)
sends that anywhere, by ``log_to``. Redis has four levels where Python has more.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Final

VERBOSE: Final = 15
"""Between Python's DEBUG and INFO; INFO is Redis's ``notice``."""

LEVELS: Final = {
    "debug": logging.DEBUG,
    "verbose": VERBOSE,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "nothing": logging.CRITICAL + 1,
}
"""What ``loglevel`` takes."""

_MARKS: Final = ((logging.WARNING, "#"), (logging.INFO, "*"), (VERBOSE, "-"), (logging.NOTSET, "."))

logger = logging.getLogger("miniredis")


class _RedisFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        day = time.strftime("%d %b %Y %H:%M:%S", time.localtime(record.created))
        mark = next(mark for level, mark in _MARKS if record.levelno >= level)
        line = f"{os.getpid()}:M {day}.{int(record.msecs):03} {mark} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def log_to(path: str, level: str) -> logging.Handler:
    """Write what is logged to the file at *path*, or to standard error if that is empty, from *level* on.

    Raises ``OSError`` when the file cannot be opened for appending.
    """
    handler = logging.FileHandler(path, encoding="utf-8") if path else logging.StreamHandler()
    handler.setFormatter(_RedisFormatter())
    logger.addHandler(handler)
    logger.setLevel(LEVELS[level])
    logger.propagate = False
    return handler
