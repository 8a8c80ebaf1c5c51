"""The filters by which CLIENT KILL, and in Valkey CLIENT LIST, say which clients they mean.

A filter is a word and a value; a client must match all of them, and of several with the same word the last. Valkey has
more words, most of them also turned round (``NOT-NAME x``), and its ``ID`` takes and gathers any number of ids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from miniredis.engine import errors
from miniredis.engine.arguments import integer, integer_in_range
from miniredis.engine.client_line import capabilities, flags, is_of_type
from miniredis.engine.session import Session
from miniredis.resp.types import Error
from miniredis.structures.numbers import INT64_MAX, parse_integer

Predicate: TypeAlias = Callable[[Session], bool]

FLAGS: Final = frozenset("bcdeirtuxABEIMNOPRSTU")
"""The letters that Valkey knows as flags of a client."""

ID_TOO_SMALL: Final = "ERR client-id should be greater than 0"

IDS: Final = frozenset({"id", "not-id"})

CLIENT_TYPES: Final = {
    b"normal": "normal",
    b"slave": "replica",
    b"replica": "replica",
    b"pubsub": "pubsub",
    b"master": "primary",
}


class ClientFilter:
    """What the clients must match that *client* asks for; every one does while nothing has been added."""

    def __init__(self, client: Session) -> None:
        self._client = client
        self._engine = client.engine
        self.is_valkey = client.engine.version.is_valkey
        self._predicates: dict[str, Predicate] = {}
        self.ids: set[int] | None = None
        self.not_ids: set[int] = set()
        self.skip_me = False

    def matches(self) -> list[Session]:
        """All clients that match, the oldest first."""
        return [
            session
            for session in self._engine.sessions.values()
            if (self.ids is None or session.id in self.ids)
            and session.id not in self.not_ids
            and not (self.skip_me and session is self._client)
            and all(predicate(session) for predicate in self._predicates.values())
        ]

    def add(self, word: str, value: bytes) -> None:
        """A filter; *word* in lower case. Raises the errors of CLIENT KILL for a value that is none."""
        name = word.removeprefix("not-")
        make = _MAKERS[name]
        predicate = make(self._client, value, word.upper())
        self._predicates[word] = predicate if name == word else lambda session: not predicate(session)


def parse_filters(client: Session, argv: list[bytes], *, skip_me: bool) -> ClientFilter:
    """The filters from the third argument on; *skip_me* holds when SKIPME is not among them."""
    filters = ClientFilter(client)
    known = _VALKEY_WORDS if filters.is_valkey else _REDIS_WORDS
    if not filters.is_valkey and client.engine.version.redis >= (7, 4):
        known |= {"maxage"}
    filters.skip_me = skip_me
    position = 2
    while position < len(argv):
        word = argv[position].lower().decode("latin-1")
        position += 1
        may_lack_value = filters.is_valkey and word in IDS and position > 3
        if word not in known or (position == len(argv) and not may_lack_value):
            raise errors.syntax_error()
        if word in IDS:
            position = _read_ids(filters, word, argv, position)
            continue
        value = argv[position]
        position += 1
        if word == "skipme":
            filters.skip_me = _yes_or_no(value)
        else:
            filters.add(word, value)
    return filters


def _read_ids(filters: ClientFilter, word: str, argv: list[bytes], position: int) -> int:
    """The ids behind *word*: one in Redis, in Valkey as many numbers as there are, even none. Where they end."""
    if not filters.is_valkey:
        filters.ids = {integer_in_range(argv[position], 1, INT64_MAX, ID_TOO_SMALL)}
        return position + 1
    if word == "id":
        filters.ids = ids = filters.ids or set()
    else:
        ids = filters.not_ids
    while position < len(argv) and (number := parse_integer(argv[position])) is not None:
        if number < 1:
            raise Error(ID_TOO_SMALL)
        ids.add(number)
        position += 1
    return position


def _yes_or_no(word: bytes) -> bool:
    match word.lower():
        case b"yes":
            return True
        case b"no":
            return False
    raise errors.syntax_error()


# What each word asks


def _type(client: Session, value: bytes, word: str) -> Predicate:
    kind = client_type(client, value)
    return lambda session: is_of_type(session, kind)


def client_type(client: Session, name: bytes) -> str:
    """The kind of client called *name*; raises Redis's error if there is none such."""
    name = errors.until_nul(name)
    if name.lower() == b"primary" and client.engine.version.is_valkey:
        return "primary"
    kind = CLIENT_TYPES.get(name.lower())
    if kind is None:
        raise Error(b"ERR Unknown client type '%b'" % name)
    return kind


def _user(client: Session, value: bytes, word: str) -> Predicate:
    if value != b"default":
        raise Error(b"ERR No such user '%b'" % errors.until_nul(value))
    return lambda session: session.user.name == value


def _address(client: Session, value: bytes, word: str) -> Predicate:
    address = value.decode("latin-1")
    return lambda session: session.address == address


def _local_address(client: Session, value: bytes, word: str) -> Predicate:
    address = value.decode("latin-1")
    return lambda session: session.local_address == address


def _ip(client: Session, value: bytes, word: str) -> Predicate:
    host = value.decode("latin-1")
    return lambda session: session.address.rpartition(":")[0].strip("[]") == host


def _name(client: Session, value: bytes, word: str) -> Predicate:
    return lambda session: bool(value) and session.name == value


def _lib_name(client: Session, value: bytes, word: str) -> Predicate:
    return lambda session: bool(value) and session.lib_name == value


def _lib_version(client: Session, value: bytes, word: str) -> Predicate:
    return lambda session: bool(value) and session.lib_version == value


def _flags(client: Session, value: bytes, word: str) -> Predicate:
    wanted = set(value.decode("latin-1"))
    if not wanted <= FLAGS:
        raise Error(b"ERR Unknown flags found in the provided filter: %b" % value)
    return lambda session: wanted <= set(flags(session))


def _capabilities(client: Session, value: bytes, word: str) -> Predicate:
    wanted = set(value.decode("latin-1"))
    if not wanted <= {"r"}:
        raise Error(b"ERR Unknown capa found in the provided filter: %b" % value)
    return lambda session: wanted <= set(capabilities(session))


def _database(client: Session, value: bytes, word: str) -> Predicate:
    number = integer(value, f"ERR {word} is not an integer or out of range")
    last = len(client.engine.databases) - 1
    if not 0 <= number <= last:
        raise Error(f"ERR DB number should be between 0 and {last}")
    return lambda session: session.db.number == number


def _age(client: Session, value: bytes, word: str) -> Predicate:
    seconds, second = _seconds(value, "maxage"), client.engine.second
    return lambda session: second - session.connected_at // 1000 >= seconds


def _idle(client: Session, value: bytes, word: str) -> Predicate:
    seconds, second = _seconds(value, "idle"), client.engine.second
    return lambda session: second - session.last_interaction // 1000 >= seconds


def _seconds(value: bytes, what: str) -> int:
    seconds = integer(value, f"ERR {what} is not an integer or out of range")
    if not 1 <= seconds <= INT64_MAX:
        raise Error(f"ERR {what} should be greater than 0")
    return seconds


_MAKERS: Final[dict[str, Callable[[Session, bytes, str], Predicate]]] = {
    "type": _type,
    "user": _user,
    "addr": _address,
    "laddr": _local_address,
    "ip": _ip,
    "name": _name,
    "lib-name": _lib_name,
    "lib-ver": _lib_version,
    "flags": _flags,
    "capa": _capabilities,
    "db": _database,
    "maxage": _age,
    "idle": _idle,
}
_REDIS_WORDS: Final = frozenset({"id", "skipme", "type", "user", "addr", "laddr"})
_VALKEY_WORDS: Final = frozenset(
    {"id", "not-id", "skipme", *_MAKERS, *(f"not-{word}" for word in _MAKERS if word not in ("maxage", "idle"))}
)
