"""SORT: the elements of a list, set or sorted set in order, by themselves or by what other keys say about them.

The steps are Redis's: take the elements, load the weight of each, sort, cut out the range, then load what GET asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from miniredis.commands.list_ends import list_of
from miniredis.engine import errors, notifications
from miniredis.engine.acl_checks import may_access_every_key
from miniredis.engine.arguments import integer, lenient_double
from miniredis.engine.command import command, key_range, key_unknown
from miniredis.engine.keyspace import Database
from miniredis.engine.record import fresh, record
from miniredis.engine.session import Session
from miniredis.engine.values import is_string, string_bytes
from miniredis.resp.types import Argv, Error, Reply
from miniredis.structures.hash import Hash
from miniredis.structures.list import List
from miniredis.structures.numbers import parse_double, parse_sort_weight
from miniredis.structures.set import Set
from miniredis.structures.sorted_set import SortedSet


@record
class SortOptions:
    """What follows the key. ``count`` is negative for no limit; ``destination`` None for a reply."""

    by: bytes | None = None
    offset: int = 0
    count: int = -1
    get: list[bytes] = fresh(default_factory=list)
    descending: bool = False
    alphabetic: bool = False
    destination: bytes | None = None

    @property
    def unsorted(self) -> bool:
        """BY with a pattern that names no other key: leave the elements as they are."""
        return self.by is not None and b"*" not in self.by


def sort_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """The key to sort and, where there is one, the key behind the last ``STORE``."""
    values_of = {b"limit": 2, b"get": 1, b"by": 1}
    keys: list[tuple[int, tuple[str, ...]]] = [(1, ("RO", "access"))]
    position = 2
    while position < len(argv):
        option = argv[position].lower()
        if option == b"store" and position + 1 < len(argv):
            keys[1:] = [(position + 1, ("OW", "update"))]
        position += 1 + values_of.get(option, 0)
    return keys


def sort_ro_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """Only the key to sort: what ``BY`` and ``GET`` name depends on its elements."""
    return [(1, ("RO", "access"))]


@command(
    "SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] [STORE"
    " destination]",
    arity=-2,
    summary="Sorts the elements in a list, a set, or a sorted set, optionally storing the result.",
    since="1.0.0",
    group="generic",
    complexity=(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned"
        " elements. When the elements are not sorted, complexity is O(N)."
    ),
    flags="write denyoom",
    categories="dangerous list set sortedset",
    keys=[
        key_range("RO access", 1),
        key_unknown(
            "RO access",
            notes=(
                "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the"
                " content of the key we sort"
            ),
        ),
        key_unknown(
            "OW update",
            notes=(
                "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in"
                " the argument array"
            ),
        ),
    ],
    get_keys=sort_keys,
    names=["limit", "order"],
    details={
        "BY": "name=by-pattern key-spec=1",
        "GET": "name=get-pattern key-spec=1",
        "ALPHA": "name=sorting",
        "STORE": "key-spec=2",
    },
)
def sort(client: Session, argv: list[bytes]) -> Reply:
    return _sort(client, argv[1], _parse_options(client, argv, may_store=True))


@command(
    "SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
    arity=-2,
    summary="Returns the sorted elements of a list, a set, or a sorted set.",
    since="7.0.0",
    group="generic",
    complexity=(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned"
        " elements. When the elements are not sorted, complexity is O(N)."
    ),
    flags="readonly",
    categories="dangerous list set sortedset",
    keys=[
        key_range("RO access", 1),
        key_unknown(
            "RO access",
            notes=(
                "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the"
                " content of the key we sort"
            ),
        ),
    ],
    get_keys=sort_ro_keys,
    names=["limit", "order"],
    details={"BY": "name=by-pattern key-spec=1", "GET": "name=get-pattern key-spec=1", "ALPHA": "name=sorting"},
)
def sort_ro(client: Session, argv: list[bytes]) -> Reply:
    return _sort(client, argv[1], _parse_options(client, argv, may_store=False))


def _parse_options(client: Session, argv: list[bytes], *, may_store: bool) -> SortOptions:
    options = SortOptions()
    may_look_anywhere = _may_look_anywhere(client, argv)
    position = 2
    while position < len(argv):
        token = argv[position].upper()
        left = len(argv) - position - 1
        if token in (b"ASC", b"DESC"):
            options.descending = token == b"DESC"
        elif token == b"ALPHA":
            options.alphabetic = True
        elif token == b"LIMIT" and left >= 2:
            options.offset, options.count = integer(argv[position + 1]), integer(argv[position + 2])
            position += 2
        elif token == b"STORE" and left >= 1 and may_store:
            options.destination = argv[position + 1]
            position += 1
        elif token == b"BY" and left >= 1:
            options.by = argv[position + 1]
            if b"*" in options.by and not may_look_anywhere:
                raise Error("ERR BY option of SORT denied due to insufficient ACL permissions.")
            position += 1
        elif token == b"GET" and left >= 1:
            if not may_look_anywhere:
                raise Error("ERR GET option of SORT denied due to insufficient ACL permissions.")
            options.get.append(argv[position + 1])
            position += 1
        else:
            raise errors.syntax_error()
        position += 1
    return options


def _may_look_anywhere(client: Session, argv: list[bytes]) -> bool:
    """Whether BY and GET, whose keys nobody knows before, are permitted."""
    if not client.user.is_restricted:
        return True
    command = client.engine.table.lookup_full_name(argv[0].lower())
    return command is not None and may_access_every_key(client.user, command, argv, client.db.number)


def _sort(client: Session, key: bytes, options: SortOptions) -> Reply:
    db = client.db
    value = db.read(key)
    if value is not None and not isinstance(value, (List, Set, SortedSet)):
        raise errors.wrong_type()
    if isinstance(value, Set) and options.unsorted and (options.destination is not None or client.is_script):
        # A set has no order of its own, and neither what is stored nor what a script does must depend on chance.
        options.by, options.alphabetic = None, True
    elements = _elements(value, options)
    if not options.unsorted:
        elements = _in_order(client, elements, options)
    chosen = elements[_limits(options, len(elements))]
    if not options.get:
        result: list[bytes | None] = list(chosen)
    else:
        result = [_look_up(db, pattern, element) for element in chosen for pattern in options.get]
    if options.destination is None:
        return result
    stored = list_of(client.engine, [item or b"" for item in result])
    db.store(options.destination, stored, notifications.LIST, b"sortstore", len(result))
    return len(result)


def _elements(value: List | Set | SortedSet | None, options: SortOptions) -> list[bytes]:
    """The elements in the order they have before sorting. Where there will be none, DESC turns it round."""
    backwards = options.unsorted and options.descending
    if value is None:
        return []
    if isinstance(value, SortedSet):
        value.encoding = "skiplist"  # SORT leaves it so
        return [member for member, _ in value.by_rank(0, len(value), reverse=backwards)]
    if isinstance(value, List) and backwards:
        return list(reversed(value))
    return list(value)


def _limits(options: SortOptions, length: int) -> slice:
    start = min(max(options.offset, 0), length)
    return slice(start, length if options.count < 0 else start + min(options.count, length))


def _in_order(client: Session, elements: list[bytes], options: SortOptions) -> list[bytes]:
    weights: Sequence[bytes | None] = elements
    if options.by is not None:
        weights = [_look_up(client.db, options.by, element) for element in elements]
    if options.alphabetic:
        pairs = zip(map(_alphabetic_key, weights), elements, strict=True)
        ordered = sorted(pairs, key=itemgetter(0), reverse=options.descending)  # equal ones keep their order
        return [element for _, element in ordered]
    scores = [_score(client, weight) for weight in weights]
    return [element for _, element in sorted(zip(scores, elements, strict=True), reverse=options.descending)]


def _alphabetic_key(weight: bytes | None) -> tuple[bool, bytes]:
    """What has no weight comes before everything else."""
    return weight is not None, weight or b""


def _score(client: Session, weight: bytes | None) -> float:
    if weight is None:
        return 0.0
    version = client.engine.version
    if version.is_valkey:
        text = weight.partition(b"\0")[0]
        score = None if b"x" in text.lower() else parse_double(text)  # nothing hexadecimal
    else:
        score = lenient_double(weight, client.engine) if version.redis >= (8, 0) else parse_sort_weight(weight)
    if score is None:
        raise Error("ERR One or more scores can't be converted into double")
    return score


def _look_up(db: Database, pattern: bytes, element: bytes) -> bytes | None:
    """What *pattern* names for *element*: itself (``#``), a string key, or a field of a hash (``key->field``)."""
    if pattern == b"#":
        return element
    before, star, after = pattern.partition(b"*")
    if not star:
        return None
    key, arrow, field_name = after.partition(b"->")
    if not arrow or not field_name:
        value = db.read(before + element + after)
        return string_bytes(value) if value is not None and is_string(value) else None
    value = db.read(before + element + key)
    return value.live(db.engine.now).get(field_name) if isinstance(value, Hash) else None
