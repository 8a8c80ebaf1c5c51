"""Encryption: the TLS directives as an ``ssl.SSLContext``, and the handshake of one client.

asyncio can listen for TLS by itself, but then nobody holds the connections whose handshake has not ended, and a
server could not close them when it stops. So a client comes in as any other, on a ``Handshake``, and becomes a
:class:`~miniredis.server.connection.Connection` when its handshake has succeeded.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
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
        raise ListenError("Failed to configure TLS: No tls-cert-file configured!")
    if not config.tls_key_file:
        raise ListenError("Failed to configure TLS: No tls-key-file configured!")
    if config.tls_auth_clients != "no" and not (config.tls_ca_cert_file or config.tls_ca_cert_dir):
        raise ListenError(
            "Failed to configure TLS: Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, "
            "tls-replication or tls-auth-clients are enabled!"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = config.tls_cert_file
    try:
        context.load_cert_chain(config.tls_cert_file, config.tls_key_file, config.tls_key_file_pass or None)
        if config.tls_ca_cert_file or config.tls_ca_cert_dir:
            file = config.tls_ca_cert_file or config.tls_ca_cert_dir
            context.load_verify_locations(config.tls_ca_cert_file or None, config.tls_ca_cert_dir or None)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(f"Failed to configure TLS: Failed to load certificate: {file}: {error}") from error
    _choose_protocols(context, config.tls_protocols)
    context.verify_mode = {
        "yes": ssl.CERT_REQUIRED,
        "optional": ssl.CERT_OPTIONAL,
        "no": ssl.CERT_NONE,
    }[config.tls_auth_clients]
    return context


def _choose_protocols(context: ssl.SSLContext, words: str) -> None:
    names = words.lower().split()
    if not names:
        return
    if not set(names) <= set(_PROTOCOLS):
        raise ListenError(
            "Failed to configure TLS: Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', "
            "'TLSv1.2' and 'TLSv1.3'."
        )
    chosen = sorted(_PROTOCOLS[name] for name in names)
    context.minimum_version, context.maximum_version = chosen[0], chosen[-1]


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
