"""Lists: elements pushed and popped at both ends, and reached by their index or their value.

What happens at the ends is shared with the commands that move elements and those that wait for them: see
:mod:`miniredis.commands.list_ends` and :mod:`miniredis.commands.lists_blocking`.
"""

from __future__ import annotations

from miniredis.commands.list_ends import LEFT, RIGHT, End, pop, push, shrunk, take
from miniredis.engine import errors, notifications
from miniredis.engine.arguments import half_open_range, integer, integer_in_range, positive_integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.resp.types import NULL_ARRAY, OK, Error, Reply
from miniredis.structures.list import List
from miniredis.structures.numbers import INT64_MAX, INT64_MIN

# Pushing and popping


@command(
    "LPUSH key element [element ...]",
    arity=-3,
    summary="Prepends one or more elements to a list. Creates the key if it doesn't exist.",
    since="1.0.0",
    group="list",
    complexity=(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
    ),
    flags="write denyoom fast",
    categories="list",
    keys=[key_range("RW insert", 1)],
    history=[
        ("2.4.0", "Accepts multiple `element` arguments."),
    ],
)
def lpush(client: Session, argv: list[bytes]) -> Reply:
    return push(client, argv[1], argv[2:], LEFT)


@command(
    "RPUSH key element [element ...]",
    arity=-3,
    summary="Appends one or more elements to a list. Creates the key if it doesn't exist.",
    since="1.0.0",
    group="list",
    complexity=(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
    ),
    flags="write denyoom fast",
    categories="list",
    keys=[key_range("RW insert", 1)],
    history=[
        ("2.4.0", "Accepts multiple `element` arguments."),
    ],
)
def rpush(client: Session, argv: list[bytes]) -> Reply:
    return push(client, argv[1], argv[2:], RIGHT)


@command(
    "LPUSHX key element [element ...]",
    arity=-3,
    summary="Prepends one or more elements to a list only when the list exists.",
    since="2.2.0",
    group="list",
    complexity=(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
    ),
    flags="write denyoom fast",
    categories="list",
    keys=[key_range("RW insert", 1)],
    history=[
        ("4.0.0", "Accepts multiple `element` arguments."),
    ],
)
def lpushx(client: Session, argv: list[bytes]) -> Reply:
    return push(client, argv[1], argv[2:], LEFT, only_existing=True)


@command(
    "RPUSHX key element [element ...]",
    arity=-3,
    summary="Appends one or more elements to a list only when the list exists.",
    since="2.2.0",
    group="list",
    complexity=(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
    ),
    flags="write denyoom fast",
    categories="list",
    keys=[key_range("RW insert", 1)],
    history=[
        ("4.0.0", "Accepts multiple `element` arguments."),
    ],
)
def rpushx(client: Session, argv: list[bytes]) -> Reply:
    return push(client, argv[1], argv[2:], RIGHT, only_existing=True)


@command(
    "LPOP key [count]",
    arity=-2,
    summary=(
        "Returns and removes one or more elements from the beginning of a list. Deletes the list if the last element"
        " was popped."
    ),
    since="1.0.0",
    group="list",
    complexity="O(N) where N is the number of elements returned",
    flags="write fast",
    categories="list",
    keys=[key_range("RW access delete", 1)],
    history=[
        ("6.2.0", "Added the `count` argument."),
    ],
    details={"count": "since=6.2.0"},
)
def lpop(client: Session, argv: list[bytes]) -> Reply:
    return _pop(client, argv, LEFT)


@command(
    "RPOP key [count]",
    arity=-2,
    summary=(
        "Returns and removes one or more elements from the end of a list. Deletes the list if the last element was"
        " popped."
    ),
    since="1.0.0",
    group="list",
    complexity="O(N) where N is the number of elements returned",
    flags="write fast",
    categories="list",
    keys=[key_range("RW access delete", 1)],
    history=[
        ("6.2.0", "Added the `count` argument."),
    ],
    details={"count": "since=6.2.0"},
)
def rpop(client: Session, argv: list[bytes]) -> Reply:
    return _pop(client, argv, RIGHT)


def _pop(client: Session, argv: list[bytes], end: End) -> Reply:
    db, key = client.db, argv[1]
    if len(argv) == 2:
        source = db.write_as(key, List)
        return None if source is None else pop(db, key, source, end)
    if len(argv) > 3:
        raise errors.wrong_arity(end.pop_event.decode())
    count = positive_integer(argv[2])
    source = db.write_as(key, List)
    if source is None:
        return NULL_ARRAY
    return take(db, key, source, end, count) if count else []


# Reading


@command(
    "LLEN key",
    arity=2,
    summary="Returns the length of a list.",
    since="1.0.0",
    group="list",
    complexity="O(1)",
    flags="readonly fast",
    categories="list",
    keys=[key_range("RO", 1)],
)
def llen(client: Session, argv: list[bytes]) -> Reply:
    source = client.db.read_as(argv[1], List)
    return 0 if source is None else len(source)


@command(
    "LINDEX key index",
    arity=3,
    summary="Returns an element from a list by its index.",
    since="1.0.0",
    group="list",
    complexity=(
        "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the"
        " first or the last element of the list O(1)."
    ),
    flags="readonly",
    categories="list",
    keys=[key_range("RO access", 1)],
)
def lindex(client: Session, argv: list[bytes]) -> Reply:
    source = client.db.read_as(argv[1], List)
    if source is None:
        return None
    index = integer(argv[2])
    return source[index] if -len(source) <= index < len(source) else None


@command(
    "LRANGE key start stop",
    arity=4,
    summary="Returns a range of elements from a list.",
    since="1.0.0",
    group="list",
    complexity=(
        "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL)"
        " for large lists; and N is the number of elements in the specified range."
    ),
    flags="readonly",
    categories="list",
    keys=[key_range("RO access", 1)],
)
def lrange(client: Session, argv: list[bytes]) -> Reply:
    start, stop = integer(argv[2]), integer(argv[3])
    source = client.db.read_as(argv[1], List)
    return [] if source is None else source.slice(*half_open_range(start, stop, len(source)))


@record
class PositionOptions:
    """The options of LPOS: the match to begin with, how many to return, among how many elements to look.

    No *matches* means one, that is not in an array; 0 means all of them, and 0 elements means all as well.
    """

    rank: int = 1
    matches: int | None = None
    within: int = 0


@command(
    "LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    arity=-3,
    summary="Returns the index of matching elements in a list.",
    since="6.0.6",
    group="list",
    complexity=(
        "O(N) where N is the number of elements in the list, for the average case. When searching for elements near"
        " the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant"
        " time."
    ),
    flags="readonly",
    categories="list",
    keys=[key_range("RO access", 1)],
)
def lpos(client: Session, argv: list[bytes]) -> Reply:
    options = _parse_position_options(client, argv)
    source = client.db.read_as(argv[1], List)
    indexes: list[int] = []
    if source is not None:
        indexes = source.find(
            argv[2],
            reverse=options.rank < 0,
            skip=abs(options.rank) - 1,
            count=1 if options.matches is None else options.matches,
            within=options.within,
        )
    if options.matches is None:
        return indexes[0] if indexes else None
    return indexes


def _parse_position_options(client: Session, argv: list[bytes]) -> PositionOptions:
    options = PositionOptions()
    for position in range(3, len(argv), 2):
        option = argv[position].upper()
        if option not in (b"RANK", b"COUNT", b"MAXLEN") or position + 1 == len(argv):
            raise errors.syntax_error()
        value = argv[position + 1]
        if option == b"RANK":
            options.rank = _parse_rank(client, value)
        elif option == b"COUNT":
            options.matches = positive_integer(value, "ERR COUNT can't be negative")
        else:
            options.within = positive_integer(value, "ERR MAXLEN can't be negative")
    return options


def _parse_rank(client: Session, text: bytes) -> int:
    is_bounded = client.engine.version.redis >= (7, 2)
    rank = integer_in_range(text, -INT64_MAX, INT64_MAX) if is_bounded else integer(text)
    if rank == 0:
        raise Error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to"
            " start from the end of the list"
        )
    return -1 if rank == INT64_MIN else rank  # it is negated to itself, and then no matches are skipped


# Changing in the middle


@command(
    "LSET key index element",
    arity=4,
    summary="Sets the value of an element in a list by its index.",
    since="1.0.0",
    group="list",
    complexity=(
        "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1)."
    ),
    flags="write denyoom",
    categories="list",
    keys=[key_range("RW update", 1)],
)
def lset(client: Session, argv: list[bytes]) -> Reply:
    key, db, config = argv[1], client.db, client.engine.config
    target = db.write_as(key, List)
    if target is None:
        raise Error(errors.NO_SUCH_KEY)
    index = integer(argv[2])
    if client.engine.version.redis >= (7, 2):
        index = (index + (1 << 31)) % (1 << 32) - (1 << 31)  # it is passed on as a C int
    target.try_conversion_growing(argv[3:], config.list_max_listpack_size)
    if not -len(target) <= index < len(target):
        raise Error(errors.INDEX_OUT_OF_RANGE)
    target.replace(index, argv[3])
    target.try_conversion_shrinking(config.list_max_listpack_size)
    db.changed(key, notifications.LIST, b"lset")
    return OK


@command(
    "LINSERT key <BEFORE | AFTER> pivot element",
    arity=5,
    summary="Inserts an element before or after another element in a list.",
    since="2.2.0",
    group="list",
    complexity=(
        "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting"
        " somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end"
        " (tail) is O(N)."
    ),
    flags="write denyoom",
    categories="list",
    keys=[key_range("RW insert", 1)],
    names=["where"],
)
def linsert(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    where = argv[2].upper()
    if where not in (b"BEFORE", b"AFTER"):
        raise errors.syntax_error()
    target = db.write_as(key, List)
    if target is None:
        return 0
    # As in Redis the list is converted before it is known whether the element will be inserted.
    target.try_conversion_growing(argv[4:], client.engine.config.list_max_listpack_size)
    pivot = target.index(argv[3])
    if pivot is None:
        return -1
    target.insert(pivot, argv[4], after=where == b"AFTER")
    db.changed(key, notifications.LIST, b"linsert")
    return len(target)


@command(
    "LREM key count element",
    arity=4,
    summary="Removes elements from a list. Deletes the list if the last element was removed.",
    since="1.0.0",
    group="list",
    complexity="O(N+M) where N is the length of the list and M is the number of elements removed.",
    flags="write",
    categories="list",
    keys=[key_range("RW delete", 1)],
)
def lrem(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    if client.engine.version.is_valkey:
        count = integer_in_range(argv[2], -INT64_MAX, INT64_MAX)
    else:
        count = integer(argv[2])
    target = db.write_as(key, List)
    if target is None:
        return 0
    removed = target.remove(argv[3], count)
    if removed:
        db.changed(key, notifications.LIST, b"lrem", removed)
        shrunk(db, key, target)
    return removed


@command(
    "LTRIM key start stop",
    arity=4,
    summary="Removes elements from both ends of a list. Deletes the list if all elements were trimmed.",
    since="1.0.0",
    group="list",
    complexity="O(N) where N is the number of elements to be removed by the operation.",
    flags="write",
    categories="list",
    keys=[key_range("RW delete", 1)],
)
def ltrim(client: Session, argv: list[bytes]) -> Reply:
    key, db = argv[1], client.db
    start, stop = integer(argv[2]), integer(argv[3])
    target = db.write_as(key, List)
    if target is None:
        return OK
    removed = target.trim(*half_open_range(start, stop, len(target)))
    db.changed(key, notifications.LIST, b"ltrim", removed)
    shrunk(db, key, target)
    return OK
