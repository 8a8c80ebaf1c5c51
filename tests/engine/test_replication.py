"""The stream, its backlog and its readers, on a clock that moves by hand."""

from __future__ import annotations

import re

from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.replication import Backlog
from miniredis.resp.types import NO_REPLY, NULL_ARRAY, OK, Error, Raw
from tests.commands.peers import Peer, frozen_engine

SNAPSHOT = re.compile(rb"\$(\d+)\r\n")


def attach(peer: Peer, line: str = "PSYNC ? -1") -> bytes:
    """Make *peer* a replica; what it is answered before the snapshot."""
    reply = peer(line)
    assert isinstance(reply, Raw)
    size = SNAPSHOT.search(reply)
    assert size is not None
    assert len(reply) == size.end() + int(size[1])
    return bytes(reply[: size.start()])


def told(peer: Peer) -> bytes:
    """All of the stream that has reached *peer* since the last time."""
    return b"".join(peer.seen())


def test_a_backlog_has_the_last_bytes() -> None:
    backlog = Backlog(4, 10)
    assert backlog.since(11) == b""
    assert backlog.since(10) is None
    assert backlog.since(12) is None
    backlog.append(b"abc")
    assert (backlog.first, len(backlog)) == (11, 3)
    assert backlog.since(11) == b"abc"
    backlog.append(b"defghijkl")
    assert (backlog.first, len(backlog)) == (19, 4)
    assert backlog.since(19) == b"ijkl"
    assert backlog.since(18) is None
    assert backlog.since(23) == b""


def test_a_replica_is_told_what_changed() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    assert attach(replica) == b"+FULLRESYNC %b 0\r\n" % engine.replication.id.encode()
    client("SET a 1")
    client("GET a")
    assert told(replica) == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
    assert engine.replication.offset == 50


def test_nothing_is_told_before_anybody_listens() -> None:
    engine = frozen_engine()
    client = Peer(engine)
    client("SET a 1")
    assert engine.replication.offset == 0
    assert not engine.observed
    attach(Peer(engine), "SYNC")
    client("GET a")
    assert engine.replication.offset == 0


def test_who_comes_back_gets_what_was_missed() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    client("SET a 1")
    replica.leave()
    client("SET a 2")
    again = Peer(engine)
    again("REPLCONF capa psync2")
    missed = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n2\r\n"
    assert again(f"PSYNC {engine.replication.id} 51") == b"+CONTINUE %b\r\n" % engine.replication.id.encode() + missed


def test_who_names_another_stream_begins_anew() -> None:
    engine = frozen_engine()
    attach(Peer(engine))
    stranger = Peer(engine)
    assert attach(stranger, f"PSYNC {'a' * 40} 1").startswith(b"+FULLRESYNC")
    assert engine.replication.partial_refusals == 1


def test_a_stream_nobody_reads_is_forgotten() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    name = engine.replication.id
    replica.leave()
    engine.clock.advance(3600)
    assert engine.replication.has_stream
    engine.clock.advance(2)
    assert not engine.replication.has_stream
    assert engine.replication.id != name
    client("SET a 1")
    assert engine.next_due() is None


def test_replicas_are_pinged_on_the_clock() -> None:
    engine = frozen_engine()
    replica = Peer(engine)
    attach(replica)
    for _ in range(3):
        engine.clock.advance(10)
        replica.send("REPLCONF ACK 0")
    assert told(replica) == b"*1\r\n$4\r\nPING\r\n" * 3


def test_a_replica_that_acknowledges_nothing_is_closed() -> None:
    engine = frozen_engine()
    silent, old = Peer(engine), Peer(engine)
    attach(silent)
    attach(old, "SYNC")
    engine.clock.advance(60)
    assert not silent.is_closed
    engine.clock.advance(2)
    assert silent.is_closed
    assert not old.is_closed  # it does not know how to


def test_wait_ends_with_the_last_acknowledgement_that_it_wants() -> None:
    engine = frozen_engine()
    replicas, client = [Peer(engine), Peer(engine)], Peer(engine)
    for replica in replicas:
        attach(replica)
    client("SET a 1")
    client.send("WAIT 2 0")
    assert told(replicas[0]).endswith(b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n")
    replicas[0].send("REPLCONF ACK 50")
    replicas[1].send("REPLCONF ACK 49")
    assert client.seen() == []
    replicas[1].send("REPLCONF ACK 50")
    assert client.seen() == [2]
    assert client("WAIT 1 0") == 2


def test_wait_says_how_many_have_acknowledged_when_its_time_is_over() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    client("SET a 1")
    client.send("WAIT 2 500")
    replica.send("REPLCONF ACK 99")
    assert client.seen() == []
    engine.clock.advance(0.5)
    assert client.seen() == [1]


def test_wait_does_not_block_in_a_transaction() -> None:
    engine = frozen_engine()
    client = Peer(engine)
    client.send("MULTI", "WAIT 5 0", "EXEC")
    assert client.seen()[-1] == [0]


def test_waitaof_counts_what_is_on_the_replicas_disks() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    client("SET a 1")
    client.send("WAITAOF 0 1 0")
    replica.send("REPLCONF ACK 50 FACK 20")
    assert client.seen() == []
    replica.send("REPLCONF ACK 50 FACK 50")
    assert client.seen() == [[0, 1]]


def test_a_replica_that_asks_for_a_reply_is_closed() -> None:
    engine = frozen_engine()
    for line in ("PING", "GET a", "SET a 1", "REPLCONF capa eof"):
        replica = Peer(engine)
        attach(replica)
        assert engine.execute(replica.session, [word.encode() for word in line.split()]) == NO_REPLY
        assert replica.session.closing


def test_a_replica_is_described_and_killed_as_one() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    replica("REPLCONF listening-port 7001 ip-address there")
    attach(replica)
    replica.send("REPLCONF ACK 7")
    assert b" flags=S " in client("CLIENT LIST TYPE replica")
    assert client("ROLE") == [b"master", 0, [[b"there", b"7001", b"7"]]]
    assert b"\r\nslave0:ip=there,port=7001,state=online,offset=7,lag=0\r\n" in client("INFO replication")
    assert client("CLIENT KILL TYPE replica") == 1
    assert replica.is_closed


def test_without_enough_replicas_nobody_may_write() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    client("CONFIG SET min-replicas-to-write 1")
    refused = Error("NOREPLICAS Not enough good replicas to write.")
    assert client("SET a 1") == refused
    attach(replica)
    assert client("SET a 1") == OK
    engine.clock.advance(11)
    assert client("SET a 1") == refused
    replica.send("REPLCONF ACK 1")
    assert client("SET a 1") == OK


def test_keys_that_expire_by_themselves_are_told_one_by_one() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    for key in "ab":
        client(f"SET {key} 1 PX 5")
    attach(replica)
    engine.clock.advance(0.006)
    deletions = b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n"
    assert told(replica) == b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" + deletions


def test_who_waits_is_turned_away_when_the_server_becomes_a_replica() -> None:
    engine = frozen_engine()
    waiting, client = Peer(engine), Peer(engine)
    waiting.send("BLPOP l 0")
    client("REPLICAOF 127.0.0.1 1")
    (reply,) = waiting.seen()
    assert reply.message.startswith(b"UNBLOCKED force unblock")
    assert waiting.session.closing


def test_a_master_that_was_a_replica_goes_on_with_its_stream() -> None:
    engine = frozen_engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    client("SET a 1")
    name = engine.replication.id
    client("REPLICAOF 127.0.0.1 1")
    client("REPLICAOF NO ONE")
    assert replica.is_closed
    assert (engine.replication.former_id, engine.replication.former_end) == (name, 51)
    again = Peer(engine)
    assert again(f"PSYNC {name} 51") == b"+CONTINUE\r\n"


def test_handlers_that_block_are_not_told_while_they_wait() -> None:
    engine = Engine()
    replica, client = Peer(engine), Peer(engine)
    attach(replica)
    blocked = engine.execute(client.session, [b"BLPOP", b"l", b"0"])
    assert isinstance(blocked, Blocked)
    assert told(replica) == b""
    engine.blocked_clients.time_out(blocked)
    assert blocked.reply == NULL_ARRAY
    Peer(engine)("RPUSH l a")
    assert told(replica).count(b"*") == 2
