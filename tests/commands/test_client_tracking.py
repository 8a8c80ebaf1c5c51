"""Client-side caching. Every expectation was answered by Redis 7.0.15 and, where it differs, Valkey 9.1.2.

Who is told what in general is examined by ``tests/engine/test_tracking_model.py``, and with the replies around it by
the scenarios of ``conformance/scenarios/tracking.scenarios``. Here stands what these cannot see, or not in one process.
"""

from __future__ import annotations

import pytest

from miniredis.engine.copy_on_write import Snapshot
from miniredis.engine.engine import Engine
from miniredis.resp.types import OK, Error, Push, Reply, ReplySet
from tests.commands.client import SYNTAX
from tests.commands.peers import Peer, frozen_engine

VERSIONS = pytest.mark.parametrize("version", ["redis-7.0", "redis-7.2", "valkey-9.1"])


def invalid(*keys: bytes) -> Push:
    return Push([b"invalidate", list(keys)])


FLUSHED = Push([b"invalidate", None])


@pytest.fixture
def version() -> str:
    return "redis-7.2"


@pytest.fixture
def engine(version: str) -> Engine:
    return frozen_engine(version)


@pytest.fixture
def a(engine: Engine) -> Peer:
    """A client that speaks RESP3."""
    return Peer(engine, protocol=3)


@pytest.fixture
def b(engine: Engine) -> Peer:
    return Peer(engine)


def run(peer: Peer, *lines: str) -> list[Reply]:
    """What *peer* sees of *lines*."""
    peer.send(*lines)
    return peer.seen()


def info(peer: Peer, section: str, *names: str) -> list[int]:
    """Figures of INFO."""
    fields = dict(line.split(":") for line in str(peer(f"INFO {section}"), "ascii").splitlines() if ":" in line)
    return [int(fields[name]) for name in names]


def described(peer: Peer) -> dict[str, str]:
    """What CLIENT INFO says of *peer*."""
    return dict(word.partition("=")[::2] for word in str(peer("CLIENT INFO"), "ascii").split())


# What a client says


def test_what_holds_while_a_client_does_not_track(a: Peer) -> None:
    assert a("CLIENT TRACKING off") == OK
    assert a("CLIENT GETREDIR") == -1
    assert a("CLIENT TRACKINGINFO") == {b"flags": ReplySet([b"off"]), b"redirect": -1, b"prefixes": []}
    assert a("CLIENT CACHING yes") == Error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
    )


@VERSIONS
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("maybe", SYNTAX),
        ("on FOO", SYNTAX),
        ("on REDIRECT", SYNTAX),
        ("on REDIRECT x", Error("ERR value is not an integer or out of range")),
        ("on REDIRECT 0", Error("ERR The client ID you want redirect to does not exist")),
        ("on REDIRECT 3 REDIRECT 3", Error("ERR A client can only redirect to a single other client")),
        ("on PREFIX a", Error("ERR PREFIX option requires BCAST mode to be enabled")),
        ("on BCAST OPTOUT OPTIN", Error("ERR OPTIN and OPTOUT are not compatible with BCAST")),
        ("on OPTIN OPTOUT", Error("ERR You can't specify both OPTIN mode and OPTOUT mode")),
        (
            "on BCAST PREFIX ab PREFIX a",
            Error(
                "ERR Prefix 'ab' overlaps with another provided prefix 'a'. Prefixes for a single client must not"
                " overlap."
            ),
        ),
    ],
)
def test_a_client_that_asks_for_the_wrong_thing_does_not_track(a: Peer, options: str, error: Error) -> None:
    assert a(f"CLIENT TRACKING {options}") == error
    assert a("CLIENT GETREDIR") == -1


@pytest.mark.parametrize(
    ("options", "flags", "letters"),
    [
        ("", [b"on"], "t"),
        ("NOLOOP", [b"on", b"noloop"], "t"),
        ("OPTIN", [b"on", b"optin"], "t"),
        ("OPTOUT NOLOOP", [b"on", b"optout", b"noloop"], "t"),
        ("BCAST NOLOOP", [b"on", b"bcast", b"noloop"], "tB"),
    ],
)
def test_a_client_can_ask_how_it_tracks(a: Peer, options: str, flags: list[bytes], letters: str) -> None:
    assert a(f"CLIENT TRACKING on {options}".strip()) == OK
    prefixes = [b""] if "BCAST" in options else []
    assert a("CLIENT TRACKINGINFO") == {b"flags": ReplySet(flags), b"redirect": 0, b"prefixes": prefixes}
    assert (described(a)["flags"], described(a)["redir"]) == (letters, "0")


def test_the_list_of_clients_tells_whose_redirection_is_broken(a: Peer, b: Peer) -> None:
    run(a, f"CLIENT TRACKING on REDIRECT {b.session.id}", "GET k")
    assert (described(a)["flags"], described(a)["redir"]) == ("t", str(b.session.id))
    b.leave()
    assert described(a)["flags"] == "t"
    assert run(a, "SET k 1") == [OK, Push([b"tracking-redir-broken", b.session.id])]
    assert described(a)["flags"] == "tR"
    assert a("CLIENT TRACKINGINFO")[b"flags"] == ReplySet([b"on", b"broken_redirect"])


def test_reset_and_the_end_of_the_connection_end_it(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "CLIENT TRACKING on BCAST PREFIX p PREFIX q")
    assert info(b, "clients", "tracking_clients") == [1]
    assert info(b, "stats", "tracking_total_prefixes") == [2]
    run(a, "RESET")
    assert described(a)["redir"] == "-1"
    run(a, "CLIENT TRACKING on BCAST PREFIX p")
    a.leave()
    assert info(b, "clients", "tracking_clients") == info(b, "stats", "tracking_total_prefixes") == [0]
    assert not engine.tracks
    assert not engine.gate


# The table


def test_info_counts_what_was_read(a: Peer, b: Peer) -> None:
    figures = ("tracking_total_keys", "tracking_total_items")
    run(a, "CLIENT TRACKING on", "MGET x y", "GET x")
    run(b, "CLIENT TRACKING on", "GET x")
    assert info(b, "stats", *figures) == [2, 3]
    run(b, "SET x 1")
    assert info(b, "stats", *figures) == [1, 1]
    a.leave()
    assert info(b, "stats", *figures) == [1, 1]  # until it changes
    run(b, "CLIENT TRACKING off", "SET y 1")
    assert info(b, "stats", *figures) == [0, 0]


@VERSIONS
def test_a_full_table_is_emptied_before_the_next_command(a: Peer, b: Peer) -> None:
    run(b, "CONFIG SET tracking-table-max-keys 2")
    run(a, "CLIENT TRACKING on")
    assert run(a, "MGET k1 k2 k3 k4") == [[None] * 4]
    told = run(a, "PING")
    assert len(told) == 3
    assert all(isinstance(each, Push) for each in told[:2])
    assert info(b, "stats", "tracking_total_keys") == [2]


def test_a_full_table_is_emptied_if_no_command_comes(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "CLIENT TRACKING on", "MGET k1 k2")
    run(b, "CONFIG SET tracking-table-max-keys 1")
    assert a.seen() == []
    engine.clock.advance(0.1)
    assert len(a.seen()) == 1
    run(b, "CONFIG SET tracking-table-max-keys 0")
    run(a, "MGET k1 k2 k3")
    engine.clock.advance(1)
    assert a.seen() == []
    assert engine.next_due() is None


def test_a_table_that_stays_too_full_is_emptied_faster_and_faster(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "CLIENT TRACKING on", "MGET " + " ".join(map(str, range(1000))))
    run(b, "CONFIG SET tracking-table-max-keys 1")
    told = []
    while engine.tracking.total_keys > 1:
        engine.clock.advance(0.1)
        told.append(len(a.seen()))
    assert told == [100, 200, 300, 399]


# What changes by itself


def test_keys_expire_for_those_who_have_read_them_whether_somebody_looks_or_not(
    a: Peer, b: Peer, engine: Engine
) -> None:
    run(b, "SET k v PX 10", "SET l v PX 10")
    run(a, "CLIENT TRACKING on", "GET k")
    engine.clock.advance(0.011)
    assert a.seen() == [invalid(b"k")]
    engine.active_expire = False
    run(b, "SET l v PX 10")
    run(a, "GET l")
    engine.clock.advance(0.011)
    assert a.seen() == []
    assert run(b, "EXISTS l") == [0]
    assert a.seen() == [invalid(b"l")]


def test_a_field_that_ends_makes_its_hash_invalid() -> None:
    engine = frozen_engine("valkey-9.1")
    a, b = Peer(engine, protocol=3), Peer(engine)
    run(b, "HSETEX h PX 10 FIELDS 2 f v g w")
    run(a, "CLIENT TRACKING on", "HGETALL h")
    engine.clock.advance(0.02)
    assert a.seen() == [invalid(b"h")]


@VERSIONS
def test_what_is_evicted_is_told_before_the_reply_of_the_command_that_needs_room(a: Peer, b: Peer) -> None:
    run(b, "SET k " + 2000 * "x" + " EX 100", "SET big " + 1000 * "x")
    run(a, "CLIENT TRACKING on", "GET k")
    run(b, "CONFIG SET maxmemory-policy volatile-random", "CONFIG SET maxmemory 1")
    assert run(a, "STRLEN big") == [invalid(b"k"), 1000]


def test_a_snapshot_that_is_put_back_makes_everything_invalid(a: Peer, b: Peer, engine: Engine) -> None:
    snapshot = Snapshot(engine)
    run(a, "CLIENT TRACKING on", "GET k")
    snapshot.restore(engine)
    assert a.seen() == [FLUSHED]


# Who pays


def test_nobody_pays_who_does_not_track(a: Peer, b: Peer, engine: Engine) -> None:
    assert (engine.tracks, engine.gate, engine.observed) == (False, False, False)
    run(a, "CLIENT TRACKING on", "GET k")
    assert (engine.tracks, engine.gate, engine.observed) == (True, True, True)
    run(a, "CLIENT TRACKING off")
    assert (engine.tracks, engine.gate, engine.observed) == (True, False, False)  # k is still known
    run(b, "SET k 1")
    assert (engine.tracks, engine.gate, engine.observed) == (False, False, False)


def test_who_tracks_sees_nothing_of_scripts_and_functions_that_nobody_uses(a: Peer, engine: Engine) -> None:
    run(a, "CLIENT TRACKING on BCAST", "SET k 1")
    assert engine.used_scripting is None  # Lua is imported when somebody asks for it
