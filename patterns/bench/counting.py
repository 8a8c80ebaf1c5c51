"""How many commands a server has executed, by its own count.

The rule of this file: what a connection says when it is set up, and what is asked in order to count, does not count.
What scripts call does.
"""

from __future__ import annotations

from typing import Any, Final

SET_UP: Final = ("hello", "auth", "select", "ping", "command", "info", "config")
"""Commands that do not count; nor does anything of CLIENT."""


def commands(client: Any) -> dict[str, int]:
    """Calls until now, by the command's name."""
    counted = {}
    for name, stats in client.info("commandstats").items():
        command = name.removeprefix("cmdstat_")
        if command.partition("|")[0] not in (*SET_UP, "client"):
            counted[command] = int(stats["calls"])
    return counted


def total(client: Any) -> int:
    """All of them."""
    return sum(commands(client).values())
