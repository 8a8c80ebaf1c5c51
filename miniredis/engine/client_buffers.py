"""What a client takes in Redis: its query buffer, its reply buffer, its queue and the rest that ``tot-mem`` adds up.

The buffers here are Python's; what CLIENT LIST shows, and ``maxmemory-clients`` limits, are those that Redis would have
for the same traffic. Redis gives each client buffers at once, makes them larger when something does not fit, and looks
after each client ten times a second to make them smaller again. That is reckoned here when somebody looks, so that the
ordinary request costs nothing: a driver only tells of requests that did not come whole, and of replies that would not
fit into the smallest buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.engine.memory_usage import DICT_ENTRY, DICT_SLOT, allocated, slots
from miniredis.engine.record import record

if TYPE_CHECKING:
    from miniredis.engine.session import Session

SMALLEST_REPLY_BUFFER: Final = 1024
LARGEST_REPLY_BUFFER: Final = 16384

QUERY_BUFFER: Final = 20474
"""Bytes that Redis sets aside to receive requests in, once a client has sent something."""

LARGE_ARGUMENT: Final = 32 * 1024
"""Room for a longer argument is made when its length has come."""

GREEDY_LIMIT: Final = 1 << 20
"""A query buffer grows to twice what is in it, beyond this by so much only."""

SDS_FRAME: Final = 10
"""Bytes of a large string's header and of its NUL."""

KEPT_FREE: Final = 4096
"""So much room is never taken from a query buffer."""

LOOK_INTERVAL: Final = 100
"""Milliseconds between two of Redis's looks at a client."""

LOOKS: Final = 3
"""After so many looks nothing more changes if the client does nothing."""

IDLE_SECONDS: Final = 2
"""A client that was silent for longer loses its query buffer."""

PEAK_RESET_TIME: Final = 5000

FOOTPRINT: Final = 768
VALKEY_FOOTPRINT: Final = 584
"""Bytes that a client takes besides its buffers."""

ARGUMENT: Final = 8
QUEUED_COMMAND: Final = 24
VALKEY_QUEUED_COMMAND: Final = 32
WATCHED_KEY: Final = 24 + 32
LIST_NODE: Final = 24
REPLY_BLOCK: Final = 16


@record
class ReplyBufferSettings:
    """What ``DEBUG REPLYBUFFER`` sets: milliseconds after which a peak is forgotten (None: never), and whether reply
    buffers change their size at all."""

    peak_reset_time: int | None = PEAK_RESET_TIME
    resizing: bool = True


class ClientBuffers:
    """The buffers of one client as Redis would have them.

    - *reply_size*, *reply_peak*: of the buffer for replies (``rbs``, ``rbp``).
    - *query_capacity*: of the buffer for requests (``qbuf`` and ``qbuf-free`` together).

    All are in bytes, and as they were when :meth:`look` was last called.
    """

    __slots__ = ("_looked_at", "_peak_reset_at", "_query_peak", "_seen", "query_capacity", "reply_peak", "reply_size")

    def __init__(self, now: int) -> None:
        self.reply_size = self.reply_peak = LARGEST_REPLY_BUFFER
        self.query_capacity = 0
        self._query_peak = 0
        self._looked_at = now
        self._peak_reset_at = 0  # Redis, too, forgets the first peak when it first looks
        self._seen = -1

    def note_request(self, buffered: int, awaited: int) -> None:
        """Note that *buffered* bytes wait for more, of an argument of *awaited* bytes if that is known."""
        self._query_peak = max(self._query_peak, buffered)
        wanted = self.query_capacity
        if awaited >= LARGE_ARGUMENT:
            wanted = awaited
        elif buffered > self.query_capacity:
            wanted = buffered + min(buffered, GREEDY_LIMIT)
        if wanted > self.query_capacity:
            self.query_capacity = max(allocated(wanted + SDS_FRAME) - SDS_FRAME, QUERY_BUFFER)

    def note_replies(self, size: int) -> None:
        """Note that *size* bytes of replies were written at once."""
        self.reply_peak = max(self.reply_peak, min(size, self.reply_size))

    def look(self, session: Session) -> None:
        """Do what Redis has done about these buffers of *session* until now."""
        looks = (session.engine.now - self._looked_at) // LOOK_INTERVAL
        if looks > 0:
            self._look(session, min(looks, LOOKS))
        has_sent = session.last_command != "NULL" and session.last_interaction != self._seen
        if has_sent and not session.engine.version.is_valkey:  # Valkey receives into one buffer for all
            self.query_capacity = max(self.query_capacity, QUERY_BUFFER)

    def _look(self, session: Session, times: int) -> None:
        engine = session.engine
        self._looked_at = engine.now
        idle = engine.second - session.last_interaction // 1000
        buffered, awaited = session.query_buffer(), session.unfinished_request()[0]
        if idle > IDLE_SECONDS:
            self._seen = session.last_interaction
        for _ in range(times):
            self._resize_query_buffer(buffered, awaited, idle)
            if engine.client_memory.reply_buffers.resizing:
                self._resize_reply_buffer(engine.now, engine.client_memory.reply_buffers.peak_reset_time)

    def _resize_query_buffer(self, buffered: int, awaited: int, idle: int) -> None:
        capacity = self.query_capacity
        if capacity - buffered > KEPT_FREE:
            if idle > IDLE_SECONDS:
                self.query_capacity = buffered
            elif capacity > LARGE_ARGUMENT and capacity // 2 > self._query_peak:
                self.query_capacity = max(buffered, awaited, self._query_peak)
        self._query_peak = max(buffered, awaited)

    def _resize_reply_buffer(self, now: int, peak_reset_time: int | None) -> None:
        size = self.reply_size
        if size // 2 >= SMALLEST_REPLY_BUFFER and self.reply_peak < size // 2:
            self.reply_size = allocated(max(SMALLEST_REPLY_BUFFER, self.reply_peak + 1))
        elif size < LARGEST_REPLY_BUFFER and self.reply_peak == size:
            self.reply_size = min(LARGEST_REPLY_BUFFER, size * 2)
        if peak_reset_time is not None and now - self._peak_reset_at >= peak_reset_time:
            self.reply_peak, self._peak_reset_at = 0, now


@record
class ClientUsage:
    """What one client takes, in bytes, by the names of CLIENT LIST."""

    query_capacity: int
    argv: int
    queue: int
    output_nodes: int
    output: int
    total: int


def measure(session: Session, argv: list[bytes] | None = None) -> ClientUsage:
    """What *session* takes now; *argv* is the command that it is running, if that is known."""
    buffers, is_valkey = session.buffers, session.engine.version.is_valkey
    buffers.look(session)
    if argv is None and session.blocked is not None:
        argv = session.blocked.argv
    arguments = sum(map(len, argv)) if argv else session.unfinished_request()[1]
    transaction = session.transaction
    queued = transaction.queue if transaction is not None else []
    queue = sum(len(word) + ARGUMENT for _, words in queued for word in words)
    queue_overhead = _queue_slots(len(queued)) * (VALKEY_QUEUED_COMMAND if is_valkey else QUEUED_COMMAND)
    unsent, nodes, output = session.output_buffer(), 0, 0
    if unsent > buffers.reply_size:
        nodes, output = 1, allocated(unsent + REPLY_BLOCK) + LIST_NODE
    total = (
        (VALKEY_FOOTPRINT if is_valkey else FOOTPRINT)
        + buffers.reply_size
        + (allocated(buffers.query_capacity + 1) if buffers.query_capacity or not is_valkey else 0)
        + arguments
        + (len(argv) * ARGUMENT if argv else 0)
        + queue
        + queue_overhead
        + len(session.watched) * WATCHED_KEY
        + len(session.patterns) * LIST_NODE
        + _table(len(session.channels))
        + _table(len(session.shard_channels))
        + output
    )
    return ClientUsage(buffers.query_capacity, arguments, queue, nodes, output, total)


def _queue_slots(count: int) -> int:
    """For how many commands Redis makes room in a queue of *count*."""
    return max(2, 1 << (count - 1).bit_length()) if count else 0


def _table(count: int) -> int:
    return count * DICT_ENTRY + slots(count) * DICT_SLOT if count else 0
