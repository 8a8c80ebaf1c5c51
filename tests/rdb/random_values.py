"""Commands that make one random value, of any type and encoding, the same on every server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

SIZES = (1, 2, 3, 5, 10, 50, 127, 128, 129, 512, 513)
EDGES = [
    b"",
    b"-",
    b"00",
    b"+1",
    b"1.5",
    b"-0",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
]
EDGES += [
    b"%d" % (sign * edge + step)
    for edge in (2**7, 2**12, 2**15, 2**23, 2**31)
    for sign in (1, -1)
    for step in (-1, 0, 1)
]
SCORES = [b"inf", b"-inf", b"1e300", b"0.1", b"-0", b"1e17", b"123456789012345678", b"3.0", b"5e-324", b"5000000000"]
LONG = (19, 20, 21, 22, 40, 63, 64, 65, 100, 300, 2000, 4095, 4096, 8191, 8192, 9000)

Argv = tuple[bytes, ...]


def word(chance: Random) -> bytes:
    """A word: a number, bytes, letters; now and then a long one, which can be compressed or not."""
    match chance.randrange(9):
        case 0:
            return b"%d" % chance.randrange(-200, 200)
        case 1:
            bits = chance.choice([8, 13, 16, 24, 32, 40, 62])
            return b"%d" % chance.randrange(-(1 << bits), 1 << bits)
        case 2:
            return chance.choice(EDGES)
        case 3:
            return chance.randbytes(chance.randrange(70))
        case 4 if chance.random() < 0.3:
            return long_word(chance)
        case _:
            return bytes(chance.choices(b"abcdef", k=chance.randrange(1, 20)))


def long_word(chance: Random) -> bytes:
    """A word of up to some thousand bytes."""
    size = chance.choice(LONG)
    match chance.randrange(4):
        case 0:
            return chance.randbytes(size)
        case 1:
            return b"ab" * (size // 2)
        case 2:
            return bytes(chance.choices(b"ab", k=size))
        case _:
            return (b"the quick %d fox " % chance.randrange(1000)) * (size // 14 + 1)


def words(chance: Random, count: int) -> Iterator[bytes]:
    """So many words."""
    return (word(chance) for _ in range(count))


def commands_of(
    chance: Random, key: bytes, most: int = 600, *, reads: bool = False, fields_end: bool = False
) -> Iterator[Argv]:
    """The commands that make a value at *key*, with at most so many elements.

    *reads*: consumers read from streams as well, which leaves the time at which they did in them. *fields_end*: some
    fields of hashes have a time to live, as only Valkey 9 has it.
    """
    size = min(chance.choice(SIZES) if chance.random() < 0.4 else chance.randrange(1, 40), most)
    match chance.choice(["string", "list", "list", "set", "integers", "hash", "zset", "stream"]):
        case "string":
            yield b"SET", key, word(chance)
            if chance.random() < 0.3:
                yield b"APPEND", key, word(chance)
        case "list":
            for _ in range(chance.randrange(1, 4)):
                yield chance.choice([b"RPUSH", b"LPUSH"]), key, *words(chance, size)
                yield b"LSET", key, b"0", word(chance)
                yield b"LINSERT", key, b"BEFORE", word(chance), word(chance)
        case "set":
            yield b"SADD", key, *words(chance, size)
        case "integers":
            bits = chance.choice([6, 15, 16, 31, 40])
            yield b"SADD", key, *(b"%d" % chance.randrange(-(1 << bits), 1 << bits) for _ in range(size))
        case "hash":
            pairs = list(words(chance, 2 * size))
            yield b"HSET", key, *pairs
            yield b"HSET", key, b"f", word(chance)
            if fields_end and chance.random() < 0.5:
                yield from ends(chance, key, pairs[::2])
        case "zset":
            yield b"ZADD", key, *(part for member in words(chance, size) for part in (score(chance), member))
        case _:
            ids = list(entry_ids(chance, size))
            yield from stream(chance, key, ids)
            if reads and chance.random() < 0.7:
                yield from consumers(chance, key, ids)


def ends(chance: Random, key: bytes, fields: Sequence[bytes]) -> Iterator[Argv]:
    """Some *fields* of a hash end, centuries from now, and one of them does not after all."""
    for _ in range(chance.randrange(1, 4)):
        chosen = chance.choices(fields, k=chance.randrange(1, min(len(fields), 9) + 1))
        end = b"%d" % (33_177_117_420_000 + chance.randrange(1 << chance.choice([1, 16, 40])))
        yield b"HPEXPIREAT", key, end, b"FIELDS", b"%d" % len(chosen), *chosen
    yield b"HPERSIST", key, b"FIELDS", b"1", chance.choice(fields)


def score(chance: Random) -> bytes:
    """A score of a sorted set."""
    if chance.random() < 0.4:
        return chance.choice(SCORES)
    return b"%r" % chance.uniform(-10, 10) if chance.random() < 0.5 else b"%d" % chance.randrange(-1000, 1000)


def entry_ids(chance: Random, size: int) -> Iterator[bytes]:
    """So many ids in their order."""
    milliseconds = chance.randrange(1, 10**12)
    for sequence in range(1, size + 1):
        milliseconds += chance.choice([0, 0, 1, 500])
        yield b"%d-%d" % (milliseconds, sequence)


def stream(chance: Random, key: bytes, ids: Sequence[bytes]) -> Iterator[Argv]:
    """Entries, some of them deleted, and groups for which nobody reads."""
    for number, entry_id in enumerate(ids):
        fields = [b"a", b"b"] if chance.random() < 0.7 else [b"c"] * chance.randrange(1, 4)
        yield b"XADD", key, entry_id, *(part for field in fields for part in (field, word(chance)))
        if number and chance.random() < 0.1:
            yield b"XDEL", key, entry_id
    if chance.random() < 0.3:
        yield b"XTRIM", key, b"MAXLEN", chance.choice([b"~", b"="]), b"%d" % chance.randrange(1, len(ids) + 1)
    if chance.random() < 0.5:
        yield b"XGROUP", b"CREATE", key, b"g", chance.choice([b"0", b"$", b"5-1"])
        yield b"XGROUP", b"CREATE", key, b"f", b"0", b"ENTRIESREAD", b"3"


def consumers(chance: Random, key: bytes, ids: Sequence[bytes]) -> Iterator[Argv]:
    """Groups whose consumers have read, acknowledged and claimed; some entries are gone while they are pending."""
    names = [b"alice", b"bob", b"", b"42", b"x" * 70]
    for group in (b"readers", b"others")[: chance.randrange(1, 3)]:
        yield b"XGROUP", b"CREATE", key, group, b"0"
        yield b"XGROUP", b"CREATECONSUMER", key, group, b"idle"
        for _ in range(chance.randrange(1, 6)):
            count = b"%d" % chance.choice([1, 2, 7, 100])
            yield b"XREADGROUP", b"GROUP", group, chance.choice(names), b"COUNT", count, b"STREAMS", key, b">"
        for _ in range(chance.randrange(4)):
            at, times = b"%d" % chance.randrange(1, 10**12), b"%d" % chance.randrange(300)
            claimed = chance.choices(ids, k=chance.randrange(1, 5))
            yield b"XCLAIM", key, group, chance.choice(names), b"0", *claimed, b"TIME", at, b"RETRYCOUNT", times
            yield b"XACK", key, group, *chance.choices(ids, k=2)
    if chance.random() < 0.3:
        yield b"XTRIM", key, b"MAXLEN", b"1"
    if chance.random() < 0.3:
        yield b"XSETID", key, b"2000000000000-7", b"ENTRIESADDED", b"1000", b"MAXDELETEDID", b"1-1"
