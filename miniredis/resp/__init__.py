"""The Redis protocol without any I/O: bytes in, values out, and back.

What a reply can be stands in ``types``. A server turns received bytes into requests with ``request`` (typed lines with
``inline``) and replies into bytes with ``encoder``; a client goes the other way with ``encode_command`` and
``decoder``. ``errors`` is how all of it fails. This is the lowest floor: it imports nothing else of miniredis, and
knows no command.
"""

from miniredis.resp.decoder import NEED_MORE, Double, ReplyDecoder
from miniredis.resp.encoder import Encoder, FormatDouble, encode_command
from miniredis.resp.errors import ProtocolError, QueryBufferLimitError
from miniredis.resp.request import RequestParser
from miniredis.resp.types import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    PONG,
    QUEUED,
    Argv,
    Attribute,
    BigNumber,
    Error,
    NullArrayType,
    Pairs,
    Push,
    Replies,
    Reply,
    ReplySet,
    SimpleString,
    Verbatim,
)

__all__ = [
    "NEED_MORE",
    "NO_REPLY",
    "NULL_ARRAY",
    "OK",
    "PONG",
    "QUEUED",
    "Argv",
    "Attribute",
    "BigNumber",
    "Double",
    "Encoder",
    "Error",
    "FormatDouble",
    "NullArrayType",
    "Pairs",
    "ProtocolError",
    "Push",
    "QueryBufferLimitError",
    "Replies",
    "Reply",
    "ReplyDecoder",
    "ReplySet",
    "RequestParser",
    "SimpleString",
    "Verbatim",
    "encode_command",
]
