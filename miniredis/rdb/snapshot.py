"""A whole dataset as one RDB file: what SAVE writes, what a replica begins with, what a server loads when it starts.

A file is a signature with the version of the format, then items that each begin with a byte: an opcode, or the type of
a key's value. It ends with an opcode and the checksum of all before it. What says something about the next key (when it
expires, how long it was idle) stands before that.

Reading has two steps, so that no dataset is ever half of a file: :func:`parse` reads all of it or raises
:class:`RdbError`, :func:`apply` then replaces the keys there are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol

from miniredis.rdb import values
from miniredis.rdb.crc64 import crc64
from miniredis.rdb.errors import EmptyKeyError, RdbError
from miniredis.rdb.payload import FIRST_FOREIGN, LAST_FOREIGN, is_readable
from miniredis.rdb.reader import Reader
from miniredis.rdb.values import Context, Limits, Version
from miniredis.rdb.writer import Writer

logger = logging.getLogger("miniredis")


class Opcode(IntEnum):
    """What begins an item that is no key."""

    SLOT_INFO = 244
    FUNCTION2 = 245
    FUNCTION_PRE_GA = 246
    MODULE_AUX = 247
    IDLE = 248
    FREQ = 249
    AUX = 250
    RESIZEDB = 251
    EXPIRETIME_MS = 252
    EXPIRETIME = 253
    SELECTDB = 254
    EOF = 255


SIGNATURE_SIZE: Final = 9
FIRST_WITH_CHECKSUM: Final = 5

_MODULE_PARTS: Final = {3: 4, 4: 8}
"""Opcodes of a module's numbers, and their bytes; 1 and 2 are integers like lengths, 5 is a string."""


class Keyspace(Protocol):
    """A database of a dataset."""

    @property
    def number(self) -> int: ...
    @property
    def data(self) -> Mapping[bytes, Any]: ...
    @property
    def expires(self) -> Mapping[bytes, int]: ...
    @property
    def access(self) -> Mapping[bytes, int]: ...
    def flush(self) -> int: ...
    def frequency(self, key: bytes) -> int: ...
    def load(
        self, key: bytes, value: Any, expires_at: int | None, idle: int | None, frequency: int | None = None
    ) -> None: ...


class Settings(Limits, Protocol):
    """The directives that matter here."""

    @property
    def maxmemory_policy(self) -> str: ...
    @property
    def rdbchecksum(self) -> bool: ...
    @property
    def rdbcompression(self) -> bool: ...


class Dataset(Protocol):
    """All databases of a server, and what the server is: an engine."""

    @property
    def databases(self) -> Sequence[Keyspace]: ...
    @property
    def config(self) -> Settings: ...
    @property
    def version(self) -> ServerVersion: ...
    @property
    def now(self) -> int: ...


class ServerVersion(Version, Protocol):
    """What a file says of who wrote it."""

    @property
    def family(self) -> str: ...
    @property
    def number(self) -> tuple[int, int, int]: ...


class Item(NamedTuple):
    """A key, its value, when it ends (milliseconds since the epoch; None: never), how many seconds it was idle, and how
    often it was used, by Redis's logarithmic counter."""

    key: bytes
    value: Any
    expires_at: int | None
    idle: int | None
    frequency: int | None


class Snapshot:
    """What was in a file.

    - *databases*: their keys, by their numbers.
    - *aux*: what the file says about itself.
    - *functions*: the code of each function library.
    - *expired*: how many keys were left out because their time has passed.
    """

    def __init__(self) -> None:
        self.databases: dict[int, list[Item]] = {}
        self.aux: dict[bytes, bytes] = {}
        self.functions: list[bytes] = []
        self.expired = 0

    def __len__(self) -> int:
        return sum(map(len, self.databases.values()))


# Writing


def dump(dataset: Dataset, *, aux: Iterable[tuple[bytes, bytes]] = (), functions: Iterable[bytes] = ()) -> bytes:
    """The RDB file of *dataset*. *aux*: further fields that it shall say about itself, such as ``repl-id``."""
    config, version = dataset.config, dataset.version
    writer = Writer(compress=config.rdbcompression)
    writer.raw(b"VALKEY%03d" % version.rdb_version if version.is_valkey else b"REDIS%04d" % version.rdb_version)
    release = ".".join(map(str, version.number)).encode()
    about = [(b"%b-ver" % version.family.encode(), release), (b"redis-bits", b"64")]
    about += [(b"ctime", b"%d" % (dataset.now // 1000)), *aux, (b"aof-base", b"0")]
    for name, value in about:
        writer.byte(Opcode.AUX)
        writer.string(name)
        writer.string(value)
    for code in functions:
        writer.byte(Opcode.FUNCTION2)
        writer.string(code)
    for database in dataset.databases:
        if database.data:
            _dump_database(writer, database, dataset)
    writer.byte(Opcode.EOF)
    writer.raw((crc64(writer.data) if config.rdbchecksum else 0).to_bytes(8, "little"))
    return bytes(writer.data)


def _dump_database(writer: Writer, database: Keyspace, dataset: Dataset) -> None:
    writer.byte(Opcode.SELECTDB)
    writer.length(database.number)
    writer.byte(Opcode.RESIZEDB)
    writer.length(len(database.data))
    writer.length(len(database.expires))
    version, expires = dataset.version, database.expires
    policy = dataset.config.maxmemory_policy
    tells_idle_times, tells_frequencies = policy.endswith("lru"), policy.endswith("lfu")
    second = dataset.now // 1000
    for key, value in database.data.items():
        if key in expires:
            writer.byte(Opcode.EXPIRETIME_MS)
            writer.milliseconds(expires[key])
        if tells_idle_times:
            writer.byte(Opcode.IDLE)
            writer.length(max(second - database.access[key], 0))
        if tells_frequencies:
            writer.byte(Opcode.FREQ)
            writer.byte(database.frequency(key))
        writer.byte(values.type_of(value, version))
        writer.string(key)
        values.save(writer, value, version)


# Reading


def load(dataset: Dataset, data: bytes, *, keep_expired: bool = False) -> Snapshot:
    """Replace all keys of *dataset* with those of the RDB file *data*; returns what else was in it.

    Raises :class:`RdbError`, and then nothing is changed. *keep_expired*: as a replica does, which leaves it to its
    master to say so.
    """
    snapshot = parse(data, dataset, keep_expired=keep_expired)
    apply(snapshot, dataset)
    return snapshot


def apply(snapshot: Snapshot, dataset: Dataset, *, flush: bool = True) -> None:
    """Put the keys of *snapshot* into *dataset*, in place of those there are, or, without *flush*, beside them."""
    if flush:
        for database in dataset.databases:
            database.flush()
    for number, items in snapshot.databases.items():
        put = dataset.databases[number].load
        for item in items:
            put(*item)


def parse(data: bytes, dataset: Dataset, *, keep_expired: bool = False, check: bool = True) -> Snapshot:
    """Read the RDB file *data* as *dataset* would have it, and change nothing. Raises :class:`RdbError`.

    *keep_expired*: see :func:`load`. *check*: look at the checksum, if ``rdbchecksum`` says so, too.
    """
    parser = _Parser(data, dataset, keep_expired, check)
    try:
        return parser.parse()
    except RdbError as error:
        raise RdbError(f"[offset {parser.position}] {error}") from None


def _rdb_version(signature: bytes, version: Version) -> int:
    """The version of the format that a file begins with."""
    digits = signature[5:] if signature.startswith(b"REDIS") else signature[6:]
    is_valkey = signature.startswith(b"VALKEY")
    if not (signature.startswith(b"REDIS") or (is_valkey and version.is_valkey)) or not digits.isdigit():
        raise RdbError("Wrong signature trying to load DB from file")
    number = int(digits)
    is_foreign_signature = (number < FIRST_FOREIGN and is_valkey) or (number > LAST_FOREIGN and not is_valkey)
    if not number or is_foreign_signature or not is_readable(number, version):
        raise RdbError(f"Can't handle RDB format version {number}")
    return number


class _Parser:
    """Reads one file. What was said about the next key is kept until it comes."""

    def __init__(self, data: bytes, dataset: Dataset, keep_expired: bool, check: bool) -> None:
        self._reader = Reader(data)
        self._context = Context(dataset.version, dataset.config, None if keep_expired else dataset.now)
        self._databases = len(dataset.databases)
        self._checks = check and dataset.config.rdbchecksum
        self._now = dataset.now if not keep_expired else None
        self._snapshot = Snapshot()
        self._keys: set[bytes] = set()
        self._items: list[Item] = []
        self._seen: dict[int, set[bytes]] = {}
        self._select(0)
        self._expires_at: int | None = None
        self._idle: int | None = None
        self._frequency: int | None = None

    @property
    def position(self) -> int:
        """How far the file was read."""
        return self._reader.position

    def parse(self) -> Snapshot:
        reader = self._reader
        rdb_version = _rdb_version(reader.take(SIGNATURE_SIZE), self._context.version)
        while (kind := reader.byte()) != Opcode.EOF:
            if kind < Opcode.SLOT_INFO:
                self._read_key(kind)
            else:
                self._read_opcode(kind)
        if rdb_version >= FIRST_WITH_CHECKSUM:
            self._check(reader.position, int.from_bytes(reader.take(8), "little"))
        return self._snapshot

    def _check(self, end: int, stored: int) -> None:
        if not self._checks:
            return
        if not stored:
            logger.warning("RDB file was saved with checksum disabled: no check performed.")
        elif stored != (expected := crc64(memoryview(self._reader.data)[:end])):
            raise RdbError(f"Wrong RDB checksum expected: ({expected:x}) but got ({stored:x}). Aborting now.")

    def _read_opcode(self, opcode: int) -> None:
        reader = self._reader
        match opcode:
            case Opcode.EXPIRETIME_MS:
                self._expires_at = reader.milliseconds()
            case Opcode.EXPIRETIME:
                self._expires_at = 1000 * int.from_bytes(reader.take(4), "little", signed=True)
            case Opcode.IDLE:
                self._idle = reader.length()
            case Opcode.FREQ:
                self._frequency = reader.byte()
            case Opcode.SELECTDB:
                self._select(reader.length())
            case Opcode.RESIZEDB:
                reader.length()
                reader.length()
            case Opcode.AUX:
                name = reader.string()
                self._snapshot.aux[name] = reader.string()
            case Opcode.FUNCTION2:
                self._snapshot.functions.append(reader.string())
            case Opcode.MODULE_AUX:
                self._skip_module_aux()
            case Opcode.SLOT_INFO if self._context.version.rdb_version >= 12:
                for _ in range(3):
                    reader.length()
            case Opcode.FUNCTION_PRE_GA:
                raise RdbError("Pre-release function format not supported.")
            case _:
                raise RdbError(f"Unknown RDB encoding type {opcode}")

    def _skip_module_aux(self) -> None:
        """Pass over what a module has saved beside the keys: the module, when it was saved, and parts up to an end."""
        reader = self._reader
        reader.length()
        while part := reader.length():
            if part in (1, 2):
                reader.length()
            elif part in _MODULE_PARTS:
                reader.take(_MODULE_PARTS[part])
            elif part == 5:
                reader.string()
            else:
                raise RdbError("Unknown module opcode")

    def _select(self, number: int) -> None:
        if number >= self._databases:
            raise RdbError(
                "FATAL: Data file was created with a Redis server configured to handle more than "
                f"{self._databases} databases. Exiting"
            )
        self._items = self._snapshot.databases.setdefault(number, [])
        self._keys = self._seen.setdefault(number, set())

    def _read_key(self, kind: int) -> None:
        key = self._reader.string()
        expires_at, idle, frequency = self._expires_at, self._idle, self._frequency
        self._expires_at = self._idle = self._frequency = None
        try:
            value = values.load(self._reader, kind, self._context)
        except EmptyKeyError:
            logger.warning("rdbLoadObject skipping empty key: %s", key.decode(errors="backslashreplace"))
            return
        if self._now is not None and expires_at is not None and expires_at < self._now:
            self._snapshot.expired += 1
            return
        if key in self._keys:
            raise RdbError("Duplicated key found in RDB file")
        self._keys.add(key)
        self._items.append(Item(key, value, expires_at, idle, frequency))
