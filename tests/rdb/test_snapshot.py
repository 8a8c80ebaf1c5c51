"""RDB files: a whole dataset, here and on real servers, and nothing of a damaged one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest

from conformance.servers import find_server, start
from miniredis import rdb
from miniredis.commands.server.digest import dataset_digest
from miniredis.rdb.crc64 import crc64
from miniredis.rdb.snapshot import Opcode
from tests.commands.client import Client
from tests.rdb.older_encodings import string
from tests.rdb.random_values import commands_of
from tests.requirements import missing

VERSIONS = ["redis-7.0", "redis-7.2", "valkey-9.1"]


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Client:
    return Client(request.param)


def filled(client: Client, seed: int = 1, count: int = 60) -> Client:
    """*client*, whose first and tenth database have values of all kinds, some of which expire."""
    chance = Random(seed)
    for number in range(count):
        client(f"SELECT {0 if number % 3 else 9}")
        key = b"key:%d" % number
        for argv in commands_of(chance, key):
            client.engine.execute(client.session, list(argv))
        if number % 4 == 0:
            client(f"EXPIRE key:{number} {1000 + number}")
    client("SELECT 0")
    return client


def digest(client: Client) -> str:
    """DEBUG DIGEST, with the times at which keys end."""
    ends = [database.expires for database in client.engine.databases]
    return f"{dataset_digest(client.engine.databases)} {ends}"


def test_a_dataset_is_loaded_as_it_was_dumped(client: Client) -> None:
    data = rdb.dump(filled(client).engine)
    other = Client(client.engine.version.name)
    other("SET gone 1")
    snapshot = rdb.load(other.engine, data)
    assert digest(other) == digest(client)
    assert snapshot.aux[b"redis-bits"] == b"64"
    assert other("EXISTS gone") == 0
    other.engine.clock.freeze()
    other.engine.clock.set(client.engine.now / 1000)
    other.engine.run_due()
    client.engine.clock.freeze()
    client.engine.clock.set(other.engine.now / 1000)
    client.engine.run_due()
    assert rdb.dump(other.engine) == rdb.dump(client.engine)


@pytest.mark.parametrize("version", ["redis-7.0", "valkey-9.1"])
def test_the_servers_own_check_finds_nothing_wrong(version: str, tmp_path: Path) -> None:
    """A server is the program that checks files, too, if it is called by that name: so each checks its own version."""
    binary = find_server(version)
    if binary is None:
        missing(f"a real {version} server")
    program = tmp_path / f"{binary.family}-check-rdb"
    program.symlink_to(binary.path)
    path = tmp_path / "dump.rdb"
    path.write_bytes(rdb.dump(filled(Client(version)).engine))
    done = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "RDB looks OK" in done.stdout


@pytest.mark.parametrize("version", ["redis-7.0", "valkey-9.1"])
def test_a_real_server_loads_our_file_and_we_load_its(version: str, tmp_path: Path) -> None:
    binary = find_server(version)
    if binary is None:
        missing(f"a real {version} server")
    client = filled(Client(version))
    (tmp_path / "dump.rdb").write_bytes(rdb.dump(client.engine))
    with start(binary, "--dir", str(tmp_path)) as server, server.connect() as wire:
        theirs = wire.call("DEBUG", "DIGEST").value
        assert theirs.decode() == dataset_digest(client.engine.databases)
        for key in client.engine.databases[0].expires:
            assert wire.call("PEXPIRETIME", key).value == client.engine.databases[0].expires[key]
        wire.call("SAVE")
    other = Client(version)
    rdb.load(other.engine, (tmp_path / "dump.rdb").read_bytes())
    assert digest(other).split()[0] == digest(client).split()[0]
    assert [database.expires for database in other.engine.databases] == [
        database.expires for database in client.engine.databases
    ]


# What is damaged


def file_of(*items: bytes, version: bytes = b"REDIS0009", checksum: bytes | None = None) -> bytes:
    """An RDB file of those items."""
    data = version + b"".join(items) + bytes([Opcode.EOF])
    return data + (crc64(data).to_bytes(8, "little") if checksum is None else checksum)


A = b"\x00" + string(b"a") + string(b"1")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "[offset 0] Short read or OOM loading DB. Unrecoverable error, aborting now."),
        (b"RADIS0009" + file_of(A)[9:], "[offset 9] Wrong signature trying to load DB from file"),
        (b"REDIS0099" + file_of(A)[9:], "[offset 9] Can't handle RDB format version 99"),
        (b"REDIS0000" + file_of(A)[9:], "[offset 9] Can't handle RDB format version 0"),
        (file_of(A)[:-9], "[offset 14] Short read or OOM loading DB. Unrecoverable error, aborting now."),
        (file_of(A)[:-1], "[offset 15] Short read or OOM loading DB. Unrecoverable error, aborting now."),
        (
            file_of(A, checksum=b"12345678"),
            f"[offset 23] Wrong RDB checksum expected: ({crc64(file_of(A)[:-8]):x}) but got (3837363534333231)."
            " Aborting now.",
        ),
        (file_of(A, A), "[offset 19] Duplicated key found in RDB file"),
        (file_of(b"\x07" + string(b"m") + b"\x01"), "[offset 12] The RDB file contains module data I can't load"),
        (file_of(b"\xf6"), "[offset 10] Pre-release function format not supported."),
        (
            file_of(b"\xfe\x10"),
            "[offset 11] FATAL: Data file was created with a Redis server configured to handle more than 16 databases."
            " Exiting",
        ),
    ],
)
def test_a_damaged_file_is_refused_and_changes_nothing(client: Client, data: bytes, message: str) -> None:
    client("SET kept 1")
    with pytest.raises(rdb.RdbError) as refusal:
        rdb.load(client.engine, data)
    assert str(refusal.value) == message
    assert client("GET kept") == b"1"


def test_whatever_byte_is_wrong_the_file_is_refused_or_whole(client: Client) -> None:
    data = rdb.dump(filled(client, count=6).engine)
    chance = Random(3)
    client.engine.config.rdbchecksum = False
    for _ in range(500):
        damaged = bytearray(data)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            rdb.parse(bytes(damaged), client.engine)
        except rdb.RdbError:
            continue


@pytest.mark.parametrize(("count", "step"), [(3, 1), (6, 37)])
def test_a_file_that_is_cut_anywhere_is_refused(client: Client, count: int, step: int) -> None:
    data = rdb.dump(filled(client, count=count).engine)
    client.engine.config.rdbchecksum = False
    for cut in range(0, len(data) - 8, step):
        with pytest.raises(rdb.RdbError):
            rdb.parse(data[:cut], client.engine)


# What stands between the keys


def test_opcodes_that_say_nothing_about_keys_are_passed_over(client: Client) -> None:
    data = file_of(
        b"\xfa" + string(b"redis-ver") + string(b"9.9.9"),
        b"\xf5" + string(b"#!lua name=lib\n"),
        b"\xf7\x81" + bytes(8) + b"\x02\x01" + b"\x02\x07\x01\x08\x03abcd\x04abcdefgh\x05" + string(b"x") + b"\x00",
        b"\xfe\x02\xfb\x02\x01",
        b"\xf8\x10" + A,
        b"\xf9\xff\x00" + string(b"b") + string(b"2"),
    )
    snapshot = rdb.load(client.engine, data)
    assert snapshot.aux == {b"redis-ver": b"9.9.9"}
    assert snapshot.functions == [b"#!lua name=lib\n"]
    assert client.engine.databases[2].data == {b"a": b"1", b"b": b"2"}
    client("SELECT 2")
    assert client("OBJECT IDLETIME a") in (16, 17)


def test_times_are_read_in_seconds_and_milliseconds_and_what_has_passed_is_left_out(client: Client) -> None:
    items = (
        b"\xfd" + (2_000_000_000).to_bytes(4, "little") + A,
        b"\xfc" + (33_000_000_000_123).to_bytes(8, "little") + b"\x00" + string(b"b") + string(b"2"),
        b"\xfc" + (1000).to_bytes(8, "little") + b"\x00" + string(b"past") + string(b"3"),
        b"\x00" + string(b"c") + string(b"4"),
    )
    data = file_of(*items)
    client.engine.clock.freeze()
    client.engine.clock.set(1_700_000_000)
    snapshot = rdb.load(client.engine, data)
    assert client.engine.databases[0].expires == {b"a": 2_000_000_000_000, b"b": 33_000_000_000_123}
    assert client.engine.databases[0].data.keys() == {b"a", b"b", b"c"}
    assert snapshot.expired == 1
    assert b"past" in {item.key for item in rdb.parse(data, client.engine, keep_expired=True).databases[0]}


def test_empty_collections_are_passed_over(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    rdb.load(client.engine, file_of(b"\x01" + string(b"empty") + b"\x00", A))
    assert client.engine.databases[0].data.keys() == {b"a"}
    assert "skipping empty key: empty" in caplog.text


def test_a_file_without_checksum_is_loaded(client: Client) -> None:
    rdb.load(client.engine, file_of(A, checksum=bytes(8)))
    assert client("GET a") == b"1"
    client.engine.config.rdbchecksum = False
    assert rdb.dump(client.engine)[-8:] == bytes(8)


def test_files_of_the_first_versions_have_no_checksum(client: Client) -> None:
    rdb.load(client.engine, b"REDIS0003" + A + b"\xff")
    assert client("GET a") == b"1"


def test_only_valkey_reads_files_with_its_signature() -> None:
    data = rdb.dump(filled(Client("valkey-9.1"), count=3).engine)
    assert data.startswith(b"VALKEY080")
    rdb.load(Client("valkey-9.1").engine, data)
    with pytest.raises(rdb.RdbError, match="Wrong signature"):
        rdb.load(Client("redis-7.2").engine, data)
    for version in (b"VALKEY011", b"REDIS0012", b"REDIS0079", b"REDIS0080", b"VALKEY081"):
        with pytest.raises(rdb.RdbError, match="Can't handle RDB format version"):
            rdb.load(Client("valkey-9.1").engine, file_of(A, version=version))
