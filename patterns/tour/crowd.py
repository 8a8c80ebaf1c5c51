"""A crowd: callers that begin at the same moment, each on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable


def all_at_once(callers: list[Callable[[], object]]) -> None:
    """Call all of them at once; returns when the last has ended. Raises the first error of any."""
    start = threading.Barrier(len(callers))
    errors: list[BaseException] = []

    def run(caller: Callable[[], object]) -> None:
        start.wait()
        try:
            caller()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[caller], daemon=True) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
