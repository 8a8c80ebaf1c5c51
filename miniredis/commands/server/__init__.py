"""The commands about the server itself, one module per idea: configuration, statistics, databases, logs, debugging."""

from miniredis.commands.server import (
    clock,
    config,
    databases,
    debug,
    info,
    latency,
    lolwut,
    memory,
    module,
    monitor,
    persistence,
    replication,
    shutdown,
    slowlog,
    synchronization,
)

__all__ = [
    "clock",
    "config",
    "databases",
    "debug",
    "info",
    "latency",
    "lolwut",
    "memory",
    "module",
    "monitor",
    "persistence",
    "replication",
    "shutdown",
    "slowlog",
    "synchronization",
]
