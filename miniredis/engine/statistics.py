"""What an engine counts: the figures behind INFO's ``Stats``, ``Commandstats`` and ``Errorstats`` sections."""

from __future__ import annotations

from typing import Final

from miniredis.engine.record import record

RATE_INTERVAL: Final = 100_000_000
"""Nanoseconds between two looks at the counters at the least, as in Redis; sooner, the last rates still hold."""


@record
class Rates:
    """What happened per second since somebody last asked."""

    commands: float = 0.0
    input_bytes: float = 0.0
    output_bytes: float = 0.0


class Statistics:
    """Counters since the start or the last ``CONFIG RESETSTAT``; ``access_denied`` since the start."""

    __slots__ = (
        "_rates",
        "_sample",
        "access_denied",
        "connections_received",
        "errors",
        "evicted_clients",
        "evicted_keys",
        "expired_fields",
        "expired_keys",
        "input_bytes",
        "keyspace_hits",
        "keyspace_misses",
        "lazyfreed_objects",
        "output_bytes",
        "reads_processed",
        "rejected_connections",
        "writes_processed",
    )

    def __init__(self) -> None:
        self._rates = Rates()
        self._sample: tuple[int, int, int, int] | None = None
        self.access_denied = dict.fromkeys(("auth", "command", "key", "channel", "database"), 0)
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._sample = None
        self.connections_received = 0
        self.rejected_connections = 0
        self.keyspace_hits = 0
        self.keyspace_misses = 0
        self.expired_keys = 0
        self.expired_fields = 0
        self.lazyfreed_objects = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.input_bytes = 0
        self.output_bytes = 0
        self.reads_processed = 0
        self.writes_processed = 0
        self.errors: dict[bytes, int] = {}

    def count_error(self, code: bytes) -> None:
        """Count an error reply under its code (``b"ERR"``, ``b"WRONGTYPE"``)."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def rates(self, nanoseconds: int, commands: int) -> Rates:
        """The rates between this call and the last one, at the time *nanoseconds* and with *commands* run in all.

        Redis looks every 100 ms; an engine has no such cron, so that the rates are those between two calls of INFO.
        """
        if self._sample is None or nanoseconds - self._sample[0] >= RATE_INTERVAL:
            sample = (nanoseconds, commands, self.input_bytes, self.output_bytes)
            if self._sample is not None:
                seconds = (nanoseconds - self._sample[0]) / 1e9
                self._rates = Rates(
                    *((now - before) / seconds for now, before in zip(sample[1:], self._sample[1:], strict=True))
                )
            self._sample = sample
        return self._rates
