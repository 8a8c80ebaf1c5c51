"""The replication stream is the one that a real server would send, command by command and word for word."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest

from tests.replication.pair import Pair
from tests.replication.test_replica import TEMPLATES, random_command

SCENARIOS: Final[dict[str, list[str]]] = {
    "a write is told in its own words": ["set foo bar", "SET foo 2", "Append foo x", "incr n", "DEL foo nokey"],
    "what changes nothing is not told": [
        "get foo", "del foo", "lpush l a", "lpushx no a", "lrem l 0 zz", "ltrim l 0 -1", "setnx l a", "sadd s a",
        "sadd s a", "srem s b", "hset h f v", "hset h f v", "hsetnx h f x", "zadd z 1 a", "zadd z 1 a", "zrem z b",
        "persist foo", "expire nokey 10", "lset l 9 a", "incr l", "copy a b", "renamenx l s", "move l 0",
        "smove s t b", "zremrangebyscore z 5 6", "linsert l before zz y", "getdel no", "msetnx l a q b",
        "touch l", "zadd z gt 0 a", "zadd z nx 3 a", "hdel h nof", "setrange n 0 a", "setrange nn 0 ",
    ],
    "SELECT stands where the database changes": ["set a 1", "select 3", "set a 1", "get a", "select 0", "set a 2"],
    "an expiration is told as a time": [
        "set a 1 EX 100", "set a 1 px 100000", "set a 1 exat 99999999999", "set a 1 pxat 9999999999999",
        "set a 1 PXAT 9999999999999 get", "set a 1 EX 100 NX", "set a 1 EX 100 XX", "set b 1 nx ex 100 get",
        "set a 1 keepttl", "set a 1 get", "set a 1 GeT xx keepttl get", "set a 1 xx", "set c 1 xx",
        "setex a 100 v", "psetex a 100000 v", "setnx a b", "setnx d b", "getset a x", "getset new x",
    ],
    "EXPIRE and its like": [
        "set a 1", "expire a 100", "pexpire a 100000", "expireat a 99999999999", "pexpireat a 9999999999999",
        "PExpireAt a 9999999999999", "expire a 100 xx", "expire a 200 gt", "expire a 900 LT", "expire a 1 nx",
        "persist a", "persist a", "expire a -1", "set a 1", "pexpireat a 1", "set a 1", "expireat a 0",
        "set a 1", "expire a 0",
    ],
    "GETEX": [
        "set a 1", "getex a", "getex a EX 100", "getex a px 100000", "getex a exat 99999999999",
        "getex a pxat 9999999999999", "getex a persist", "getex a persist", "getex a exat 1", "getex no ex 100",
    ],
    "DEBUG REPLICATE tells what nobody has done": [
        "select 3", "set a 1", "debug replicate SET a b", "select 0", "debug replicate set a c", "set a d",
    ],
    "each eviction is told by itself": [
        "config set maxmemory-policy volatile-ttl", "set a 1 pxat 7777777777777", "select 3",
        "set b 2 pxat 8888888888888", "set c 3 pxat 9999999999999", "config set maxmemory 1", "get a",
        "config set maxmemory 0", "set d 1", "config set maxmemory-policy noeviction",
    ],
    "GETDEL": ["set a 1", "getdel a", "getdel a"],
    "a set in the past": ["debug set-active-expire 0", "set a 1 exat 1", "set b 1", "set b 2 pxat 1", "setex c 0 1",
        "exists a b",
                        "debug set-active-expire 1"],
    "sums of floats are told as what came out": [
        "incrbyfloat f 1.5", "incrbyfloat f 0.1", "hincrbyfloat h f 1.5", "hincrbyfloat h f 3", "incrby n 3",
        "decr n", "hincrby h n 4", "zincrby z 1.5 a", "expire f 100", "incrbyfloat f 1",
    ],
    "SPOP of all, and of one": [
        "sadd s a", "spop s", "sadd s a b c", "spop s 3", "sadd s a b c", "spop s 10", "spop s 1", "sadd s a",
        "spop s 0",
    ],
    "popping from the first of several lists": [
        "rpush l a b c d e", "lmpop 2 no l LEFT", "lmpop 1 l right count 2", "lmpop 1 l right count 20",
        "lmpop 1 l left",
        "rpush l a b c", "lpop l", "rpop l 1", "lpop l 9", "lpop l",
    ],
    "blocking pops that need not block": [
        "rpush l a b c d e f g h", "blpop no l 0", "brpop l 0", "blmpop 0 2 no l left", "blmpop 0 1 l right count 2",
        "brpoplpush l m 0", "blmove l m left right 0", "blmove l m RIGHT LEFT 0", "blmpop 0 1 m left count 9",
        "lmove l l left right", "rpoplpush l l", "rpoplpush no l",
    ],
    "popping from sorted sets": [
        "zadd z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h", "zpopmin z", "zpopmax z 2", "bzpopmin no z 0", "bzpopmax z 0",
        "zmpop 1 z min", "zmpop 2 no z max count 1", "bzmpop 0 1 z min count 10", "zpopmin z", "zmpop 1 z min",
    ],
    "clients that waited": [
        "2> blpop a b 0", "rpush b 1 2", "del b", "2> brpop b c 0", "rpush b 1", "lpush b 1",
        "3> blmove x y left right 0",
        "4> blpop y 0", "rpush x 1", "2> brpoplpush x z 0", "lpush x 1 2", "3> blmpop 0 1 q left count 5",
        "rpush q a b", "4> bzpopmin zs 0", "zadd zs 1 a 2 b", "2> bzmpop 0 1 zt max count 4", "zadd zt 1 a 2 b",
        "3> bzpopmax zt 0", "zadd zt 1 a",
    ],
    "several clients wait for the same": [
        "2> blpop a 0", "3> brpop a 0", "4> blmove a b right left 0", "rpush a 1 2 3 4",
    ],
    "a client is served with what a transaction left": [
        "2> blpop a 0", "multi", "lpush a 1", "set foo bar", "exec",
        "3> blmove a b left right 0", "multi", "lpush a 1", "exec",
    ],
    "one that waits for a destination of the wrong type": ["set d x", "2> blmove a d left right 0", "rpush a 1"],
    "transactions": [
        "multi", "exec", "multi", "get a", "exec", "multi", "set a 1", "exec", "multi", "set a 1", "set b 2", "exec",
        "multi", "get a", "set a 1", "select 2", "get a", "exec", "multi", "set a 1", "select 1", "set a 1", "exec",
        "select 0", "multi", "set a b", "incr a", "lpush a x", "exec", "multi", "set a 1", "discard", "multi", "set",
        "exec", "multi", "blpop l 0", "rpush l a b", "blpop l 0", "exec", "multi", "publish c m", "exec",
        "multi", "flushall", "exec", "multi", "sadd s a", "spop s 2", "exec", "watch a", "set a 5", "multi",
        "set a 6", "exec",
    ],
    "PUBLISH is told, whoever listens": ["publish a b", "spublish a b", "multi", "publish a b", "publish a c", "exec"],
    "flushing": [
        "flushall", "flushdb", "set a 1", "flushdb", "flushall async", "select 2", "flushdb", "flushall", "select 0",
        "swapdb 0 1", "swapdb 1 1", "multi", "flushdb", "set a 1", "exec",
    ],
    "keys that are moved and copied": [
        "set a 1", "rename a b", "renamenx b c", "move c 1", "set d 1", "copy d e", "copy d e", "copy d e replace",
        "copy d e db 3", "unlink d", "del e", "rename no yes",
    ],
    "commands that store": [
        "sadd s a b", "sadd t b c", "sunionstore u s t", "sinterstore u s no", "sinterstore u s no", "sdiffstore u s t",
        "zadd z 1 a", "zunionstore zz 1 z", "zinterstore zz 2 z no", "zinterstore zz 2 z no", "zrangestore zr z 0 -1",
        "zrangestore zr z 5 9", "zrangestore zr z 5 9", "rpush l 3 1 2", "sort l store m", "sort no store m",
        "sort no store m", "lpush l 4", "sort l desc limit 0 2 store m", "smove s t a", "zdiffstore zd 2 z no",
    ],
    "strings": [
        "mset a 1 b 2", "msetnx c 1 d 2", "setrange a 3 x", "append a y", "getrange a 0 1", "incrby b 4", "decrby b 3",
        "set b x", "incr b", "lcs a b", "strlen a",
    ],
    "lists": [
        "rpush l a b c", "lset l 0 z", "linsert l before b q", "lrem l 1 q", "ltrim l 0 1", "ltrim l 5 6", "rpush l a",
        "lset l 0 a", "rpushx l b", "lmove l k left left", "lrange l 0 -1",
    ],
    "hashes and sorted sets": [
        "hset h a 1 b 2", "hdel h a", "hmset h x y", "hsetnx h q 1", "zadd z 1 a 2 b", "zadd z xx 3 a",
        "zadd z incr 1 a",
        "zadd z nx incr 1 a", "zrem z a b", "zadd z 1 a 2 b 3 c 4 d", "zremrangebyrank z 0 0", "zremrangebyscore z 2 2",
        "zremrangebylex z [c [c", "zrem z d",
    ],
    "a key that has expired is told as deleted when somebody looks": [
        "debug set-active-expire 0", "set a 1 px 1", "set b 1 px 1", "set c 1 px 1", "set d 1 px 1", "debug sleep 0.01",
        "get a", "get a", "mget b c", "set d 2", "set e 1 px 1", "set f 1 px 1", "debug sleep 0.01", "multi", "get e",
        "set x 1", "exec", "multi", "get f", "exec", "flushdb",
        "set i 1 px 1", "debug sleep 0.01", "randomkey", "set k 1 px 1", "debug sleep 0.01", "incr k",
        "lpush m a", "pexpire m 1", "debug sleep 0.01", "lpush m b", "set o 1 px 1", "debug sleep 0.01", "del o",
        "set p 1 px 1", "debug sleep 0.01", "rename p q", "debug set-active-expire 1",
    ],
    "what is lazy is told so": [
        "config set lazyfree-lazy-expire yes", "config set lazyfree-lazy-user-del yes",
        "config set lazyfree-lazy-server-del yes", "set a 1", "del a", "set a 1", "getdel a", "set a 1", "expire a -1",
        "sadd s a", "spop s 5", "set a 1", "getex a exat 1", "config set lazyfree-lazy-expire no",
        "config set lazyfree-lazy-user-del no", "config set lazyfree-lazy-server-del no", "set a 1", "del a", "set a 1",
        "getdel a", "set a 1", "expire a -1", "sadd s a", "spop s 5", "set a 1", "getex a exat 1",
    ],
    "entries of streams": [
        "xadd s 1-1 f v", "xadd s 1-* f v", "xadd s * f v", "XAdd s maxlen ~ 2 * f v",
        "xadd s maxlen = 2 nomkstream * f v",
        "xadd s maxlen ~ 2 limit 10 99999999999999-* f v", "xadd s minid ~ 5 99999999999999-9 f v",
        "xadd no nomkstream * f v",
        "xtrim s maxlen ~ 1", "xtrim s maxlen 1", "xtrim s maxlen 1", "xadd s 99999999999999-10 f v", "xdel s 1-1",
        "xdel s 99999999999999-10", "xsetid s 99999999999999-20", "xtrim s minid = 99999999999999-20",
        "xtrim s maxlen 0",
    ],
    "groups of consumers": [
        "xgroup create s g 0 mkstream", "xadd s 1-1 f v", "xadd s 1-2 f v", "xadd s 1-3 f v", "xgroup create s h $",
        "xreadgroup group g c count 1 streams s >", "xreadgroup group g c streams s 0",
        "xreadgroup group g d noack streams s >",
        "xreadgroup group g d noack streams s >", "xreadgroup group h e streams s >",
        "xreadgroup group h e noack streams s >",
        "xclaim s g x 0 1-1", "xclaim s g x 0 1-1 retrycount 7 justid", "xclaim s g x 0 1-2 force", "xdel s 1-2",
        "xclaim s g x 0 1-2", "xclaim s g x 0 9-9 lastid 1-9", "xautoclaim s g y 0 0", "xautoclaim s g y 100000 0",
        "xgroup createconsumer s g z", "xgroup createconsumer s g z", "xgroup delconsumer s g z", "xack s g 1-1",
        "xack s g 1-1", "xgroup setid s g 0", "xadd s 2-1 f v", "xreadgroup group g c streams s >", "xdel s 2-1",
        "xautoclaim s g c 0 0", "xautoclaim s g new 0 0", "xclaim s g newer 0 7-7",
        "xreadgroup group g newest streams s >",
        "xreadgroup group g latest noack streams s >", "xreadgroup group g history streams s 0",
        "xgroup destroy s g", "xread streams s 0", "xreadgroup group h q streams s 0",
    ],
    "consumers that waited": [
        "xgroup create s g $ mkstream", "2> xreadgroup group g c block 0 streams s >", "xadd s 1-1 f v",
        "3> xreadgroup group g d block 0 noack streams s >", "xadd s 1-2 f v", "4> xread block 0 streams s $",
        "xadd s 1-3 f v",
    ],
    "fields that end": [
        "hset h a 1 b 2 c 3", "hexpire h 100 fields 3 a b x", "hpexpire h 100000 nx fields 2 b c",
        "HExpireAt h 99999999999 xx fields 1 a", "hpexpireat h 9999999999999 gt fields 1 a",
        "hpexpireat h 9999999999999 fields 1 a", "hexpire h 5 xx fields 1 x", "hpersist h fields 3 a b x",
        "hpersist h fields 1 a", "hgetex h fields 1 a", "hgetex h ex 100 fields 2 a x", "hgetex h persist fields 2 a b",
        "hgetex h exat 1 fields 2 a x", "hgetdel h fields 2 x y", "hgetdel h fields 2 b y", "hexpire h 0 fields 2 c x",
        "httl h fields 1 a", "hexpire no 100 fields 1 a",
    ],
    "fields that are set to end": [
        "hsetex h ex 100 fields 2 a 1 b 2", "HSetEx h fxx pxat 9999999999999 fields 1 a 1", "hsetex h fields 1 c 1",
        "hsetex h fnx keepttl fields 1 d 1", "hsetex h fnx fields 1 d 1", "hsetex no xx fields 1 a 1",
        "hsetex no nx fields 1 a 1", "hsetex h ex 10 ex 20 fields 1 a 1", "hsetex h keepttl fxx keepttl fields 1 a 1",
        "hincrby h a 1", "hincrbyfloat h a 1.5", "hincrby h c 1", "hincrbyfloat h c 1.5", "hsetnx h e 1",
        "hsetnx h b 1", "hset h a 1", "hsetex h ex 0 fields 2 a 1 new 1", "hsetex h exat 1 fields 1 new 1",
        "hsetex other px 0 fields 1 a 1", "multi", "hsetex t ex 100 fields 1 a 1", "hexpire t 0 fields 1 a", "exec",
        "copy h copied", "rename copied renamed", "del h",
    ],
    "fields that have ended": [
        "debug set-active-expire 0", "hsetex h px 1 fields 5 a 1 b 1 c 1 d 1 e 1", "debug sleep 0.01", "hget h a",
        "hset h a 1", "hincrby h b 1", "hincrbyfloat h c 1.5", "hsetnx h d 1", "hsetex h fnx fields 1 e 1",
        "hsetex h px 1 fields 1 f 1", "debug sleep 0.01", "hdel h f a", "hgetdel h fields 1 f",
        "del h", "debug set-active-expire 1",
    ],
    "SET IFEQ, DELIFEQ, MSETEX": [
        "set s a", "set s b ifeq x", "set s b IfEq a", "set s c ifeq b get", "set s d ifeq c ex 100",
        "set s e ifeq d keepttl", "set s f ifeq e pxat 9999999999999 get", "set s g ifeq f exat 1", "set s a",
        "delifeq s b", "delifeq s a", "delifeq s a", "msetex 2 a 1 b 2", "msetex 2 b 1 c 2 nx",
        "MSetEx 2 b 1 a 2 xx ex 100", "msetex 2 b 1 a 2 keepttl", "msetex 1 a 1 ex 10 ex 200",
        "msetex 1 a 1 exat 99999999999 xx",
        "msetex 1 a 1 pxat 9999999999999", "debug set-active-expire 0", "set i 1 px 1", "set j 1 px 1",
        "debug sleep 0.01", "msetex 1 i 2 xx", "msetex 1 j 2", "set k 1 px 1", "debug sleep 0.01", "delifeq k 1",
        "del i j k", "debug set-active-expire 1",
    ],
    "bits": ["setbit b 7 1", "setbit b 7 1", "setbit b 7 0", "getbit b 1", "bitop not c b", "bitop and c no",
             "bitop and c no", "bitfield b set u8 0 200", "bitfield b get u8 0", "bitfield b incrby u8 0 1"],
}  # fmt: skip
"""Step by step what clients do, under what it shows."""


@pytest.mark.parametrize("steps", SCENARIOS.values(), ids=SCENARIOS)
def test_the_stream_is_the_one_of_the_reference(pair: Pair, steps: list[str]) -> None:
    reference, target = pair.play(steps)
    assert target == reference


def test_what_scan_finds_expired_is_told_without_a_transaction(pair: Pair) -> None:
    steps = ["debug set-active-expire 0", "set a 1 px 1", "set b 1 px 1", "set c 1 px 1", "debug sleep 0.01"]
    reference, target = pair.play([*steps, "scan 0 count 100", "debug set-active-expire 1"])
    assert sorted(target) == sorted(reference)


@pytest.mark.parametrize("members", [3, 30, 3000])
@pytest.mark.parametrize("share", [0.1, 0.9, 1])
def test_random_members_that_are_popped_are_told_by_name(pair: Pair, members: int, share: float) -> None:
    names = [b"%d" % number for number in range(members)]
    steps: list[str | list[bytes]] = [[b"sadd", b"s", *names], [b"spop", b"s", b"%d" % max(members * share, 2)]]
    reference, target = pair.play(steps)
    assert [(words[0], len(words)) for words in target] == [(words[0], len(words)) for words in reference]
    popped = [name for words in target if words[0] == b"SREM" for name in words[2:]]
    assert len(set(popped)) == len(popped)
    assert set(popped) <= set(names)


LEFT_TO_CHANCE: Final = ("SPOP", "RANDOMKEY", "SCAN", "PX 1", "PX 2", "PEXPIRE", "0.001", "SORT", "EXPIREAT", "100 GT")
"""What chance or the clock decides, or the order of a set, if only by what it leaves behind."""


@pytest.mark.parametrize("seed", range(4))
def test_random_commands_are_told_as_the_reference_tells_them(pair: Pair, seed: int) -> None:
    random = Random(seed)
    templates = [each for each in TEMPLATES if not any(chance in " ".join(each) for chance in LEFT_TO_CHANCE)]
    steps: list[str | list[bytes]] = ["select 0"]
    steps += [[word.encode() for word in random_command(random, templates)] for _ in range(1500)]
    reference, target = pair.play([*steps, "discard"])
    for number, (expected, told) in enumerate(zip(reference, target, strict=False)):
        assert (number, told) == (number, expected)
    assert len(target) == len(reference)
