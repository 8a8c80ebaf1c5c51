"""HyperLogLogs: strings that count different elements, about.

What looks at one in place makes it ``raw``, as in Redis: PFCOUNT too, which keeps what it has computed in the string.
"""

from __future__ import annotations

from typing import Final

from miniredis.engine import errors, notifications
from miniredis.engine.command import command, key_range
from miniredis.engine.session import Session
from miniredis.engine.values import Value, is_string
from miniredis.resp.types import OK, Error, Reply, SimpleString
from miniredis.structures import hyperloglog
from miniredis.structures.hyperloglog import Data
from miniredis.structures.hyperloglog_dense import REGISTERS, maximum
from miniredis.structures.hyperloglog_sparse import CorruptedError

SELF_TEST_SIZES: Final = (1, 10, 100, 1000, 10_000)
"""After how many elements PFSELFTEST looks at the count. Redis goes to ten millions, which would take a minute here."""


@command(
    "PFADD key [element [element ...]]",
    arity=-2,
    summary="Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    since="2.8.9",
    group="hyperloglog",
    complexity="O(1) to add every element.",
    flags="write denyoom fast",
    categories="hyperloglog",
    keys=[key_range("RW insert", 1)],
)
def pfadd(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    data = _writable(client, key, db.write(key))
    changes = 0
    if data is None:
        data = hyperloglog.empty()
        hyperloglog.forget_count(data)
        db.add(key, data)
        changes = 1
    try:
        changes += hyperloglog.add(data, argv[2:], _sparse_limit(client))
    except CorruptedError:
        raise _corrupted() from None
    if changes:
        db.changed(key, notifications.STRING, b"pfadd", dirty=changes)
    return int(changes > 0)


@command(
    "PFCOUNT key [key ...]",
    arity=-2,
    summary="Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).",
    since="2.8.9",
    group="hyperloglog",
    complexity=(
        "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of"
        " keys, and much bigger constant times, when called with multiple keys."
    ),
    flags="readonly",
    categories="hyperloglog",
    keys=[
        key_range(
            "RW access",
            1,
            last=-1,
            notes="RW because it may change the internal representation of the key, and propagate to replicas",
        ),
    ],
)
def pfcount(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 2:
        registers, _ = _union(client, argv[1:])
        return _as_reply(hyperloglog.estimate(registers))
    key, db = argv[1], client.db
    db.unshare(key)  # the count is remembered in the value
    data = _writable(client, key, db.read(key))
    if data is None:
        return 0
    count = hyperloglog.cached_count(data)
    if count is None:
        try:
            count = hyperloglog.estimate(hyperloglog.registers_of(data))
        except CorruptedError:
            raise _corrupted() from None
        hyperloglog.cache_count(data, count)
        db.changed(key, notifications.NONE, b"")
    return _as_reply(count)


@command(
    "PFMERGE destkey [sourcekey [sourcekey ...]]",
    arity=-2,
    summary="Merges one or more HyperLogLog values into a single key.",
    since="2.8.9",
    group="hyperloglog",
    complexity="O(N) to merge N HyperLogLogs, but with high constant times.",
    flags="write denyoom",
    categories="hyperloglog",
    keys=[key_range("RW access insert", 1), key_range("RO access", 2, last=-1)],
)
def pfmerge(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    registers, any_dense = _union(client, argv[1:])
    data = _writable(client, key, db.write(key))
    if data is None:
        data = hyperloglog.empty()
        db.add(key, data)
    if any_dense:
        hyperloglog.to_dense(data)
    hyperloglog.raise_all(data, registers, _sparse_limit(client))
    db.changed(key, notifications.STRING, b"pfadd")
    return OK


def _sparse_limit(client: Session) -> int:
    return client.engine.config.hll_sparse_max_bytes


def _as_reply(count: int) -> int:
    """A count as the 64-bit integer with a sign that it is sent as."""
    return count - 2**64 if count >= 2**63 else count


def _corrupted() -> Error:
    return Error("INVALIDOBJ Corrupted HLL object detected")


def _checked(value: Value) -> Data:
    """*value*, which must be a HyperLogLog."""
    if not is_string(value):
        raise errors.wrong_type()
    if isinstance(value, int) or not hyperloglog.is_hyperloglog(value):
        raise Error("WRONGTYPE Key is not a valid HyperLogLog string value.")
    data: Data = value
    return data


def _writable(client: Session, key: bytes, value: Value | None) -> bytearray | None:
    """*value*, which was found at *key*, to be changed in place; None if there was none."""
    if value is None:
        return None
    data = _checked(value)
    if not isinstance(data, bytearray):
        data = bytearray(data)
        client.db.set(key, data, keep_ttl=True)
    return data


def _union(client: Session, keys: list[bytes]) -> tuple[Data, bool]:
    """The registers of all HyperLogLogs at *keys* together, a byte for each, and whether any of them is dense.

    Of two mistakes the first key's is reported; a missing key has no elements.
    """
    registers = bytes(REGISTERS)
    any_dense = False
    for key in keys:
        value = client.db.read(key)
        if value is None:
            continue
        data = _checked(value)
        any_dense = any_dense or hyperloglog.is_dense(data)
        try:
            registers = maximum(registers, hyperloglog.registers_of(data))
        except CorruptedError:
            raise _corrupted() from None
    return registers, any_dense


@command(
    "PFDEBUG subcommand key",
    arity=3,
    summary="Internal commands for debugging HyperLogLog values.",
    since="2.8.9",
    group="hyperloglog",
    complexity="N/A",
    flags="write denyoom admin",
    categories="hyperloglog",
    keys=[key_range("RW access", 2)],
    doc_flags=["syscmd"],
)
def pfdebug(client: Session, argv: list[bytes]) -> Reply:
    subcommand, key = argv[1].lower(), argv[2]
    if subcommand == b"simd" and client.engine.version.is_valkey:
        return _switch_simd(key)
    data = _writable(client, key, client.db.write(key))
    if data is None:
        raise Error("ERR The specified key does not exist")
    try:
        match subcommand:
            case b"getreg":
                client.engine.dirty += hyperloglog.to_dense(data)
                return list(hyperloglog.registers_of(data))
            case b"decode":
                if hyperloglog.is_dense(data):
                    raise Error("ERR HLL encoding is not sparse")
                return hyperloglog.described(data)
            case b"encoding":
                return SimpleString(b"dense" if hyperloglog.is_dense(data) else b"sparse")
            case b"todense":
                converted = int(hyperloglog.to_dense(data))
                client.engine.dirty += converted
                return converted
    except CorruptedError:
        raise _corrupted() from None
    raise Error(b"ERR Unknown PFDEBUG subcommand '%b'" % errors.until_nul(argv[1]))


def _switch_simd(word: bytes) -> Reply:
    """Valkey can do without the processor's vector instructions; here there are none either way.

    To a word that is neither ON nor OFF it answers twice, this error and the state: a slip that is not followed.
    """
    switched = {b"on": b"enabled", b"off": b"disabled"}.get(word.lower())
    if switched is None:
        raise Error("ERR Argument must be ON or OFF")
    return SimpleString(switched)


@command(
    "PFSELFTEST",
    arity=1,
    summary="An internal command for testing HyperLogLog values.",
    since="2.8.9",
    group="hyperloglog",
    complexity="N/A",
    flags="admin",
    categories="hyperloglog",
    doc_flags=["syscmd"],
)
def pfselftest(client: Session, argv: list[bytes]) -> Reply:
    dense, either = hyperloglog.empty(), hyperloglog.empty()
    hyperloglog.to_dense(dense)
    limit, seed, added = _sparse_limit(client), client.engine.random.getrandbits(62), 0
    for size in SELF_TEST_SIZES:
        elements = [(number ^ seed).to_bytes(8, "little") for number in range(added + 1, size + 1)]
        for data in (dense, either):
            hyperloglog.add(data, elements, limit)
        added = size
        if size < limit / 2 and hyperloglog.is_dense(either):
            raise Error("ERR TESTFAILED sparse encoding not used")
        count, other = (hyperloglog.estimate(hyperloglog.registers_of(data)) for data in (dense, either))
        if count != other:
            raise Error("ERR TESTFAILED dense/sparse disagree")
        most = 1 if size == 10 else -(-size * 6 * 1.04 // 128)
        if abs(size - count) > most:
            raise Error(f"ERR TESTFAILED Too big error. card:{size} abserr:{abs(size - count)}")
    return OK
