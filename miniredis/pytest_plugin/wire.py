"""One plain connection to a real server: what the plugin itself has to say to it.

The rule of this file: it needs no client library, so that a test suite which has none, or another one, can be run on a
real server as well.
"""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

from miniredis.resp import NEED_MORE, Error, Reply, ReplyDecoder, encode_command

PATIENCE: Final = 10.0
"""Seconds for a reply."""


class RefusedError(Exception):
    """The server answered with an error, which is the message."""


class Wire:
    """A connection to the server at *url*: ``redis://``, ``rediss://`` or ``unix://``, as redis-py reads them."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"{without_password(url)!r} is no redis://, rediss:// or unix:// URL")
        self._decoder = ReplyDecoder()
        self._socket = _open(parts.scheme, parts.hostname or "localhost", parts.port or 6379, parts.path, options)
        try:
            password = unquote(parts.password or options.get("password", ""))
            username = unquote(parts.username or options.get("username", ""))
            if password:
                self.call("AUTH", *([username] if username else []), password)
            self.db = int(options.get("db") or (parts.path.strip("/") if parts.scheme != "unix" else "") or 0)
            if self.db:
                self.call("SELECT", self.db)
        except BaseException:
            self.close()
            raise

    def call(self, *arguments: bytes | str | int) -> Reply:
        """Send a command and return its reply. Raises :class:`RefusedError` for an error."""
        self._socket.sendall(encode_command(arguments))
        while (reply := self._decoder.next()) is NEED_MORE:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._decoder.feed(data)
        if isinstance(reply, Error):
            raise RefusedError(reply.message.decode(errors="backslashreplace"))
        assert not isinstance(reply, type(NEED_MORE))
        return reply

    def info(self, section: str) -> dict[str, str]:
        """A section of INFO."""
        reply = self.call("INFO", section)
        assert isinstance(reply, bytes)
        lines = reply.decode(errors="replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def close(self) -> None:
        """Close the connection. Twice is no harm."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def without_password(url: str) -> str:
    """*url* as it may be shown."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"***@{place}" if "@" in parts.netloc else place, query="").geturl()


def with_db(url: str, db: int) -> str:
    """*url* of the same server with another database."""
    parts = urlsplit(url)
    query = "&".join(each for each in parts.query.split("&") if each and not each.startswith("db="))
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?" + "&".join(filter(None, [query, f"db={db}"]))
    return parts._replace(path=f"/{db}", query=query).geturl()


def _open(scheme: str, host: str, port: int, path: str, options: dict[str, str]) -> socket.socket:
    if scheme == "unix":
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(PATIENCE)
    else:
        opened = socket.create_connection((host, port), timeout=PATIENCE)
    try:
        if scheme == "unix":
            opened.connect(unquote(path))
        return _encrypted(opened, host, options) if scheme == "rediss" else opened
    except BaseException:
        opened.close()
        raise


def _encrypted(plain: socket.socket, host: str, options: dict[str, str]) -> socket.socket:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path"))
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.get("ssl_check_hostname", "").lower() in ("0", "f", "false", "n", "no"):
        context.check_hostname = False
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    return context.wrap_socket(plain, server_hostname=host)
