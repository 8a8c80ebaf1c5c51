"""What a command is: the declaration that stands beside the code that runs it.

The rule of this file: a command's name, arity, flags, key positions, categories, group, version and syntax are
stated once, in its ``@command`` declaration, and everything else (dispatch, arity errors, ``COMMAND``, key extraction,
read-only checks, the documentation) derives from it. Nothing here knows how to run a command.

A declaration's vocabulary is that of Redis's own command table (``COMMAND INFO`` and ``COMMAND DOCS``)::

    @command(
        "GETEX key [EX seconds | PX milliseconds | PERSIST]",
        arity=-2,
        summary="Returns the string value of a key after setting its expiration time.",
        since="6.2.0",
        group="string",
        complexity="O(1)",
        flags="write fast",
        keys=[key_range("RW access update", 1)],
        categories="string",
    )
    def getex(client: Session, argv: Argv) -> Reply: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from miniredis.engine.record import record
from miniredis.resp.types import Argv, Reply
from miniredis.structures.numbers import parse_integer

if TYPE_CHECKING:
    from miniredis.engine.session import Session

Handler: TypeAlias = "Callable[[Session, list[bytes]], Reply]"
"""Runs a command for a client. ``argv[0]`` is the name as it was sent; the arity has been checked."""

Several: TypeAlias = "Callable[..., list[Any]]"
"""Runs several requests of a command at once: the session, then the first arguments of all, the second of all, …

Returns the replies of so many of the first as are ordinary, none of them longer than :data:`LONG`; it must not raise.
The rest is run one by one. It is for the few commands that clients send by the thousand.
"""

LONG: Final = 1 << 14
"""Bytes: a longer reply is sent before the next command is run."""

GetKeys: TypeAlias = Callable[[Argv], list[tuple[int, tuple[str, ...]]]]
"""Finds a command's keys in its arguments: pairs of a position and the key specification flags that hold there."""

HandlerT = TypeVar("HandlerT", bound="Callable[..., Any] | None")


@record
class KeySpec:
    """Where keys stand in a command's arguments: one entry of ``COMMAND INFO``'s key specifications.

    ``begin`` is ``("index", position)``, ``("keyword", word, start_from)`` or ``("unknown",)``; ``find`` is
    ``("range", last, step, limit)``, ``("keynum", key_num_index, first_key, step)`` or ``("unknown",)``. Positions
    count from the command's name; ``last`` counts from the first key, or from the end when negative.
    """

    flags: tuple[str, ...]
    begin: tuple[Any, ...]
    find: tuple[Any, ...]
    notes: str = ""

    def positions(self, argv: Argv) -> list[int] | None:
        """The positions of the keys in *argv*; None where this specification cannot tell or *argv* does not fit it."""
        first = self._begin(argv)
        if first is None:
            return None
        match self.find:
            case ("range", last, step, limit):
                if last >= 0:
                    end = first + last
                elif limit:
                    end = first + (len(argv) - first) // limit + last
                else:
                    end = len(argv) + last
            case ("keynum", key_num_index, first_key, step):
                if first + key_num_index >= len(argv):
                    return None
                count = parse_integer(argv[first + key_num_index])
                if count is None or count < 0:
                    return None
                first += first_key
                end = first + (count - 1) * step
            case _:
                return None
        if not first <= end < len(argv):
            return None
        return list(range(first, end + 1, step))

    def _begin(self, argv: Argv) -> int | None:
        match self.begin:
            case ("index", position):
                return int(position)
            case ("keyword", word, start_from):
                found = _find_keyword(argv, word, start_from)
                return None if found is None else found + 1
            case _:
                return None


def _find_keyword(argv: Argv, word: str, start_from: int) -> int | None:
    """Where *word* stands, a key behind it; sought from *start_from*, backwards when that counts from the end."""
    wanted = word.encode().upper()
    if start_from > 0:
        candidates = range(start_from, len(argv) - 1)
    else:
        candidates = range(len(argv) + start_from, 1, -1)
    for position in candidates:
        if argv[position].upper() == wanted:
            return position
    return None


def key_range(
    flags: str, first: int | tuple[str, int], last: int = 0, step: int = 1, limit: int = 0, notes: str = ""
) -> KeySpec:
    """Keys from *first* (a position, or a keyword and where to look for it) to *last*, every *step*."""
    return KeySpec(tuple(flags.split()), _begin(first), ("range", last, step, limit), notes)


def key_count(
    flags: str, first: int | tuple[str, int], index: int = 0, first_key: int = 1, step: int = 1, notes: str = ""
) -> KeySpec:
    """Keys whose number stands at *index* from *first*, the first of them at *first_key*: ``numkeys key [key ...]``."""
    return KeySpec(tuple(flags.split()), _begin(first), ("keynum", index, first_key, step), notes)


def key_unknown(flags: str, first: int | tuple[str, int] | None = None, notes: str = "") -> KeySpec:
    """Keys at places that no specification can describe: see the command's ``get_keys``."""
    return KeySpec(tuple(flags.split()), ("unknown",) if first is None else _begin(first), ("unknown",), notes)


def _begin(first: int | tuple[str, int]) -> tuple[Any, ...]:
    return ("index", first) if isinstance(first, int) else ("keyword", *first)


@record
class Variant:
    """What a command's declaration says differently in some servers.

    They are those before version *until* of Redis's numbering, Redis itself from its version *since* on, or Valkey from
    its version *valkey_since* on; ``deprecated=False`` takes back the command's deprecation.
    """

    until: str = ""
    since: str = ""
    valkey_since: str = ""
    arity: int | None = None
    flags: str | None = None
    tips: tuple[str, ...] | None = None
    keys: tuple[KeySpec, ...] | None = None
    get_keys: GetKeys | None = None
    deprecated: bool | None = None


class Declaration:
    """A command as it stands in the source, for every version. Attributes as in :func:`command`."""

    __slots__ = (
        *("name", "syntax", "handler", "arity", "summary", "since", "group", "complexity", "flags", "categories"),
        *("keys", "tips", "get_keys", "history", "names", "details", "deprecated_since", "replaced_by", "doc_flags"),
        *("valkey_since", "variants", "subcommands", "several"),
    )

    name: str
    syntax: str
    handler: Handler | None
    arity: int
    summary: str
    since: str
    group: str
    complexity: str
    flags: str
    categories: str
    keys: tuple[KeySpec, ...]
    tips: tuple[str, ...]
    get_keys: GetKeys | None
    history: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    details: Mapping[str, str]
    deprecated_since: str
    replaced_by: str
    doc_flags: tuple[str, ...]
    valkey_since: str
    variants: tuple[Variant, ...]
    several: Several | None
    subcommands: dict[str, Declaration]

    def __init__(self, **fields: Any) -> None:
        self.subcommands = {}
        for name, value in fields.items():
            setattr(self, name, value)


DECLARATIONS: Final[dict[str, Declaration]] = {}
"""Every declared command by its lower-case name; subcommands stand inside their containers."""


def command(
    usage: str,
    *,
    arity: int,
    summary: str,
    since: str,
    group: str,
    complexity: str = "",
    flags: str = "",
    categories: str = "",
    keys: Sequence[KeySpec] = (),
    tips: Sequence[str] = (),
    get_keys: GetKeys | None = None,
    history: Sequence[tuple[str, str]] = (),
    names: Sequence[str] = (),
    details: Mapping[str, str] | None = None,
    deprecated_since: str = "",
    replaced_by: str = "",
    doc_flags: Sequence[str] = (),
    valkey_since: str = "",
    variants: Sequence[Variant] = (),
    several: Several | None = None,
) -> Callable[[HandlerT], HandlerT]:
    """Declare a command and register the decorated function as its handler.

    - *usage*: the name and the argument syntax in Redis's notation. A subcommand is written with a bar,
      ``"CLIENT|KILL ip:port"``, after its container has been declared.
    - *arity*: Redis's: n exact, -n at least n, the name (and the subcommand's) included.
    - *summary*, *since*, *group*, *complexity*, *history*, *deprecated_since*, *replaced_by*, *doc_flags*: as
      ``COMMAND DOCS`` shows them. *since* is the Redis version that brought the command, empty if none did. A version
      in *history* that is Valkey's own is written ``"valkey 8.1.0"``.
    - *flags*, *tips*, *keys*: as ``COMMAND INFO`` shows them, but for ``movablekeys``, which follows from *keys*.
      *categories* lists the ACL categories that do not follow from the flags (``write``, ``read``, ``fast``, … are
      derived), without ``@``.
    - *get_keys*: for ``movablekeys`` commands that the specifications cannot describe: argv to (position, flags).
    - *names*, *details*: what ``COMMAND DOCS`` calls the groups of the syntax, in order, and what it says of single
      arguments beyond their notation (see :mod:`miniredis.engine.syntax`).
    - *valkey_since*: the Valkey version that brought a command of which Redis has no version, or a later one.
    - *variants*: what other versions declare differently.
    - *several*: does for many requests what the decorated function does for each.
    """

    def register(handler: HandlerT) -> HandlerT:
        name, _, syntax = usage.partition(" ")
        _register(
            Declaration(
                name=name.lower(),
                syntax=syntax,
                handler=handler,
                arity=arity,
                summary=summary,
                since=since,
                group=group,
                complexity=complexity,
                flags=flags,
                categories=categories,
                keys=tuple(keys),
                tips=tuple(tips),
                get_keys=get_keys,
                history=tuple(history),
                names=tuple(names),
                details=details or {},
                deprecated_since=deprecated_since,
                replaced_by=replaced_by,
                doc_flags=tuple(doc_flags),
                valkey_since=valkey_since,
                variants=tuple(variants),
                several=several,
            )
        )
        return handler

    return register


def container(name: str, **fields: Any) -> None:
    """Declare a command that only holds subcommands (``CLIENT``, ``CONFIG``, …). *fields* as in :func:`command`."""
    command(name, **{"arity": -2, **fields})(None)


def _register(declaration: Declaration) -> None:
    parent, bar, _ = declaration.name.partition("|")
    siblings = DECLARATIONS[parent].subcommands if bar else DECLARATIONS
    if declaration.name in siblings:
        raise ValueError(f"command {declaration.name!r} is declared twice")
    siblings[declaration.name] = declaration
