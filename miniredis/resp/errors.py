"""How the protocol floor fails: the peer sent what the protocol forbids, or more than it may."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer's bytes break the protocol; nothing that follows them on this connection can be understood.

    ``message`` is the text in bytes. From :class:`~miniredis.resp.request.RequestParser` it is Redis's own, to be
    sent as ``-ERR `` + ``message`` (``b"Protocol error: invalid bulk length"``) before the connection is closed.
    """

    def __init__(self, message: bytes) -> None:
        super().__init__(message.decode("latin-1"))
        self.message = message


class QueryBufferLimitError(Exception):
    """A client sent more unprocessed bytes than ``client-query-buffer-limit``: Redis closes it without any reply."""
