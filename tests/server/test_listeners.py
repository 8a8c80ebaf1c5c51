"""Where clients come in: TCP on any number of addresses, TLS, Unix sockets; and who is turned away."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from miniredis.engine import Engine
from miniredis.engine.config import Config
from miniredis.server import ListenError, Server
from miniredis.server.listeners import bind_tcp
from miniredis.testing import MiniRedis
from tests.server.conftest import Host, Peer, eventually


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs an IPv6 loopback address")


def ask(connection: socket.socket) -> bytes:
    with connection:
        connection.settimeout(5)
        connection.sendall(b"SET k v\r\n")
        return connection.recv(100)


def test_a_port_that_is_taken_is_an_error_in_redis_words() -> None:
    with MiniRedis() as first:
        with pytest.raises(ListenError) as caught:
            MiniRedis(first.port).start()
        assert str(caught.value) == (
            f"Could not create server TCP listening socket 127.0.0.1:{first.port}: bind: Address already in use"
        )


@needs_ipv6
def test_one_ephemeral_port_for_every_address(start: Callable[..., Host]) -> None:
    server = start(bind=["127.0.0.1", "::1"]).server
    for address in ("127.0.0.1", "::1"):
        assert ask(socket.create_connection((address, server.port))) == b"+OK\r\n"


@needs_ipv6
def test_an_ipv6_address_is_shown_in_brackets(start: Callable[..., Host]) -> None:
    host = start(bind="::1")
    assert host.server.url == f"redis://[::1]:{host.server.port}"
    peer = host.adopt(socket.create_connection(("::1", host.server.port)))
    peer.send("GET k")
    peer.receive(b"$-1\r\n")
    assert [session.address for session in host.server.engine.sessions.values()] == [
        f"[::1]:{peer.socket.getsockname()[1]}"
    ]


def test_an_optional_address_may_be_missing(start: Callable[..., Host]) -> None:
    server = start(bind=["127.0.0.1", "-192.0.2.1"]).server
    assert ask(socket.create_connection(("127.0.0.1", server.port))) == b"+OK\r\n"


def test_another_address_may_not() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:\d+: bind: " + os.strerror(errno.EADDRNOTAVAIL)):
        MiniRedis(bind=["127.0.0.1", "192.0.2.1"]).start()


async def test_a_server_that_could_not_start_has_stopped() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = Config()
        config.bind, config.port = ("127.0.0.1",), taken.getsockname()[1]
        server = Server(Engine(config=config))
        with pytest.raises(ListenError):
            await server.start()
        assert server.begin_stop().done()


# Unix sockets


def test_a_unix_socket_beside_tcp(start: Callable[..., Host], tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    host = start(unixsocket=path, unixsocketperm="700")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert host.server.unix_socket == str(path)
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    peer = host.adopt(client)
    peer.send("GET k")
    peer.receive(b"$-1\r\n")
    (session,) = host.server.engine.sessions.values()
    assert (session.unix_socket, session.address) == (True, f"{path}:0")
    host.server.stop()
    assert not path.exists()


def test_a_unix_socket_left_behind_is_replaced(start: Callable[..., Host], tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    start(unixsocket=path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_is_not_replaced_by_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("precious")
    with pytest.raises(ListenError, match="Failed opening Unix socket: bind: Address already in use"):
        MiniRedis(unixsocket=path).start()
    assert path.read_text() == "precious"


def test_a_path_too_long_for_a_socket_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="unix socket path too long"):
        MiniRedis(unixsocket=tmp_path / ("x" * 120)).start()


# TLS


@pytest.fixture
def start_tls(start: Callable[..., Host], certificate: tuple[Path, Path]) -> Callable[..., Host]:
    """Starts a server with TLS on a port of its own and no plain TCP."""

    def start_tls(**options: object) -> Host:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        cert, key = certificate
        given = {"tls_port": port, "tls_cert_file": cert, "tls_key_file": key, "tls_auth_clients": "no", **options}
        return start(**given)

    return start_tls


def encrypt(connection: socket.socket, certificate: Path, key: Path | None = None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificate))
    if key is not None:
        context.load_cert_chain(certificate, key)
    return context.wrap_socket(connection, server_hostname="localhost")


def connect_tls(host: Host, certificate: tuple[Path, Path], *, as_client: bool = False) -> ssl.SSLSocket:
    connection = socket.create_connection(("127.0.0.1", host.server.tls_port), timeout=5)
    return encrypt(connection, certificate[0], certificate[1] if as_client else None)


def ask_without_certificate(host: Host, certificate: tuple[Path, Path]) -> bytes:
    """The answer; nothing if the server refuses us."""
    try:
        return ask(connect_tls(host, certificate))
    except (ssl.SSLError, ConnectionError):
        return b""


def test_tls(start_tls: Callable[..., Host], certificate: tuple[Path, Path]) -> None:
    host = start_tls()
    assert host.server.url == f"rediss://127.0.0.1:{host.server.tls_port}"
    assert host.server.port == 0
    with connect_tls(host, certificate) as client:
        client.sendall(b"SET k v\r\nGET k\r\n" * 2000)
        received = b""
        while len(received) < 2000 * 12:
            received += client.recv(65536)
        assert received == b"+OK\r\n$1\r\nv\r\n" * 2000


def test_large_values_over_tls(start_tls: Callable[..., Host], certificate: tuple[Path, Path]) -> None:
    host = start_tls()
    value = os.urandom(1 << 20) * 4
    with connect_tls(host, certificate) as client:
        request = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%b\r\nGET k\r\n" % (len(value), value)
        client.sendall(request)  # not on a thread of its own: one end of TLS is for one thread at a time
        expected = b"+OK\r\n$%d\r\n%b\r\n" % (len(value), value)
        received = bytearray()
        while len(received) < len(expected):
            received += client.recv(1 << 20)
        assert received == expected


def test_a_client_certificate_is_asked_for(start_tls: Callable[..., Host], certificate: tuple[Path, Path]) -> None:
    host = start_tls(tls_auth_clients="yes", tls_ca_cert_file=certificate[0])
    assert ask(connect_tls(host, certificate, as_client=True)) == b"+OK\r\n"
    assert ask_without_certificate(host, certificate) == b""


def test_what_changes_while_tls_is_off_counts_when_it_is_on_again(
    start_tls: Callable[..., Host], certificate: tuple[Path, Path], unused_tcp_port: int
) -> None:
    host = start_tls(port=unused_tcp_port)
    port = str(host.server.tls_port)
    host.run("CONFIG", "SET", "tls-port", "0")
    host.run("CONFIG", "SET", "tls-auth-clients", "yes", "tls-ca-cert-file", str(certificate[0]))
    host.run("CONFIG", "SET", "tls-port", port)
    assert ask(connect_tls(host, certificate, as_client=True)) == b"+OK\r\n"
    assert ask_without_certificate(host, certificate) == b""


def test_plain_tcp_beside_tls(
    start_tls: Callable[..., Host], certificate: tuple[Path, Path], unused_tcp_port: int
) -> None:
    host = start_tls(port=unused_tcp_port)
    assert host.server.port == unused_tcp_port
    assert ask(socket.create_connection(("127.0.0.1", unused_tcp_port))) == b"+OK\r\n"
    assert ask(connect_tls(host, certificate)) == b"+OK\r\n"


def test_who_speaks_no_tls_is_dropped(start_tls: Callable[..., Host]) -> None:
    host = start_tls()
    peer = host.adopt(socket.create_connection(("127.0.0.1", host.server.tls_port)))
    peer.socket.sendall(b"GET k\r\n" * 10)
    peer.read_to_the_end()
    assert host.clients == 0


def test_stopping_does_not_wait_for_unfinished_handshakes(start_tls: Callable[..., Host]) -> None:
    host = start_tls()
    peer = host.adopt(socket.create_connection(("127.0.0.1", host.server.tls_port)))
    eventually(lambda: bool(host.server._server.handshakes))
    host.server.stop()
    assert peer.read_to_the_end() == b""


def test_tls_without_a_certificate_is_an_error() -> None:
    with pytest.raises(ListenError, match="No tls-cert-file configured!"):
        MiniRedis(tls_port=1).start()


def test_a_certificate_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="Failed to load certificate"):
        MiniRedis(tls_port=1, tls_cert_file=tmp_path / "no", tls_key_file="no", tls_auth_clients="no").start()


@pytest.mark.parametrize(
    ("directive", "value", "reason"),
    [
        ("tls_ciphers", "NOPE", "Failed to configure ciphers: NOPE"),
        ("tls_ciphersuites", "TLS_AES_128_GCM_SHA256", "Failed to configure ciphersuites: TLS_AES_128_GCM_SHA256: not"),
        ("tls_dh_params_file", "/nope", "Failed to load /nope: "),
        ("tls_ca_cert_file", "/nope", r"Failed to configure CA certificate\(s\) file/directory: "),
        ("tls_protocols", "SSLv3", "Invalid tls-protocols specified"),
    ],
)
def test_what_makes_no_tls(start_tls: Callable[..., Host], directive: str, value: str, reason: str) -> None:
    """Neither at the start nor while it runs, and nothing of it is passed over."""
    with pytest.raises(ListenError, match=f"^Failed to configure TLS: {reason}"):
        start_tls(**{directive: value})
    name = directive.replace("_", "-")
    host = start_tls(port=free_port())
    peer = host.connect()
    for refused in (name, value), ("tls-cert-file", "/nope"):
        assert (
            set_config(peer, *refused)
            == (
                f"-ERR CONFIG SET failed (possibly related to argument '{refused[0]}') - "
                "Unable to update TLS configuration. Check server logs.\r\n"
            ).encode()
        )
    peer.send(f"CONFIG GET {name}")
    peer.receive(f"*2\r\n${len(name)}\r\n{name}\r\n$0\r\n\r\n".encode())


def cipher(host: Host, certificate: tuple[Path, Path]) -> str:
    with connect_tls(host, certificate) as client:
        chosen = client.cipher()
        assert chosen is not None
        return chosen[0]


def test_ciphers_are_chosen(start_tls: Callable[..., Host], certificate: tuple[Path, Path]) -> None:
    host = start_tls(tls_protocols="TLSv1.2", tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", port=free_port())
    assert cipher(host, certificate) == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert set_config(host.connect(), "tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384") == b"+OK\r\n"
    assert cipher(host, certificate) == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize("servers", [False, True])
def test_whose_preference_of_ciphers_counts(
    start_tls: Callable[..., Host], certificate: tuple[Path, Path], servers: bool
) -> None:
    first, second = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
    host = start_tls(tls_protocols="TLSv1.2", tls_ciphers=f"{first}:{second}", tls_prefer_server_ciphers=servers)
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.set_ciphers(f"{second}:{first}")
    connection = socket.create_connection(("127.0.0.1", host.server.tls_port), timeout=5)
    with context.wrap_socket(connection, server_hostname="localhost") as client:
        chosen = client.cipher()
    assert chosen is not None
    assert chosen[0] == (first if servers else second)


def test_a_certificate_that_was_renewed_is_read_again(
    start_tls: Callable[..., Host], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for file, source in ((cert, certificate[0]), (key, certificate[1])):
        file.write_bytes(source.read_bytes())
    host = start_tls(tls_cert_file=cert, tls_key_file=key, port=free_port())
    peer = host.connect()
    cert.write_text("no certificate")
    assert set_config(peer, "tls-cert-file", str(cert)).startswith(b"-ERR CONFIG SET failed")
    assert ask(connect_tls(host, certificate)) == b"+OK\r\n"
    cert.write_bytes(certificate[0].read_bytes())
    assert set_config(peer, "tls-cert-file", str(cert)) == b"+OK\r\n"
    assert ask(connect_tls(host, certificate)) == b"+OK\r\n"


# Who is turned away


def test_no_more_clients_than_maxclients(start: Callable[..., Host]) -> None:
    host = start(maxclients=2)
    first, second = host.connect(), host.connect()
    host.session(second)
    assert host.connect().read_to_the_end() == b"-ERR max number of clients reached\r\n"
    assert host.server.engine.statistics.rejected_connections == 1
    first.socket.close()
    host.wait_for_clients(1)
    third = host.connect()
    third.send("GET k")
    third.receive(b"$-1\r\n")


def test_a_small_message_does_not_wait_for_the_acknowledgement_of_the_one_before() -> None:
    for listener in bind_tcp(["127.0.0.1"], 0, 5):
        with listener, socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:  # asyncio sets TCP_NODELAY on what says that it is TCP, and on nothing else
                assert accepted.proto == socket.IPPROTO_TCP


# Moved while the server runs

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def set_config(peer: Peer, *words: str) -> bytes:
    peer.send(" ".join(("CONFIG", "SET", *words)))
    return peer.socket.recv(1000)


def answers(port: int, address: str = LOOPBACK) -> bool:
    try:
        return ask(socket.create_connection((address, port))) == b"+OK\r\n"
    except ConnectionRefusedError:
        return False


def test_config_set_moves_the_port_and_clients_stay(start: Callable[..., Host]) -> None:
    host = start(bind=[LOOPBACK])
    peer, old, new = host.connect(), host.server.port, free_port()
    assert set_config(peer, "port", str(new)) == b"+OK\r\n"
    assert not answers(old)
    assert answers(new)
    assert host.server.port == new
    peer.send("PING")
    peer.receive(b"+PONG\r\n")


def test_a_port_that_is_taken_changes_nothing(start: Callable[..., Host]) -> None:
    host, other = start(bind=[LOOPBACK]), start(bind=[LOOPBACK])
    peer, port = host.connect(), host.server.port
    assert set_config(peer, "maxmemory", "10000001", "port", str(other.server.port)) == (
        b"-ERR CONFIG SET failed (possibly related to argument 'port') - "
        b"Unable to listen on this port. Check server logs.\r\n"
    )
    assert answers(port)
    peer.send("CONFIG GET maxmemory")
    peer.receive(b"*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n")


def test_addresses_that_cannot_be_had_leave_the_old_ones(start: Callable[..., Host]) -> None:
    host = start(bind=[LOOPBACK])
    peer, port, new = host.connect(), host.server.port, free_port()
    refusal = (
        b"-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.\r\n"
    )
    assert set_config(peer, "bind", "192.0.2.1") == refusal
    assert answers(port)
    assert set_config(peer, "port", str(new)) == b"+OK\r\n"
    assert set_config(peer, "bind", "192.0.2.1") == refusal
    assert answers(new)


@needs_ipv6
def test_config_set_moves_the_addresses(start: Callable[..., Host]) -> None:
    host = start(bind=[LOOPBACK])
    peer, port = host.connect(), host.server.port
    peer.send(f"CONFIG SET port {port}")
    peer.receive(b"+OK\r\n")
    peer.socket.sendall(b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$4\r\nbind\r\n$13\r\n127.0.0.1 ::1\r\n")
    peer.receive(b"+OK\r\n")
    assert answers(port)
    assert answers(port, "::1")
    assert set_config(peer, "bind", "::1") == b"+OK\r\n"
    assert not answers(port)
    assert answers(port, "::1")


def test_tls_cannot_be_turned_on_without_a_certificate(host: Host) -> None:
    assert set_config(host.connect(), "tls-port", str(free_port())) == (
        b"-ERR CONFIG SET failed (possibly related to argument 'tls-port') - "
        b"Unable to update TLS configuration. Check server logs.\r\n"
    )
