"""What an engine counts: the figures behind INFO's ``Stats``, ``Commandstats`` and ``Errorstats`` sections."""

from __future__ import annotations


class Statistics:
    """Counters since the start or the last ``CONFIG RESETSTAT``."""

    __slots__ = (
        "connections_received",
        "errors",
        "evicted_keys",
        "expired_keys",
        "expired_stale_perc",
        "expired_time_cap_reached",
        "input_bytes",
        "keyspace_hits",
        "keyspace_misses",
        "output_bytes",
        "reads_processed",
        "rejected_connections",
        "unexpected_errors",
        "writes_processed",
    )

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.connections_received = 0
        self.rejected_connections = 0
        self.keyspace_hits = 0
        self.keyspace_misses = 0
        self.expired_keys = 0
        self.expired_stale_perc = 0.0
        self.expired_time_cap_reached = 0
        self.evicted_keys = 0
        self.input_bytes = 0
        self.output_bytes = 0
        self.reads_processed = 0
        self.writes_processed = 0
        self.unexpected_errors = 0
        self.errors: dict[bytes, int] = {}

    def count_error(self, code: bytes) -> None:
        """Count an error reply under its code (``b"ERR"``, ``b"WRONGTYPE"``)."""
        self.errors[code] = self.errors.get(code, 0) + 1
