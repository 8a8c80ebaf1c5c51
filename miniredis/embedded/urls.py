"""``miniredis://name`` as a URL for redis-py, for code that takes nothing but a URL.

redis-py has no place where a scheme could be registered: it asks one function, ``parse_url``, in each of its two
modules of connections. So that is asked first here, and for all other schemes itself. A name need not be known yet when
a URL is read, only when somebody connects. The rest of such a URL is as in ``redis://``: a database as the path, user
and password, options in the query.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import redis.asyncio.connection
import redis.connection

from miniredis.embedded.async_connection import AsyncConnection
from miniredis.embedded.clients import NOWHERE
from miniredis.embedded.connection import Connection

SCHEME: Final = "miniredis://"


def register_scheme() -> None:
    """Teach redis-py the scheme. Once is enough; more does nothing."""
    for module, connection_class in ((redis.connection, Connection), (redis.asyncio.connection, AsyncConnection)):
        parse_url: Any = module.parse_url
        if not hasattr(parse_url, "asks_miniredis_first"):
            module.parse_url = _parser(parse_url, connection_class)  # type: ignore[attr-defined]


def _parser(parse_url: Callable[[str], Any], connection_class: type) -> Callable[[str], Any]:
    @wraps(parse_url)
    def parse(url: str) -> Any:
        if not url.startswith(SCHEME):
            return parse_url(url)
        options = dict(parse_url("redis://" + url.removeprefix(SCHEME)))
        name = options.pop("host", "")
        return {**options, "connection_class": connection_class, "server": name, "path": NOWHERE}

    parse.asks_miniredis_first = True  # type: ignore[attr-defined]
    return parse
