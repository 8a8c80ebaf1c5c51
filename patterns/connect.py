"""A client from a URL: one server, a Sentinel's master, or a cluster.

========================================  ==========================================================
``redis://host:6379/0``                   one server; ``rediss://`` with TLS, ``unix:///path?db=0``
``redis+sentinel://h1:26379,h2/master/0`` the master of that name, wherever Sentinel says it is now
``redis+cluster://h1:6379,h2``            a cluster, found from any of its nodes
========================================  ==========================================================

Credentials stand before the first host, options of redis-py behind ``?``, as in redis-py's own URLs. Locks, limits
and fences need the primary, and have it: nothing here reads from replicas unless an option asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

SENTINEL_PORT = 26379
PORT = 6379


@dataclass(frozen=True)
class Address:
    """What a URL of several hosts says."""

    hosts: list[tuple[str, int]]
    path: list[str]
    options: dict[str, Any]


def parse(url: str, default_port: int) -> Address:
    """Take a URL of several hosts apart; options are converted as redis-py converts them."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    found = [_host(each, default_port) for each in hosts.split(",") if each]
    if not found:
        raise ValueError(f"no host in {url!r}")
    # redis-py reads credentials and options: it is shown a URL of one host.
    plain = urlunsplit(("redis", f"{credentials}@localhost" if credentials else "localhost", "", parts.query, ""))
    options = dict(redis.connection.parse_url(plain))
    options.pop("host", None)
    return Address(found, [unquote(each) for each in parts.path.split("/") if each], options)


def _host(text: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"not a host: {text!r}")
    return parts.hostname, parts.port or default_port


def _master(address: Address) -> tuple[str, dict[str, Any]]:
    if not address.path or len(address.path) > 2:
        raise ValueError("a redis+sentinel URL ends with /master or /master/db")
    options = dict(address.options)
    if len(address.path) == 2:
        options["db"] = int(address.path[1])
    return address.path[0], options


def connect(url: str, **options: Any) -> Any:
    """A blocking client: ``redis.Redis``, or ``redis.RedisCluster``. Options go to it, before those of the URL."""
    scheme = urlsplit(url).scheme
    if scheme == "redis+sentinel":
        address = parse(url, SENTINEL_PORT)
        master, found = _master(address)
        return redis.sentinel.Sentinel(address.hosts).master_for(master, **{**found, **options})
    if scheme == "redis+cluster":
        address = parse(url, PORT)
        nodes = [redis.cluster.ClusterNode(host, port) for host, port in address.hosts]
        return redis.RedisCluster(startup_nodes=nodes, **{**address.options, **options})
    return redis.Redis.from_url(url, **options)


def connect_async(url: str, **options: Any) -> Any:
    """The same for asyncio; as ``connect`` in :mod:`patterns.aio`."""
    scheme = urlsplit(url).scheme
    if scheme == "redis+sentinel":
        address = parse(url, SENTINEL_PORT)
        master, found = _master(address)
        return redis.asyncio.sentinel.Sentinel(address.hosts).master_for(master, **{**found, **options})
    if scheme == "redis+cluster":
        address = parse(url, PORT)
        nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in address.hosts]
        return redis.asyncio.RedisCluster(startup_nodes=nodes, **{**address.options, **options})
    return redis.asyncio.Redis.from_url(url, **options)
