"""Encryption: the TLS directives as an ``ssl.SSLContext``, and the handshake of one client.

asyncio can listen for TLS by itself, but then nobody holds the connections whose handshake has not ended, and a
server could not close them when it stops. So a client comes in as any other, on a ``Handshake``, and becomes a
:class:`~miniredis.server.connection.Connection` when its handshake has succeeded.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from miniredis.engine.config import Config
from miniredis.server.listeners import ListenError
from miniredis.server.log import VERBOSE

if TYPE_CHECKING:
    from miniredis.server.server import Server

logger = logging.getLogger("miniredis")

_PROTOCOLS: Final = {
    "tlsv1": ssl.TLSVersion.TLSv1,
    "tlsv1.1": ssl.TLSVersion.TLSv1_1,
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}


def new_context(config: Config) -> ssl.SSLContext:
    """The context that the ``tls-*`` directives describe. Raises :class:`ListenError` where they make none."""
    if not config.tls_cert_file:
        raise _failure("No tls-cert-file configured!")
    if not config.tls_key_file:
        raise _failure("No tls-key-file configured!")
    if config.tls_auth_clients != "no" and not (config.tls_ca_cert_file or config.tls_ca_cert_dir):
        raise _failure(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or "
            "tls-auth-clients are enabled!"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_files(context, config)
    _choose_protocols(context, config.tls_protocols)
    _choose_ciphers(context, config)
    context.verify_mode = {
        "yes": ssl.CERT_REQUIRED,
        "optional": ssl.CERT_OPTIONAL,
        "no": ssl.CERT_NONE,
    }[config.tls_auth_clients]
    return context


def _failure(reason: str) -> ListenError:
    return ListenError(f"Failed to configure TLS: {reason}")


def _load_files(context: ssl.SSLContext, config: Config) -> None:
    with _failing_by(f"Failed to load certificate: {config.tls_cert_file}"):
        context.load_cert_chain(config.tls_cert_file, config.tls_key_file, config.tls_key_file_pass or None)
    if config.tls_ca_cert_file or config.tls_ca_cert_dir:
        with _failing_by("Failed to configure CA certificate(s) file/directory"):
            context.load_verify_locations(config.tls_ca_cert_file or None, config.tls_ca_cert_dir or None)
    if config.tls_dh_params_file:
        with _failing_by(f"Failed to load {config.tls_dh_params_file}"):
            context.load_dh_params(config.tls_dh_params_file)


@contextmanager
def _failing_by(words: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # an SSLError is one
        raise _failure(f"{words}: {error}") from error


def _choose_protocols(context: ssl.SSLContext, words: str) -> None:
    names = words.lower().split()
    if not names:
        return
    if not set(names) <= set(_PROTOCOLS):
        raise _failure(
            "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
        )
    chosen = sorted(_PROTOCOLS[name] for name in names)
    context.minimum_version, context.maximum_version = chosen[0], chosen[-1]


def _choose_ciphers(context: ssl.SSLContext, config: Config) -> None:
    if config.tls_ciphers:
        with _failing_by(f"Failed to configure ciphers: {config.tls_ciphers}"):
            context.set_ciphers(config.tls_ciphers)
    if config.tls_ciphersuites:
        # Of TLS 1.3, which Python cannot choose; who names them must not get others.
        raise _failure(f"Failed to configure ciphersuites: {config.tls_ciphersuites}: not supported by miniredis")
    if config.tls_prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE


class Handshake(asyncio.Protocol):
    """A client from its arrival until its TLS handshake has succeeded, or failed."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self._server = server
        self._context = context
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_aborted = False
        server.handshakes.add(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._is_aborted:
            transport.abort()
            self._server.handshakes.discard(self)
            return
        self._task = self._server.loop.create_task(self._shake_hands(transport))

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        connection = self._server.new_connection()
        try:
            encrypted = await self._server.loop.start_tls(transport, connection, self._context, server_side=True)
        except (OSError, asyncio.CancelledError) as error:
            logger.log(VERBOSE, "Error accepting a client connection: %s", error)
            transport.abort()
            self._server.forget(connection)
            return
        finally:
            self._server.handshakes.discard(self)
        if encrypted is not None:
            connection.connection_made(encrypted)

    def abort(self) -> None:
        """Give the client up."""
        self._is_aborted = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.abort()
