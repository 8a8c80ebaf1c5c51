"""Streams: adding entries, reading ranges of them, removing them.

What an entry's id may be is said in :mod:`miniredis.commands.stream_ids`. Ids made here come from the engine's clock,
and never go back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from miniredis.commands.stream_ids import range_end, range_start, stream_id
from miniredis.commands.streams_propagation import with_exact_trim
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.config import Config
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from miniredis.structures.stream import LARGEST_NODE, MAX_ID, MAX_PART, Entry, Stream, format_id

NOT_GREATER: Final = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
REFERENCES: Final = (b"KEEPREF", b"DELREF", b"ACKED")
"""What becomes of references in groups to an entry that is to go: they stay, they go too, or as long as there are any
the entry stays."""

TOO_LARGE: Final = "ERR Elements are too large to be stored"


def entry_reply(entry: Entry) -> list[Reply]:
    """An entry as clients get it: its id, and its fields and values by turns."""
    return [format_id(entry[0]), entry[1]]


def entry_replies(entries: Iterable[Entry]) -> list[Reply]:
    """Several entries as clients get them."""
    return [[format_id(entry_id), fields] for entry_id, fields in entries]


# Trimming


@record
class Trim:
    """How far XADD and XTRIM shall trim: to *length* entries, or up to the id *minimum*; one of them is None.

    *position* is where that stands among the arguments; *references* says, since Redis 8.2, what shall become of
    references to an entry in groups: one of :data:`REFERENCES`, or nothing.
    """

    length: int | None = None
    minimum: int | None = None
    approximate: bool = False
    limit: int | None = None
    position: int = 0
    references: bytes = b""

    @property
    def is_given(self) -> bool:
        """Whether there is anything to do at all."""
        return self.length is not None or self.minimum is not None

    def apply(self, stream: Stream) -> int:
        """Trim *stream*; returns how many entries have gone."""
        limit = self.limit or 0
        if self.references not in (b"", b"KEEPREF"):
            return self._apply_to_each(stream)
        if self.length is not None:
            return stream.trim_to_length(self.length, approximate=self.approximate, limit=limit)
        if self.minimum is not None:
            return stream.trim_below(self.minimum, approximate=self.approximate, limit=limit)
        return 0

    def _apply_to_each(self, stream: Stream) -> int:
        """Trim *stream* entry by entry, with regard to who refers to them: approximately that means not at all."""
        if not self.is_given or self.approximate:
            return 0
        is_acked = self.references == b"ACKED"
        gone = stream.trim_each(
            length=self.length or 0,
            minimum=self.minimum,
            may_go=lambda entry_id: not (is_acked and stream.is_referenced(entry_id)),
        )
        for entry_id in gone:
            stream.forget_references(entry_id)
        return len(gone)

    def check(self, config: Config) -> None:
        """Refuse options that do not go together, and find the limit that is meant where none is given."""
        if self.limit and not self.is_given:
            raise Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
        if self.limit is not None and not self.approximate:
            raise Error("ERR syntax error, LIMIT cannot be used without the special ~ option")
        if self.limit is None and self.approximate:
            limit = 100 * config.stream_node_max_entries
            self.limit = min(limit, 1_000_000) if limit else 10_000


NO_TRIM: Final = Trim()
"""Of an XADD without options."""


def _parse_trim_option(client: Session, trim: Trim, argv: list[bytes], position: int) -> int:
    """Read the option at *position*, if it is one of trimming, into *trim*; the position behind it, or the same one."""
    token = argv[position].upper()
    after = position + 1
    if token in REFERENCES and not trim.references and client.engine.version.redis >= (8, 2):
        trim.references = token
        return after
    if after >= len(argv):
        return position
    if token == b"LIMIT":
        trim.limit = integer(argv[after])
        if trim.limit < 0:
            raise Error("ERR The LIMIT argument must be >= 0.")
        return after + 1
    if token not in (b"MAXLEN", b"MINID"):
        return position
    if trim.is_given:
        raise Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
    if argv[after] in (b"~", b"=") and after + 1 < len(argv):
        trim.approximate = argv[after] == b"~"
        after += 1
    trim.position = after
    if token == b"MINID":
        trim.minimum = stream_id(argv[after])
    else:
        trim.length = integer(argv[after])
        if trim.length < 0:
            raise Error("ERR The MAXLEN argument must be >= 0.")
    return after + 1


# Adding


@record
class NewId:
    """The id that XADD is given: all of it, its milliseconds alone (``5-*``), or nothing (``*``: *given* is None)."""

    given: int | None
    has_sequence: bool = True

    @classmethod
    def parse(cls, text: bytes) -> NewId:
        """Read XADD's argument."""
        if text == b"*":
            return cls(None)
        if text.endswith(b"-*") and text.count(b"-") == 1:
            return cls(stream_id(text[:-2]), has_sequence=False)
        return cls(stream_id(text))

    def choose(self, client: Session, stream: Stream) -> int:
        """The id for an entry that comes now. Raises the error that Redis gives where it is not a new one."""
        if self.given is None:
            entry_id = stream.next_id(client.engine.now)
        elif self.has_sequence or self.given >> 64 != stream.last_id >> 64:
            entry_id = self.given
        elif stream.last_id & MAX_PART == MAX_PART and client.engine.version.redis < (7, 2):
            raise Error(TOO_LARGE)  # it reports an error of this kind, but says what another one is
        else:
            entry_id = stream.last_id + 1 if stream.last_id & MAX_PART != MAX_PART else 0
        if entry_id <= stream.last_id:
            raise Error(NOT_GREATER)
        return entry_id


@command(
    "XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id>"
    " field value [field value ...]",
    arity=-5,
    summary="Appends a new message to a stream. Creates the key if it doesn't exist.",
    since="5.0.0",
    group="stream",
    complexity="O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
    flags="write denyoom fast",
    categories="stream",
    keys=[
        key_range("RW update", 1, notes="UPDATE instead of INSERT because of the optional trimming feature"),
    ],
    tips=["nondeterministic_output"],
    history=[
        ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
        ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
    ],
    names=["condition", "trim", "strategy", "operator", "id-selector", "data"],
    details={
        "NOMKSTREAM": "since=6.2.0",
        "condition": "since=8.2.0",
        "MINID": "since=6.2.0",
        "LIMIT": "since=6.2.0",
    },
)
def xadd(client: Session, argv: list[bytes]) -> Reply:
    engine, db, key = client.engine, client.db, argv[1]
    position, creates, trim = (2, True, NO_TRIM) if argv[2] == b"*" else _parse_add_options(client, argv)
    new_id = NewId.parse(argv[position]) if position < len(argv) else NewId(None)
    if trim is not NO_TRIM:
        trim.check(engine.config)
    entry = argv[position + 1 :]
    if not entry or len(entry) % 2:
        raise errors.wrong_arity("xadd")
    if new_id.given == 0 and new_id.has_sequence:
        raise Error("ERR The ID specified in XADD must be greater than 0-0")
    stream = db.write_as(key, Stream)
    if stream is None:
        if not creates:
            return None
        stream = Stream()
        db.add(key, stream)
    if stream.last_id == MAX_ID:
        raise Error("ERR The stream has exhausted the last possible ID, unable to add more items")
    entry_id = new_id.choose(client, stream)
    if sum(map(len, entry)) > LARGEST_NODE:
        raise Error(TOO_LARGE)
    stream.append(entry_id, entry, engine.config.stream_node_max_bytes, engine.config.stream_node_max_entries)
    db.changed(key, notifications.STREAM, b"xadd")
    if trim.apply(stream):
        db.notify(notifications.STREAM, b"xtrim", key)
    if engine.propagation.active:
        words = list(argv)
        if trim.approximate:
            words = with_exact_trim(argv, stream, trim.position, by_length=trim.length is not None)
        words[position] = format_id(entry_id)
        engine.propagation.rewrite(words)
    if key in db.waiting:
        engine.blocked_clients.signal_ready(db, key)
    return format_id(entry_id)


def _parse_add_options(client: Session, argv: list[bytes]) -> tuple[int, bool, Trim]:
    """What stands before the id: the id's position, whether a stream may be created, and how to trim."""
    creates, trim, position = True, Trim(), 2
    while position < len(argv):
        after = _parse_trim_option(client, trim, argv, position)
        if after > position:
            position = after
        elif argv[position].upper() == b"NOMKSTREAM":
            creates = False
            position += 1
        else:
            break
    return position, creates, trim


# Reading


@command(
    "XLEN key",
    arity=2,
    summary="Returns the number of messages in a stream.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="readonly fast",
    categories="stream",
    keys=[key_range("RO", 1)],
)
def xlen(client: Session, argv: list[bytes]) -> Reply:
    stream = client.db.read_as(argv[1], Stream)
    return 0 if stream is None else len(stream)


@command(
    "XRANGE key start end [COUNT count]",
    arity=-4,
    summary="Returns the messages from a stream within a range of IDs.",
    since="5.0.0",
    group="stream",
    complexity=(
        "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first"
        " 10 elements with COUNT), you can consider it O(1)."
    ),
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 1)],
    history=[
        ("6.2.0", "Added exclusive ranges."),
    ],
    details={"start": "type=string", "end": "type=string"},
)
def xrange(client: Session, argv: list[bytes]) -> Reply:
    start, end = range_start(argv[2]), range_end(argv[3])
    return _range(client, argv, start, end, Stream.range)


@command(
    "XREVRANGE key end start [COUNT count]",
    arity=-4,
    summary="Returns the messages from a stream within a range of IDs in reverse order.",
    since="5.0.0",
    group="stream",
    complexity=(
        "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10"
        " elements with COUNT), you can consider it O(1)."
    ),
    flags="readonly",
    categories="stream",
    keys=[key_range("RO access", 1)],
    history=[
        ("6.2.0", "Added exclusive ranges."),
    ],
    details={"end": "type=string", "start": "type=string"},
)
def xrevrange(client: Session, argv: list[bytes]) -> Reply:
    start, end = range_start(argv[3]), range_end(argv[2])
    return _range(client, argv, start, end, Stream.reversed_range)


def _range(
    client: Session, argv: list[bytes], start: int, end: int, read: Callable[[Stream, int, int, int], list[Entry]]
) -> Reply:
    count: int | None = None
    for position in range(4, len(argv), 2):
        if argv[position].upper() != b"COUNT" or position + 1 == len(argv):
            raise errors.syntax_error()
        count = max(integer(argv[position + 1]), 0)
    stream = client.db.read_as(argv[1], Stream)
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    return entry_replies(read(stream, start, end, count or 0))


# Removing


@command(
    "XDEL key id [id ...]",
    arity=-3,
    summary="Returns the number of messages after removing them from a stream.",
    since="5.0.0",
    group="stream",
    complexity="O(1) for each single item to delete in the stream, regardless of the stream size.",
    flags="write fast",
    categories="stream",
    keys=[key_range("RW delete", 1)],
)
def xdel(client: Session, argv: list[bytes]) -> Reply:
    db, key = client.db, argv[1]
    stream = db.write_as(key, Stream)
    if stream is None:
        return 0
    ids = [stream_id(text) for text in argv[2:]]
    deleted = sum(map(stream.delete, ids))
    if deleted:
        db.changed(key, notifications.STREAM, b"xdel", dirty=deleted)
    return deleted


@command(
    "XTRIM key <<MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]>",
    arity=-4,
    summary="Deletes messages from the beginning of a stream.",
    since="5.0.0",
    group="stream",
    complexity=(
        "O(N), with N being the number of evicted entries. Constant times are very small however, since entries are"
        " organized in macro nodes containing multiple entries that can be released with a single deallocation."
    ),
    flags="write",
    categories="stream",
    keys=[key_range("RW delete", 1)],
    tips=["nondeterministic_output"],
    history=[
        ("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."),
        ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
    ],
    names=["trim", "strategy", "operator", "condition"],
    details={"MINID": "since=6.2.0", "LIMIT": "since=6.2.0", "condition": "since=8.2.0"},
)
def xtrim(client: Session, argv: list[bytes]) -> Reply:
    db, key = client.db, argv[1]
    trim, position = Trim(), 2
    while position < len(argv):
        after = _parse_trim_option(client, trim, argv, position)
        if after == position:
            raise errors.syntax_error()
        position = after
    if not trim.is_given and not trim.limit:
        raise Error("ERR syntax error, XTRIM must be called with a trimming strategy")
    trim.check(client.engine.config)
    stream = db.write_as(key, Stream)
    trimmed = 0 if stream is None else trim.apply(stream)
    if stream is not None and trimmed:
        if trim.approximate:
            words = with_exact_trim(argv, stream, trim.position, by_length=trim.length is not None)
            propagation.rewrite(client, *words)
        db.changed(key, notifications.STREAM, b"xtrim", dirty=trimmed)
    return trimmed


@command(
    "XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
    arity=-3,
    summary="An internal command for replicating stream values.",
    since="5.0.0",
    group="stream",
    complexity="O(1)",
    flags="write denyoom fast",
    categories="stream",
    keys=[key_range("RW update", 1)],
    history=[
        ("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."),
    ],
    details={"ENTRIESADDED": "since=7.0.0", "MAXDELETEDID": "since=7.0.0"},
)
def xsetid(client: Session, argv: list[bytes]) -> Reply:
    last_id = stream_id(argv[2])
    entries_added, max_deleted_id = _parse_set_id_options(argv, last_id)
    stream = client.db.write_as(argv[1], Stream)
    if stream is None:
        raise Error(errors.NO_SUCH_KEY)
    if last_id < stream.max_deleted_id and client.engine.version.redis >= (7, 2):
        raise Error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if len(stream):
        if last_id < stream.last_valid_id():
            raise Error("ERR The ID specified in XSETID is smaller than the target stream top item")
        if entries_added is not None and entries_added < len(stream):
            raise Error("ERR The entries_added specified in XSETID is smaller than the target stream length")
    stream.last_id = last_id
    if entries_added is not None:
        stream.entries_added = entries_added
    if max_deleted_id:
        stream.max_deleted_id = max_deleted_id
    client.engine.dirty += 1
    client.db.notify(notifications.STREAM, b"xsetid", argv[1])
    return OK


def _parse_set_id_options(argv: list[bytes], last_id: int) -> tuple[int | None, int]:
    """Entries added (None where not given) and the greatest deleted id (0 where not given)."""
    entries_added, max_deleted_id = None, 0
    for position in range(3, len(argv), 2):
        token = argv[position].upper()
        if position + 1 == len(argv) or token not in (b"ENTRIESADDED", b"MAXDELETEDID"):
            raise errors.syntax_error()
        if token == b"ENTRIESADDED":
            entries_added = integer(argv[position + 1])
            if entries_added < 0:
                raise Error("ERR entries_added must be positive")
        else:
            max_deleted_id = stream_id(argv[position + 1])
            if last_id < max_deleted_id:
                raise Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
    return entries_added, max_deleted_id
