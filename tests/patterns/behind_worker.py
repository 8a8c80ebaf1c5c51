"""A worker of write-behind in a process of its own, to be killed: ``python -m tests.patterns.behind_worker URL FILE``.

The file is the database: a line for each write, which is there when the writer returns.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import patterns


def main() -> None:
    url, path = sys.argv[1:]
    database = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def writer(writes: Sequence[patterns.Write]) -> None:
        for write in writes:
            os.write(database, json.dumps([write.key, write.value, write.version]).encode() + b"\n")

    cache = patterns.Cache(patterns.connect(url))
    patterns.WriteBehind(cache, writer, batch=5, lock=0.2).run()


if __name__ == "__main__":
    main()
