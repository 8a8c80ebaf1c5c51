"""All of a dataset as plain text, to print it, to keep it beside a test, to compare it::

    db0 "greeting" = "hello"
    db0 "queue" list
        "a"
        "b"
    db0 "session" = "abc" until 2026-11-30T12:00:00.000Z

The rule of this file: equal datasets have equal dumps. Keys stand in the order of their bytes, times are absolute.
"""

from __future__ import annotations

from collections.abc import Iterator

from miniredis.engine.engine import Engine
from miniredis.testing.description import describe
from miniredis.testing.transcript import quoted_whole


def dump(engine: Engine) -> str:
    """The dataset of *engine*, functions included; empty for an empty one."""
    engine.run_due()
    return "".join(f"{line}\n" for line in _lines(engine))


def _lines(engine: Engine) -> Iterator[str]:
    for database in engine.databases:
        for key in sorted(database.data):
            if database.is_past(key):
                continue
            description = describe(database.data[key], database.expires.get(key), engine.now)
            yield f"db{database.number} {quoted_whole(key)} {description.head()}"
            for line in description.details():
                yield f"    {line}"
    for code in sorted(engine.function_codes()):
        yield "functions"
        for line in code.decode(errors="backslashreplace").splitlines():
            yield f"    {line}"
