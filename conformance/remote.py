"""A server that somebody else runs, reached by a URL: what it lets us do, and what we must not do to it.

The rule of this file: it is not ours. It is never stopped, and not touched unless it is empty or its owner said
``--flush``. A cloud's server may refuse CONFIG, DEBUG or FLUSHALL; that is found out before anything is asked, so that
what cannot be asked is said and not counted as a difference.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from conformance.servers import Server, ServerError
from conformance.wire import Wire
from miniredis.resp import OK, Error

DEFAULT_PORT: Final = 6379
DATABASES: Final = 16
"""How many databases are looked into where INFO does not list them."""

SCHEMES: Final = ("redis", "rediss", "unix")

PROBES: Final[dict[str, tuple[str, ...]]] = {
    "CONFIG": ("CONFIG", "GET", "notify-keyspace-events"),
    "DEBUG": ("DEBUG", "SET-ACTIVE-EXPIRE", "1"),
    "FLUSHALL": ("FLUSHALL",),
    "INFO": ("INFO", "server"),
    "CLIENT": ("CLIENT", "ID"),
    "SELECT": ("SELECT", "0"),
}
"""What the suite needs beside the commands it asks about → a call that tells whether the server lets us."""

TLS_OPTIONS: Final = frozenset({"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_keyfile"})
"""What may follow the ``?`` of a ``rediss`` URL, named as redis-py names them."""


def parse_url(text: str) -> Server:
    """The server at a URL: ``redis://[user:password@]host[:port]``, ``rediss://…`` or ``unix://[user:password@]/path``.

    ``rediss`` takes ``?ssl_ca_certs=FILE``, ``ssl_certfile``, ``ssl_keyfile`` and ``ssl_cert_reqs=none``. Nothing is
    connected yet. Raises :class:`ServerError` for what is no such URL.
    """
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ServerError(f"{_hidden(text)}: a URL begins with {', '.join(f'{each}://' for each in SCHEMES)}")
    try:
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise ServerError(f"{_hidden(text)}: {error}") from None
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme == "unix":
        path = unquote(parts.path)
        if not path:
            raise ServerError(f"{text}: the path of the socket is missing, as in unix:///run/redis.sock")
        return Server("unix", "", 0, address=f"unix://{path}", path=path, username=username, password=password)
    if parts.path.strip("/") not in ("", "0"):
        raise ServerError(
            f"{_hidden(text)}: the suite goes through all databases of a server, so it cannot be kept to one. "
            "Give the URL without a database"
        )
    host = parts.hostname or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    tls = _tls(parts) if parts.scheme == "rediss" else None
    address = f"{parts.scheme}://{shown}:{port}"
    return Server(shown, host, port, address=address, tls=tls, username=username, password=password)


def _tls(parts: SplitResult) -> ssl.SSLContext:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = options.keys() - TLS_OPTIONS
    if unknown:
        raise ServerError(f"unknown in a rediss URL: {', '.join(sorted(unknown))}; known: {', '.join(TLS_OPTIONS)}")
    try:
        context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
        if options.get("ssl_cert_reqs") == "none":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if "ssl_certfile" in options:
            context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    except OSError as error:  # ssl.SSLError is one
        raise ServerError(f"the certificates named in the URL: {error}") from None
    return context


def _hidden(url: str) -> str:
    """The URL as it may be printed."""
    return re.sub(r"(?<=:)[^:@/]+(?=@)", "***", url)


def what_it_holds(wire: Wire) -> str:
    """What is in the server, in words; empty if it is empty."""
    return ", ".join(_holdings(wire))


def _holdings(wire: Wire) -> Iterator[str]:
    keyspace = wire.call("INFO", "keyspace")
    if not isinstance(keyspace.value, Error):
        for number, keys in re.findall(rb"^db(\d+):keys=(\d+)", keyspace.raw, re.MULTILINE):
            yield f"{int(keys)} keys in database {int(number)}"
    else:
        for number in range(DATABASES):
            if isinstance(wire.call("SELECT", number).value, Error):
                break
            size = wire.call("DBSIZE").value
            if isinstance(size, Error):
                yield f"nobody knows what: it refuses INFO ({keyspace.value.message!r}) and DBSIZE ({size.message!r})"
                break
            if size:
                yield f"{size} keys in database {number}"
        wire.call("SELECT", 0)
    functions = wire.call("FUNCTION", "LIST").value
    if isinstance(functions, list) and functions:
        yield f"{len(functions)} function libraries"


def refusals(wire: Wire) -> dict[str, str]:
    """What the suite needs of the server and is refused → the server's words. Empties the server if it can."""
    found: dict[str, str] = {}
    for name, call in PROBES.items():
        reply = wire.call(*call).value
        if isinstance(reply, Error):
            found[name] = reply.message.decode(errors="replace")
    return found


def empty(wire: Wire) -> None:
    """Empty every database, by whatever means the server grants. Raises :class:`ServerError` if it grants none."""
    answer = wire.call("FLUSHALL").value
    if answer == OK:
        return
    for number in range(DATABASES):
        # A server with one database may not know SELECT at all.
        if isinstance(wire.call("SELECT", number).value, Error) and number:
            break
        if wire.call("FLUSHDB").value != OK:
            keys = wire.call("KEYS", "*").value
            if not isinstance(keys, list) or (keys and isinstance(wire.call("DEL", *keys).value, Error)):
                raise ServerError(f"the server cannot be emptied: FLUSHALL answered {answer!r}")
    wire.call("SELECT", 0)
