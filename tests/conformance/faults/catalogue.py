"""The faults: what is wrong, and the change to the source that makes it so.

Each is a mistake that somebody could make, or that some imitation of Redis has made. *right* stands exactly once in its
module, so that a fault cannot silently stop being one when the code around it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Fault:
    """In *module*, *right* has become *wrong*; *family* is where the suite looks first."""

    name: str
    family: str
    module: str
    right: str
    wrong: str

    def break_source(self, source: str) -> str:
        """The source of the module with the fault in it. Raises ``ValueError`` if it is not clear where it belongs."""
        if source.count(self.right) != 1:
            raise ValueError(f"{self.name}: {self.right!r} is there {source.count(self.right)} times in {self.module}")
        return source.replace(self.right, self.wrong)


FAULTS: Final = (
    # Errors
    Fault(
        "the text of an error is slightly other",
        "strings",
        "miniredis.engine.errors",
        "ERR wrong number of arguments for '{full_name}' command",
        "ERR wrong number of arguments for '{full_name}'",
    ),
    Fault(
        "WRONGTYPE is said with the code of an ordinary error",
        "hashes",
        "miniredis.engine.errors",
        "return Error(WRONGTYPE)",
        "return Error('ERR ' + WRONGTYPE)",
    ),
    Fault(
        "an unknown option is ignored",
        "expiration",
        "miniredis.commands.expiration",
        'raise Error(b"ERR Unsupported option %b" % errors.at_end(argument))',
        "continue",
    ),
    Fault(
        "options that exclude each other are taken together",
        "sorted_sets",
        "miniredis.commands.sorted_sets",
        'if {b"NX", b"XX"} <= options:',
        "if False:",
    ),
    # The form of replies
    Fault(
        "a status is sent as a bulk string",
        "strings",
        "miniredis.commands.strings",
        '        db.changed(key, notifications.STRING, b"set")\n        return OK\n',
        '        db.changed(key, notifications.STRING, b"set")\n        return b"OK"\n',
    ),
    Fault(
        "TYPE answers a bulk string",
        "keys",
        "miniredis.commands.keys",
        'return SimpleString(b"none" if value is None else type_name(value))',
        'return b"none" if value is None else type_name(value)',
    ),
    Fault(
        "LPOP with a count answers a null instead of a null array",
        "lists",
        "miniredis.commands.lists",
        "        return NULL_ARRAY\n    return take(",
        "        return None\n    return take(",
    ),
    Fault(
        "a transaction that a watched key broke answers an empty array",
        "transactions",
        "miniredis.commands.transactions",
        "return NULL_ARRAY",
        "return []",
    ),
    Fault(
        "SDIFF answers a list where RESP3 has a set",
        "sets",
        "miniredis.commands.sets_algebra",
        "return ReplySet(_difference(_read_sets(client, argv[1:])))",
        "return list(_difference(_read_sets(client, argv[1:])))",
    ),
    Fault(
        "scores come in pairs in RESP2 as well",
        "sorted_sets",
        "miniredis.commands.sorted_sets",
        "    if client.protocol == 2:\n        return list(chain.from_iterable(pairs))\n",
        "",
    ),
    Fault(
        "PING of a subscriber is answered as any other",
        "pubsub",
        "miniredis.commands.connection",
        '    if client.in_restricted_mode:\n        return [b"pong"',
        '    if False:\n        return [b"pong"',
    ),
    # Ranges and numbers
    Fault(
        "GETRANGE stops one byte early",
        "strings",
        "miniredis.commands.strings",
        "return value[start : end + 1]",
        "return value[start:end]",
    ),
    Fault(
        "a negative index before the beginning is not taken for the beginning",
        "lists",
        "miniredis.engine.arguments",
        "start = max(start + length, 0)",
        "start = start + length",
    ),
    Fault(
        "LREM removes one too many",
        "lists",
        "miniredis.commands.lists",
        "removed = target.remove(argv[3], count)",
        "removed = target.remove(argv[3], count + 1 if count > 0 else count)",
    ),
    Fault(
        "an excluded bound is included",
        "sorted_sets",
        "miniredis.commands.sorted_sets_arguments",
        "return value, excluded",
        "return value, False",
    ),
    Fault(
        "an increment may overflow",
        "strings_numbers",
        "miniredis.commands.strings",
        "    if not INT64_MIN <= total <= INT64_MAX:\n        raise Error(errors.INCREMENT_OVERFLOW)\n",
        "",
    ),
    Fault(
        "INCRBYFLOAT adds as Python does, not as C's long double",
        "strings_numbers",
        "miniredis.commands.strings",
        "text = format_human(total)",
        "text = repr(float(string_bytes(value or b'0')) + float(argv[2])).encode()",
    ),
    Fault(
        "DECRBY increments",
        "strings_numbers",
        "miniredis.commands.strings",
        "return _increment(client, argv[1], -amount)",
        "return _increment(client, argv[1], amount)",
    ),
    # Time to live
    Fault(
        "SET keeps the time to live",
        "expiration",
        "miniredis.engine.keyspace",
        "        if keep_ttl:\n",
        "        if True:\n",
    ),
    Fault(
        "INCR loses the time to live",
        "strings_numbers",
        "miniredis.commands.strings",
        "db.set(key, total, keep_ttl=True)",
        "db.set(key, total)",
    ),
    Fault(
        "TTL rounds down",
        "expiration",
        "miniredis.commands.expiration",
        "(milliseconds + 500) // 1000",
        "milliseconds // 1000",
    ),
    Fault(
        "EXPIRE GT treats a key without a time to live as one that ends soonest",
        "expiration",
        "miniredis.commands.expiration",
        'if b"GT" in conditions and (current is None or when <= current):',
        'if b"GT" in conditions and (current is not None and when <= current):',
    ),
    Fault(
        "an expired key is seen until somebody sweeps",
        "expiration",
        "miniredis.engine.keyspace",
        "if when is None or engine.now <= when:",
        "if True:",
    ),
    # What stays behind
    Fault(
        "an emptied hash stays",
        "hashes",
        "miniredis.commands.hashes",
        "db.delete_if_empty(key, value)",
        "pass",
    ),
    Fault(
        "SMOVE leaves the member where it was",
        "sets",
        "miniredis.commands.sets",
        "if not source.remove(member):",
        "if member not in source.members:",
    ),
    Fault(
        "ZADD counts updated members as new",
        "sorted_sets",
        "miniredis.commands.sorted_sets",
        'return changed if b"CH" in options else added',
        "return changed",
    ),
    Fault(
        "a store of nothing leaves the destination as it was",
        "sets",
        "miniredis.engine.keyspace",
        '        elif self.delete(key):\n            self.changed(key, notifications.GENERIC, b"del")',
        "",
    ),
    # What nobody sees in a reply
    Fault(
        "a set outgrows its listpack or intset too late",
        "sets",
        "miniredis.structures.set",
        "if len(self.members) >= limits.set_max_intset_entries:",
        "if len(self.members) > limits.set_max_intset_entries:",
    ),
    Fault(
        "APPEND tells nobody of its change",
        "strings",
        "miniredis.commands.strings",
        'db.changed(key, notifications.STRING, b"append")',
        "pass",
    ),
    Fault(
        "HDEL counts one change, however many fields go",
        "hashes",
        "miniredis.commands.hashes",
        'db.changed(key, notifications.HASH, b"hdel", removed)',
        'db.changed(key, notifications.HASH, b"hdel")',
    ),
    Fault(
        "COPY gives both keys the same value, so that a change of one is a change of the other",
        "keys",
        "miniredis.commands.keys",
        "twin = copy_value(value)",
        "twin = value",
    ),
    Fault(
        "RENAME loses the time to live",
        "keys",
        "miniredis.commands.keys",
        "when = db.expires.get(source)",
        "when = None",
    ),
    # Transactions
    Fault(
        "WATCH does not see a change",
        "transactions",
        "miniredis.engine.keyspace",
        "        if self.watched:\n            transactions.touch(self, key)\n",
        "",
    ),
    Fault(
        "WATCH does not see that a key has expired",
        "transactions",
        "miniredis.engine.transactions",
        "return session.watch_broken or any(\n"
        "        not was_past and database.is_past(key) for (database, key), was_past in session.watched.items()\n"
        "    )",
        "return session.watch_broken",
    ),
    Fault(
        "the watch outlives DISCARD",
        "transactions",
        "miniredis.engine.transactions",
        "    session.watch_broken = False\n    unwatch(session)\n",
        "    session.watch_broken = False\n",
    ),
    Fault(
        "EXEC runs what was queued beside a refused command",
        "transactions",
        "miniredis.commands.transactions",
        "    if transaction.broken:\n        transactions.discard(client)\n        raise Error(errors.EXECABORT)\n",
        "",
    ),
    # Waiting
    Fault(
        "who began to wait last is served first",
        "lists_blocking",
        "miniredis.engine.blocking",
        "for blocked in list(database.waiting.get(key, ())):",
        "for blocked in reversed(list(database.waiting.get(key, ()))):",
    ),
    Fault(
        "who is gone still takes an element with it",
        "lists_blocking",
        "miniredis.engine.engine",
        "        if session.blocked is not None:\n            self.blocked_clients.cancel(session.blocked)\n",
        "",
    ),
    Fault(
        "waiting clients are served in the middle of a transaction",
        "lists_blocking",
        "miniredis.engine.transactions",
        "        reply = engine.call(session, state, argv)\n",
        "        reply = engine.call(session, state, argv)\n        engine.blocked_clients.serve()\n",
    ),
    Fault(
        "CLIENT UNBLOCK … ERROR ends the wait like a timeout",
        "lists_blocking",
        "miniredis.engine.blocking",
        "self.fail(blocked, Error(UNBLOCKED))",
        "self.release(blocked, blocked.timeout_reply)",
    ),
    Fault(
        "RPOP takes from the left",
        "lists",
        "miniredis.commands.lists",
        "return _pop(client, argv, RIGHT)",
        "return _pop(client, argv, LEFT)",
    ),
    # Publishing
    Fault(
        "a pattern's subscribers are not counted",
        "pubsub",
        "miniredis.engine.pubsub",
        "                receivers += len(sessions)\n",
        "",
    ),
    Fault(
        "UNSUBSCRIBE without a subscription answers nothing",
        "pubsub",
        "miniredis.commands.pubsub",
        "return confirmations or Replies([Push([event, None, _count(client, event)])])",
        "return confirmations",
    ),
    Fault(
        "RESET keeps the subscriptions",
        "connection",
        "miniredis.commands.connection",
        "    engine.pubsub.forget(client)\n",
        "",
    ),
    # Patterns and cursors
    Fault(
        "a class in a pattern cannot be negated",
        "keys",
        "miniredis.structures.glob",
        'negated = pattern.startswith(b"^", position)',
        "negated = False",
    ),
    Fault(
        "SCAN ignores TYPE",
        "keys",
        "miniredis.commands.scanning",
        "options.type = value.lower()",
        "options.type = None",
    ),
    Fault(
        "SORT's DESC is ignored",
        "sort",
        "miniredis.commands.sort",
        'options.descending = token == b"DESC"',
        "options.descending = False",
    ),
)
