"""What the lint looks for, each rule under the name by which it can be ignored.

====================  ==============================================================================================
``keys``              KEYS: it goes through the whole keyspace while everybody waits. SCAN does not
``slow-command``      a command whose time grows with the size of a key, on a large key
``no-ttl``            a key that should end and does not, at the end of the request that wrote it
``read-then-write``   GET, then SET of the same key without WATCH: what another client wrote in between is lost
``cross-slot``        keys of one request, script or transaction that a cluster would have on several nodes
``undeclared-key``    a key that a script touches and that was not among its KEYS: a cluster cannot know where to run it
====================  ==============================================================================================

The rule of this file: a rule is asked about each call when it has ended (a request's after those that it ran within
itself), and answers with a sentence or None. It remembers what it needs, and that is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from miniredis.engine.engine import CommandState
from miniredis.engine.session import Session
from miniredis.engine.values import is_string
from miniredis.resp.types import Error
from miniredis.structures.glob import Matcher
from miniredis.structures.hash_slot import hash_slot
from miniredis.testing.interception import Call
from miniredis.testing.transcript import quoted

WHOLE: Final = frozenset(
    {"hgetall", "hkeys", "hvals", "smembers", "sunion", "sdiff", "sinter", "sunionstore", "sdiffstore", "sinterstore"}
    | {"sort", "sort_ro", "lrem", "linsert", "lindex", "lset", "lpos", "zunion", "zinter", "zdiff", "sintercard"}
    | {"zunionstore", "zinterstore", "zdiffstore", "zintercard", "copy", "dump"}
)
"""Commands that may go through all elements of a key."""

RANGES: Final = frozenset(
    {"lrange", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore", "zrangebylex", "zrevrangebylex", "xrange"}
    | {"xrevrange", "hmget", "georadius", "georadiusbymember", "geosearch"}
)
"""Commands that go through what they answer."""

REMEMBERED: Final = 1000
"""Keys that a client has read, and the transaction's slots, that are remembered of one client."""


class Context(NamedTuple):
    """How many elements are *large*, and which keys need a time to live."""

    large: int
    needs_ttl: list[Matcher]


class LintRule(Protocol):
    """A sentence about a call; None if there is nothing to say."""

    def __call__(self, call: Call) -> str | None: ...


class NoKeys:
    def __init__(self, context: Context) -> None:
        pass

    def __call__(self, call: Call) -> str | None:
        if call.name != "keys" or call.is_queued:
            return None
        return f"KEYS goes through all {len(call.session.db.data)} keys while everybody waits; SCAN goes step by step"


class NoSlowCommand:
    def __init__(self, context: Context) -> None:
        self._large = context.large

    def __call__(self, call: Call) -> str | None:
        if call.is_queued:
            return None
        if call.name in RANGES and isinstance(call.reply, list) and len(call.reply) > self._large:
            return f"{call.name.upper()} answers with {len(call.reply)} elements at once"
        if call.name in WHOLE:
            for key in call.keys:
                value = call.session.db.data.get(key)
                if value is not None and not is_string(value) and len(value) > self._large:
                    return f"{call.name.upper()} goes through {quoted(key)}, which has {len(value)} elements"
        return None


class NeedsTtl:
    """Of a transaction or script it asks at its end: the time to live may come in a later command."""

    def __init__(self, context: Context) -> None:
        self._needs = context.needs_ttl
        self._written: dict[tuple[Session, int, bytes], None] = {}

    def __call__(self, call: Call) -> str | None:
        if not self._needs:
            return None
        if _is_write(call) and not call.is_queued:
            for key in call.keys:
                if any(fits(key) for fits in self._needs):
                    self._written[call.session, call.db, key] = None
        if call.within:
            return None
        written, self._written = self._written, {}
        for session, number, key in written:
            database = session.engine.databases[number]
            if key in database.data and key not in database.expires:
                return f"{quoted(key)} has no time to live"
        return None


class NoReadThenWrite:
    """What GET found is no longer sure when SET comes, but for a key that is watched meanwhile. A key that was not
    there counts as unread: filling a cache twice does no harm.

    What a script finds it acts upon before anybody else; what a transaction finds its client knows only after EXEC.
    """

    READS: Final = frozenset({"get", "mget", "getrange"})
    WRITES: Final = frozenset({"set", "setex", "psetex", "mset", "getset"})
    CONDITIONS: Final = frozenset({b"nx", b"xx", b"ifeq"})

    def __init__(self, context: Context) -> None:
        self._read: dict[int, OrderedDict[tuple[int, bytes], None]] = {}
        self._read_by_exec: dict[tuple[int, bytes], None] = {}

    def __call__(self, call: Call) -> str | None:
        if call.within:
            if call.within == "exec":
                self._note_inner(call)
            return None
        if self._read_by_exec:
            self._remember(call, list(self._read_by_exec))
            self._read_by_exec.clear()
        if call.name in self.READS:
            self._remember(call, [(call.db, key) for key in _found(call)])
        elif call.name in self.WRITES:
            return self._judge(call)
        return None

    def _note_inner(self, call: Call) -> None:
        if call.name in self.READS:
            self._read_by_exec.update(((call.db, key), None) for key in _found(call))
        elif _is_write(call):
            for key in call.keys:
                self._read_by_exec.pop((call.db, key), None)

    def _remember(self, call: Call, keys: list[tuple[int, bytes]]) -> None:
        read = self._read.setdefault(call.session.id, OrderedDict())
        for key in keys:
            read[key] = None
        while len(read) > REMEMBERED:
            read.popitem(last=False)

    def _judge(self, call: Call) -> str | None:
        read = self._read.get(call.session.id)
        if not read or self.CONDITIONS.intersection(word.lower() for word in call.argv[3:]):
            return None
        for key in call.keys:
            was_read = (call.db, key) in read
            read.pop((call.db, key), None)
            if was_read and (call.session.db, key) not in call.session.watched:
                return (
                    f"{quoted(key)} was read, and now is set without WATCH: what another client wrote in between is"
                    " lost; use WATCH, a script, or a command that does both (INCR, SET … GET)"
                )
        return None


class NoCrossSlot:
    """Of a transaction it asks about all keys that are queued."""

    def __init__(self, context: Context) -> None:
        self._queued: dict[int, dict[int, bytes]] = {}

    def __call__(self, call: Call) -> str | None:
        if call.within:
            return None
        slots = {hash_slot(key): key for key in call.keys}
        if call.is_queued:
            slots = self._queued.setdefault(call.session.id, {}) | slots
            self._queued[call.session.id] = dict(list(slots.items())[-2:])
            where = "a transaction has"
        else:
            where = f"{call.name.upper()} has"
            if call.session.transaction is None:
                self._queued.pop(call.session.id, None)
        if len(slots) < 2:
            return None
        first, second = list(slots.values())[:2]
        return f"{where} keys of several slots, such as {quoted(first)} and {quoted(second)}: a cluster refuses it"


class DeclaredKeysOnly:
    def __init__(self, context: Context) -> None:
        self._undeclared: list[tuple[str, bytes]] = []
        self._touched: dict[bytes, str] = {}

    def __call__(self, call: Call) -> str | None:
        if call.session.is_script:
            for key in call.keys:
                self._touched.setdefault(key, call.name)
            return None
        return self._judge(call) if _runs_script(call) else None

    def _judge(self, call: Call) -> str | None:
        touched, self._touched = self._touched, {}
        declared = set(call.keys)
        for key, name in touched.items():
            if key not in declared:
                return f"the script touches {quoted(key)} ({name.upper()}), which is not among its KEYS"
        return None


def _found(call: Call) -> list[bytes]:
    """The keys that were there."""
    if call.is_queued or isinstance(call.reply, Error):
        return []
    found = call.reply if isinstance(call.reply, list) else [call.reply]
    return [key for key, value in zip(call.keys, found, strict=False) if value is not None]


def _is_write(call: Call) -> bool:
    return isinstance(call.state, CommandState) and call.state.command.is_write


def _runs_script(call: Call) -> bool:
    return isinstance(call.state, CommandState) and call.state.command.runs_script


RULES: Final[dict[str, Callable[[Context], LintRule]]] = {
    "keys": NoKeys,
    "slow-command": NoSlowCommand,
    "no-ttl": NeedsTtl,
    "read-then-write": NoReadThenWrite,
    "cross-slot": NoCrossSlot,
    "undeclared-key": DeclaredKeysOnly,
}
