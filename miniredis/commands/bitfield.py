"""BITFIELD: integers of any width at any bit of a string, several operations in one command."""

from __future__ import annotations

from typing import Final

from miniredis.commands.bitmaps import bit_offset, read_bits, string_up_to
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import Argv, Error, Reply
from miniredis.structures.bits import Bits, Field, Overflow
from miniredis.structures.numbers import parse_integer

ARGUMENTS: Final = {b"get": 2, b"set": 3, b"incrby": 3, b"overflow": 1}
"""The operations, and how many arguments each has."""

OVERFLOWS: Final = {overflow.value: overflow for overflow in Overflow}


@record
class _Operation:
    """One GET, SET or INCRBY; *number* is the value of SET, the increment of INCRBY."""

    name: bytes
    field: Field
    number: int
    overflow: Overflow


def bitfield_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """BITFIELD writes to its key unless all of its operations are well-formed GETs."""
    position = 2
    while position < len(argv):
        operation, rest = argv[position].lower(), len(argv) - position - 1
        if operation not in (b"get", b"overflow") or rest < ARGUMENTS[operation]:
            return [(1, ("RW", "access", "update"))]
        position += 1 + ARGUMENTS[operation]
    return [(1, ("RO", "access"))]


@command(
    (
        "BITFIELD key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY"
        " encoding offset increment> [...]]"
    ),
    arity=-2,
    summary="Performs arbitrary bitfield integer operations on strings.",
    since="3.2.0",
    group="bitmap",
    complexity="O(1) for each subcommand specified",
    flags="write denyoom",
    categories="bitmap",
    keys=[
        key_range(
            "RW access update variable_flags",
            1,
            notes="This command allows both access and modification of the key",
        ),
    ],
    get_keys=bitfield_keys,
    names=["operation", "get-block", "write", "overflow-block", "write-operation", "set-block", "incrby-block"],
    details={"value": "type=integer"},
)
def bitfield(client: Session, argv: list[bytes]) -> Reply:
    operations = _parse_operations(client, argv)
    written = [operation.field.last_bit for operation in operations if operation.name != b"get"]
    if not written:
        return _get_all(client, argv[1], operations)
    key = argv[1]
    text, grown = string_up_to(client, key, max(written))
    replies: list[Reply] = []
    changes = 0
    for operation in operations:
        reply, changed = _apply(operation, text)
        replies.append(reply)
        # In a string that was created or has grown everything that was written counts as changed.
        changes += changed or (grown and operation.name != b"get" and reply is not None)
    if changes:
        client.db.changed(key, notifications.STRING, b"setbit", dirty=changes)
    return replies


@command(
    "BITFIELD_RO key [GET encoding offset [GET encoding offset ...]]",
    arity=-2,
    summary="Performs arbitrary read-only bitfield integer operations on strings.",
    since="6.0.0",
    group="bitmap",
    complexity="O(1) for each subcommand specified",
    flags="readonly fast",
    categories="bitmap",
    keys=[key_range("RO access", 1)],
    names=["get-block"],
)
def bitfield_ro(client: Session, argv: list[bytes]) -> Reply:
    operations = _parse_operations(client, argv)
    if any(operation.name != b"get" for operation in operations):
        raise Error("ERR BITFIELD_RO only supports the GET subcommand")
    return _get_all(client, argv[1], operations)


def _get_all(client: Session, key: bytes, operations: list[_Operation]) -> Reply:
    data: Bits = read_bits(client, key) or b""
    return [operation.field.read(data) for operation in operations]


def _apply(operation: _Operation, text: bytearray) -> tuple[int | None, bool]:
    """Carry out one operation on *text*: its reply, None if it failed, and whether it changed anything."""
    field = operation.field
    old = field.read(text)
    if operation.name == b"get":
        return old, False
    is_increment = operation.name == b"incrby"
    target = old + operation.number if is_increment else field.as_compared(operation.number)
    new = field.fit(target, operation.overflow)
    if new is None:
        return None, False
    field.write(text, new)
    return new if is_increment else old, new != old


def _parse_operations(client: Session, argv: list[bytes]) -> list[_Operation]:
    operations = []
    overflow = Overflow.WRAP
    position = 2
    while position < len(argv):
        name = argv[position].lower()
        arguments = argv[position + 1 : position + 1 + ARGUMENTS.get(name, 0)]
        if not arguments or len(arguments) < ARGUMENTS[name]:
            raise errors.syntax_error()
        position += 1 + len(arguments)
        if name == b"overflow":
            overflow = _overflow_named(arguments[0])
            continue
        field = _parse_field(client, arguments[0], arguments[1])
        number = integer(arguments[2]) if len(arguments) > 2 else 0
        operations.append(_Operation(name, field, number, overflow))
    return operations


def _overflow_named(word: bytes) -> Overflow:
    overflow = OVERFLOWS.get(word.lower())
    if overflow is None:
        raise Error("ERR Invalid OVERFLOW type specified")
    return overflow


def _parse_field(client: Session, encoding: bytes, offset: bytes) -> Field:
    """The field of an encoding such as ``u8`` and an offset, which ``#`` makes count fields instead of bits."""
    kind, digits = encoding[:1], encoding[1:]
    if not client.engine.version.is_valkey:
        digits = errors.until_nul(digits)
    width = parse_integer(digits) if kind in (b"i", b"u") else None
    if width is None or not 1 <= width <= (64 if kind == b"i" else 63):
        raise Error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
    if offset.startswith(b"#"):
        start = bit_offset(client, offset[1:], width)
    else:
        start = bit_offset(client, offset)
    return Field(width, signed=kind == b"i", offset=start)
