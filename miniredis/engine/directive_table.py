"""Every directive of redis-server and valkey-server: name, kind, default.

The rule of this file: a directive is stated once, and ``CONFIG``, the command line and the config file all follow from
it. Names, kinds, bounds and defaults are those that Redis 7.0.15 and Valkey 9.1 report about themselves. Many
directives are accepted and remembered without meaning anything to an engine that has no forks, no io threads and no
cluster bus: a config file written for Redis loads, and what was set can be read back.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any, Final

from miniredis.engine.directives import (
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    LONG_MIN,
    UINT_MAX,
    ULONG_MAX,
    Address,
    BufferLimits,
    Check,
    Choice,
    Choices,
    Directory,
    EventClasses,
    Flag,
    Integer,
    Kind,
    Memory,
    Octal,
    OomScoreAdjValues,
    Percentiles,
    PercentOrMemory,
    SavePoints,
    Text,
    Words,
)
from miniredis.engine.version import ServerVersion


class Directive:
    """One directive.

    - *name*: as in redis.conf; *alias*: its other name, which ``CONFIG GET *`` lists as well.
    - *kind*, *default*: how its text is read, and its value before anybody sets it.
    - *immutable*: only to be set at startup. *protected*: only with ``enable-protected-configs``.
    - *hidden*: no pattern of ``CONFIG GET`` finds it, only its exact name.
    - *sensitive*: neither slow log nor MONITOR shows its value.
    - *volatile*: it names what holds the settings proper, and to set it to what it is reads that again.
    - *check*: what can be wrong with a well-formed value.
    - *since*: the Redis version that brought it. *until*: the one that has it no more. *only*: ``redis`` or
      ``valkey``, if the other has none such.
    """

    __slots__ = (
        *("alias", "check", "default", "hidden", "immutable", "kind", "name", "only", "protected", "sensitive"),
        *("since", "until", "volatile"),
    )

    def __init__(
        self,
        *,
        name: str,
        kind: Kind,
        default: Any,
        alias: str = "",
        immutable: bool = False,
        protected: bool = False,
        hidden: bool = False,
        sensitive: bool = False,
        volatile: bool = False,
        check: Check | None = None,
        since: str = "1.0.0",
        until: str = "",
        only: str = "",
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.alias = alias
        self.immutable = immutable
        self.protected = protected
        self.hidden = hidden
        self.sensitive = sensitive
        self.volatile = volatile
        self.check = check
        self.since = since
        self.until = until
        self.only = only

    @property
    def attribute(self) -> str:
        """The attribute of ``Config`` that holds its value."""
        return self.name.replace("-", "_")

    def exists_in(self, version: ServerVersion) -> bool:
        """Whether the server *version* has it."""
        if self.only not in ("", version.family) or not version.has(self.since):
            return False
        return not (self.until and version.has(self.until))


@cache
def directives_of(version: ServerVersion) -> list[Directive]:
    """The directives of the server *version*; the same list at every call."""
    return [directive for directive in DIRECTIVES if directive.exists_in(version)]


# What can be wrong with a value that is well-formed


def _is_file_name(name: str) -> Check:
    def check(value: str) -> str | None:
        return None if os.path.basename(value) == value else f"{name} can't be a path, just a filename"

    return check


def _is_host_name(value: str) -> str | None:
    if len(value) >= 256:
        return "Hostnames must be less than 256 characters"
    if not re.fullmatch(r"[A-Za-z0-9.-]*", value):
        return "Hostnames may only contain alphanumeric characters, hyphens or dots"
    return None


def _is_node_name(value: str) -> str | None:
    if not re.fullmatch(r"[!-~]*", value):
        return "Announced human node name contained invalid character"
    return None


def _is_locale(value: str) -> str | None:
    """Strings are compared byte by byte here, so only the locales that do so exist."""
    return None if value in ("", "C", "POSIX", "C.UTF-8") else "Invalid locale name"


def _is_title_template(value: str) -> str | None:
    known = {"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}
    names = re.findall(r"\{([^{}]*)\}?", value)
    if all(name in known for name in names) and value.count("{") == value.count("}"):
        return None
    return "template format is invalid or contains unknown variables"


def _does_not_contradict_itself(value: tuple[str, ...]) -> str | None:
    if {"save", "nosave"} <= set(value):
        return "shutdown options SAVE and NOSAVE can't be used simultaneously"
    return None


def _cannot_defragment(server: str, source: str) -> Check:
    """What a server answers that was built without its own allocator."""

    def check(value: bool) -> str | None:
        if not value:
            return None
        return (
            f"Active defragmentation cannot be enabled: it requires a {server} compiled with a modified Jemalloc like"
            f" the one shipped by default with the {source} distribution"
        )

    return check


# The table


def _flag(name: str, default: bool, alias: str = "", **more: Any) -> Directive:
    return Directive(name=name, kind=Flag(), default=default, alias=alias, **more)


def _text(name: str, default: str = "", alias: str = "", **more: Any) -> Directive:
    return Directive(name=name, kind=Text(), default=default, alias=alias, **more)


def _choice(name: str, words: str, default: str, **more: Any) -> Directive:
    return Directive(name=name, kind=Choice(*words.split()), default=default, **more)


def _integer(name: str, default: int, minimum: int, maximum: int, alias: str = "", **more: Any) -> Directive:
    clamp = more.pop("clamp", None)
    return Directive(name=name, kind=Integer(minimum, maximum, clamp), default=default, alias=alias, **more)


def _memory(name: str, default: int, minimum: int, maximum: int, alias: str = "", **more: Any) -> Directive:
    clamp = more.pop("clamp", None)
    return Directive(name=name, kind=Memory(minimum, maximum, clamp), default=default, alias=alias, **more)


def _lazy(name: str, alias: str = "") -> tuple[Directive, Directive]:
    """Freeing in the background: off in Redis, on in Valkey."""
    return _flag(name, False, alias, only="redis"), _flag(name, True, alias, only="valkey")


def _shutdown(name: str) -> tuple[Directive, Directive]:
    """How a signal ends the server: options of SHUTDOWN."""
    kind, kind_of_valkey = Choices(*_SHUTDOWN), Choices(*_SHUTDOWN, "safe", "failover")
    return (
        Directive(name=name, kind=kind, default=(), check=_does_not_contradict_itself, only="redis"),
        Directive(name=name, kind=kind_of_valkey, default=(), check=_does_not_contradict_itself, only="valkey"),
    )


_PROTECTION: Final = "no yes local"
_EVICTION: Final = (
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction"
)
_SHUTDOWN: Final = ("default", "save", "nosave", "now", "force")
_MEGABYTE: Final = 1 << 20

DIRECTIVES: Final[tuple[Directive, ...]] = (
    # Network and server process
    Directive(name="bind", kind=Words(16, "Too many bind addresses specified."), default=("*", "-::*")),
    _integer("port", 6379, 0, 65535),
    _text("bind-source-addr"),
    _integer("tcp-backlog", 511, 0, INT_MAX, immutable=True),
    _text("unixsocket", immutable=True),
    Directive(name="unixsocketperm", kind=Octal(0, 0o777), default=0, immutable=True),
    _text("unixsocketgroup", immutable=True, only="valkey"),
    _integer("timeout", 0, 0, INT_MAX),
    _integer("tcp-keepalive", 300, 0, INT_MAX),
    _integer("socket-mark-id", 0, 0, UINT_MAX, immutable=True),
    _integer("maxclients", 10000, 1, UINT_MAX),
    _integer("max-new-connections-per-cycle", 10, 1, 1000, only="valkey"),
    _integer("max-new-tls-connections-per-cycle", 1, 1, 1000, only="valkey"),
    _integer("max-new-connections-per-cycle", 10, 1, 1000, since="8.0.0", only="redis"),
    _integer("max-new-tls-connections-per-cycle", 1, 1, 1000, since="8.0.0", only="redis"),
    _flag("mptcp", False, immutable=True, only="valkey"),
    _flag("protected-mode", True),
    _flag("daemonize", False, immutable=True),
    _choice("supervised", "upstart systemd auto no", "no", immutable=True),
    _text("pidfile", immutable=True),
    _choice("loglevel", "debug verbose notice warning", "notice", only="redis"),
    _choice("loglevel", "debug verbose notice warning nothing", "notice", only="valkey"),
    _text("logfile", immutable=True),
    _choice("log-format", "legacy logfmt json", "legacy", only="valkey"),
    _choice("log-timestamp-format", "legacy iso8601 milliseconds", "legacy", only="valkey"),
    _flag("hide-user-data-from-log", True, only="valkey"),
    _flag("hide-user-data-from-log", False, since="7.4.0", only="redis"),
    _flag("syslog-enabled", False, immutable=True),
    _text("syslog-ident", "redis", immutable=True, only="redis"),
    _text("syslog-ident", "valkey", immutable=True, only="valkey"),
    _choice(
        "syslog-facility",
        "user local0 local1 local2 local3 local4 local5 local6 local7",
        "local0",
        immutable=True,
    ),
    _flag("crash-log-enabled", True),
    _flag("crash-memcheck-enabled", True),
    _integer("databases", 16, 1, INT_MAX, immutable=True),
    _flag("always-show-logo", False, immutable=True),
    _flag("set-proc-title", True, immutable=True),
    _text("proc-title-template", "{title} {listen-addr} {server-mode}", check=_is_title_template),
    _text("locale-collate", since="7.2.0", check=_is_locale),
    _integer("hz", 10, 0, INT_MAX, clamp=(1, 500)),
    _flag("dynamic-hz", True, only="redis"),
    _flag("disable-thp", True, immutable=True),
    Directive(
        name="oom-score-adj",
        kind=Choice("no", "yes", "relative", "absolute", synonyms={"relative": "yes"}),
        default="no",
    ),
    Directive(name="oom-score-adj-values", kind=OomScoreAdjValues(), default=(0, 200, 800)),
    _text("ignore-warnings"),
    _integer("io-threads", 1, 1, 128, immutable=True, only="redis"),
    _integer("io-threads", 1, 1, 256, only="valkey"),
    _flag("io-threads-do-reads", False, immutable=True, until="8.0.0", only="redis"),
    *(
        _text(f"{name}-cpulist", immutable=True, since="8.0.0", only="redis")
        for name in ("server", "bio", "aof-rewrite", "bgsave")
    ),
    _flag("vset-force-single-threaded-execution", False, since="8.2.0", only="redis"),
    _integer("prefetch-batch-max-size", 16, 0, 128, only="valkey"),
    _text("server_cpulist", immutable=True, only="redis"),
    _text("bio_cpulist", immutable=True, only="redis"),
    _text("aof_rewrite_cpulist", immutable=True, only="redis"),
    _text("bgsave_cpulist", immutable=True, only="redis"),
    _text("server-cpulist", alias="server_cpulist", immutable=True, only="valkey"),
    _text("bio-cpulist", alias="bio_cpulist", immutable=True, only="valkey"),
    _text("aof-rewrite-cpulist", alias="aof_rewrite_cpulist", immutable=True, only="valkey"),
    _text("bgsave-cpulist", alias="bgsave_cpulist", immutable=True, only="valkey"),
    *_shutdown("shutdown-on-sigint"),
    *_shutdown("shutdown-on-sigterm"),
    _integer("shutdown-timeout", 10, 0, INT_MAX),
    _text("availability-zone", only="valkey"),
    _flag("extended-redis-compatibility", False, only="valkey"),
    _flag("import-mode", False, only="valkey"),
    _text("hash-seed", immutable=True, only="valkey"),
    # Access
    _text("requirepass", sensitive=True),
    _text("aclfile", immutable=True),
    _integer("acllog-max-len", 128, 0, LONG_MAX),
    _choice("acl-pubsub-default", "allchannels resetchannels", "resetchannels"),
    _choice("enable-protected-configs", _PROTECTION, "no", immutable=True),
    _choice("enable-debug-command", _PROTECTION, "no", immutable=True),
    _choice("enable-module-command", _PROTECTION, "no", immutable=True),
    # Memory
    _memory("maxmemory", 0, 0, ULONG_MAX),
    _choice("maxmemory-policy", _EVICTION, "noeviction"),
    _integer("maxmemory-samples", 5, 1, INT_MAX, only="redis", until="8.0.0"),
    _integer("maxmemory-samples", 5, 1, 64, since="8.0.0", only="redis"),
    _integer("maxmemory-samples", 5, 1, 64, only="valkey"),
    _integer("maxmemory-eviction-tenacity", 10, 0, 100),
    Directive(name="maxmemory-clients", kind=PercentOrMemory(), default=0),
    _integer("lfu-log-factor", 10, 0, INT_MAX),
    _integer("lfu-decay-time", 1, 0, INT_MAX),
    *_lazy("lazyfree-lazy-eviction"),
    *_lazy("lazyfree-lazy-expire"),
    *_lazy("lazyfree-lazy-server-del"),
    *_lazy("lazyfree-lazy-user-del"),
    *_lazy("lazyfree-lazy-user-flush"),
    _integer("active-expire-effort", 1, 1, 10),
    _flag("activerehashing", True),
    _flag("jemalloc-bg-thread", True),
    _flag("activedefrag", False, only="redis", check=_cannot_defragment("Redis server", "Redis source")),
    _flag("activedefrag", False, only="valkey", check=_cannot_defragment("server", "source")),
    _memory("active-defrag-ignore-bytes", 100 * _MEGABYTE, 1, LONG_MAX),
    _integer("active-defrag-threshold-lower", 10, 0, 1000),
    _integer("active-defrag-threshold-upper", 100, 0, 1000),
    _integer("active-defrag-cycle-min", 1, 1, 99),
    _integer("active-defrag-cycle-max", 25, 1, 99),
    _integer("active-defrag-cycle-us", 500, 0, 100000, only="valkey"),
    _integer("active-defrag-max-scan-fields", 1000, 1, LONG_MAX),
    # Clients
    _memory("client-query-buffer-limit", 1024 * _MEGABYTE, _MEGABYTE, LONG_MAX),
    _memory("proto-max-bulk-len", 512 * _MEGABYTE, _MEGABYTE, LONG_MAX),
    Directive(
        name="client-output-buffer-limit",
        kind=BufferLimits(),
        default={"normal": (0, 0, 0), "slave": (256 << 20, 64 << 20, 60), "pubsub": (32 << 20, 8 << 20, 60)},
    ),
    _integer("tracking-table-max-keys", 1000000, 0, LONG_MAX),
    # How values are encoded
    _integer("hash-max-listpack-entries", 512, 0, LONG_MAX, "hash-max-ziplist-entries"),
    _memory("hash-max-listpack-value", 64, 0, LONG_MAX, "hash-max-ziplist-value"),
    _integer("list-max-listpack-size", -2, INT_MIN, INT_MAX, "list-max-ziplist-size"),
    _integer("list-compress-depth", 0, 0, INT_MAX),
    _integer("set-max-intset-entries", 512, 0, LONG_MAX),
    _integer("set-max-listpack-entries", 128, 0, LONG_MAX, since="7.2.0"),
    _integer("set-max-listpack-value", 64, 0, LONG_MAX, since="7.2.0"),
    _integer("zset-max-listpack-entries", 128, 0, LONG_MAX, "zset-max-ziplist-entries"),
    _memory("zset-max-listpack-value", 64, 0, LONG_MAX, "zset-max-ziplist-value"),
    _memory("hll-sparse-max-bytes", 3000, 0, LONG_MAX),
    _memory("stream-node-max-bytes", 4096, 0, LONG_MAX),
    _integer("stream-node-max-entries", 100, 0, LONG_MAX),
    # What is observed
    _integer("slowlog-log-slower-than", 10000, -1, LONG_MAX, only="redis"),
    _integer("slowlog-max-len", 128, 0, LONG_MAX, only="redis"),
    _integer("slowlog-log-slower-than", 10000, -1, LONG_MAX, "commandlog-execution-slower-than", only="valkey"),
    _integer("slowlog-max-len", 128, 0, LONG_MAX, "commandlog-slow-execution-max-len", only="valkey"),
    _integer("commandlog-request-larger-than", _MEGABYTE, -1, LONG_MAX, only="valkey"),
    _integer("commandlog-large-request-max-len", 128, 0, LONG_MAX, only="valkey"),
    _integer("commandlog-reply-larger-than", _MEGABYTE, -1, LONG_MAX, only="valkey"),
    _integer("commandlog-large-reply-max-len", 128, 0, LONG_MAX, only="valkey"),
    _integer("latency-monitor-threshold", 0, 0, LONG_MAX),
    _flag("latency-tracking", True),
    Directive(name="latency-tracking-info-percentiles", kind=Percentiles(), default=(50.0, 99.0, 99.9)),
    Directive(name="notify-keyspace-events", kind=EventClasses(), default=0),
    _integer("busy-reply-threshold", 5000, 0, LONG_MAX, "lua-time-limit"),
    # Persistence
    Directive(name="save", kind=SavePoints(), default=((3600, 1), (300, 100), (60, 10000))),
    Directive(name="dir", kind=Directory(), default="", protected=True),
    _text("dbfilename", "dump.rdb", protected=True, check=_is_file_name("dbfilename")),
    _flag("stop-writes-on-bgsave-error", True),
    _flag("rdbcompression", True),
    _flag("rdbchecksum", True, immutable=True),
    _flag("rdb-del-sync-files", False),
    _flag("rdb-save-incremental-fsync", True),
    _choice("rdb-version-check", "strict relaxed", "strict", only="valkey"),
    _choice("sanitize-dump-payload", "no yes clients", "no", only="redis"),
    _flag("appendonly", False),
    _text("appendfilename", "appendonly.aof", immutable=True, check=_is_file_name("appendfilename")),
    _text("appenddirname", "appendonlydir", immutable=True, check=_is_file_name("appenddirname")),
    _choice("appendfsync", "everysec always no", "everysec"),
    _flag("no-appendfsync-on-rewrite", False),
    _integer("auto-aof-rewrite-percentage", 100, 0, INT_MAX),
    _memory("auto-aof-rewrite-min-size", 64 * _MEGABYTE, 0, LONG_MAX),
    _flag("aof-load-truncated", True),
    _flag("aof-use-rdb-preamble", True),
    _flag("aof-rewrite-incremental-fsync", True),
    _flag("aof-timestamp-enabled", False),
    _flag("aof-disable-auto-gc", False, until="8.0.0", only="redis"),
    _flag("aof-disable-auto-gc", False, hidden=True, since="8.0.0", only="redis"),
    _flag("aof-disable-auto-gc", False, hidden=True, only="valkey"),
    _integer("key-load-delay", 0, INT_MIN, INT_MAX, hidden=True),
    _integer("rdb-key-save-delay", 0, INT_MIN, INT_MAX, hidden=True),
    _integer("watchdog-period", 0, 0, INT_MAX, hidden=True),
    _text("debug-context", hidden=True, only="valkey"),
    _flag("enable-debug-assert", False, immutable=True, hidden=True, only="valkey"),
    # Replication
    Directive(name="replicaof", kind=Address(), default=None, alias="slaveof", immutable=True),
    _text("masterauth", only="redis", sensitive=True),
    _text("masteruser", only="redis", sensitive=True),
    _text("masterauth", alias="primaryauth", only="valkey", sensitive=True),
    _text("masteruser", alias="primaryuser", only="valkey", sensitive=True),
    _flag("replica-serve-stale-data", True, "slave-serve-stale-data"),
    _flag("replica-read-only", True, "slave-read-only"),
    _flag("replica-ignore-maxmemory", True, "slave-ignore-maxmemory"),
    *_lazy("replica-lazy-flush", "slave-lazy-flush"),
    _flag("replica-announced", True),
    _flag("replica-ignore-disk-write-errors", False),
    _text("replica-announce-ip", alias="slave-announce-ip"),
    _integer("replica-announce-port", 0, 0, 65535, "slave-announce-port"),
    _integer("replica-priority", 100, 0, INT_MAX, "slave-priority"),
    _integer("min-replicas-to-write", 0, 0, INT_MAX, "min-slaves-to-write"),
    _integer("min-replicas-max-lag", 10, 0, INT_MAX, "min-slaves-max-lag"),
    _integer("repl-timeout", 60, 1, INT_MAX),
    _integer("repl-ping-replica-period", 10, 1, INT_MAX, "repl-ping-slave-period"),
    _memory("replica-full-sync-buffer-limit", 0, 0, LONG_MAX, since="8.0.0", only="redis"),
    _memory("repl-backlog-size", _MEGABYTE, 1, LONG_MAX, only="redis", clamp=(16384, LONG_MAX)),
    _memory("repl-backlog-size", 10 * _MEGABYTE, 1, LONG_MAX, only="valkey", clamp=(16384, LONG_MAX)),
    _integer("repl-backlog-ttl", 3600, 0, LONG_MAX),
    _flag("repl-disable-tcp-nodelay", False),
    _flag("repl-diskless-sync", True),
    _integer("repl-diskless-sync-delay", 5, 0, INT_MAX),
    _integer("repl-diskless-sync-max-replicas", 0, 0, INT_MAX),
    _choice("repl-diskless-load", "disabled on-empty-db swapdb", "disabled", only="redis"),
    _choice("repl-diskless-load", "disabled on-empty-db swapdb flush-before-load", "disabled", only="valkey"),
    _choice("propagation-error-behavior", "ignore panic panic-on-replicas", "ignore"),
    _flag("dual-channel-replication-enabled", False, only="valkey"),
    _flag("repl-mptcp", False, immutable=True, only="valkey"),
    # Cluster
    _flag("cluster-enabled", False, immutable=True),
    _text("cluster-config-file", "nodes.conf", immutable=True),
    _integer("cluster-port", 0, 0, 65535, immutable=True),
    _integer("cluster-node-timeout", 15000, 0, LONG_MAX),
    _integer("cluster-migration-barrier", 1, 0, INT_MAX),
    _integer("cluster-replica-validity-factor", 10, 0, INT_MAX, "cluster-slave-validity-factor"),
    _flag("cluster-replica-no-failover", False, "cluster-slave-no-failover"),
    _flag("cluster-require-full-coverage", True),
    _flag("cluster-allow-reads-when-down", False),
    _flag("cluster-allow-pubsubshard-when-down", True),
    _flag("cluster-allow-replica-migration", True),
    _memory("cluster-link-sendbuf-limit", 0, 0, ULONG_MAX),
    _text("cluster-announce-ip"),
    _text("cluster-announce-hostname", check=_is_host_name),
    _integer("cluster-compatibility-sample-ratio", 0, 0, 100, since="7.4.0", only="redis"),
    _flag("cluster-slot-stats-enabled", False, since="8.2.0", only="redis"),
    _text("cluster-announce-human-nodename", since="7.2.0", check=_is_node_name),
    _integer("cluster-announce-port", 0, 0, 65535),
    _integer("cluster-announce-bus-port", 0, 0, 65535),
    _integer("cluster-announce-tls-port", 0, 0, 65535),
    _choice("cluster-preferred-endpoint-type", "ip hostname unknown-endpoint", "ip"),
    _text("cluster-announce-client-ipv4", only="valkey"),
    _text("cluster-announce-client-ipv6", only="valkey"),
    _integer("cluster-announce-client-port", 0, 0, 65535, only="valkey"),
    _integer("cluster-announce-client-tls-port", 0, 0, 65535, only="valkey"),
    _integer("cluster-blacklist-ttl", 60, LONG_MIN, LONG_MAX, only="valkey"),
    _choice("cluster-config-save-behavior", "sync best-effort", "sync", only="valkey"),
    _integer("cluster-databases", 1, 1, INT_MAX, immutable=True, only="valkey"),
    _integer("cluster-manual-failover-timeout", 5000, 1, INT_MAX, only="valkey"),
    _integer("cluster-ping-interval", 0, 0, INT_MAX, hidden=True, only="valkey"),
    _flag("cluster-slot-stats-enabled", False, only="valkey"),
    _integer("cluster-slot-migration-log-max-len", 1000, 0, LONG_MAX, only="valkey"),
    _memory("slot-migration-max-failover-repl-bytes", 0, -1, LONG_MAX, only="valkey"),
    # TLS and RDMA
    _integer("tls-port", 0, 0, 65535),
    _text("tls-cert-file", volatile=True),
    _text("tls-key-file", volatile=True),
    _text("tls-key-file-pass", sensitive=True),
    _text("tls-client-cert-file", volatile=True),
    _text("tls-client-key-file", volatile=True),
    _text("tls-client-key-file-pass", sensitive=True),
    _text("tls-dh-params-file", volatile=True),
    _text("tls-ca-cert-file", volatile=True),
    _text("tls-ca-cert-dir", volatile=True),
    _text("tls-protocols"),
    _text("tls-ciphers"),
    _text("tls-ciphersuites"),
    _choice("tls-auth-clients", "no yes optional", "yes"),
    Directive(name="tls-auth-clients-user", kind=Choice("CN", "URI", "off"), default="off", only="valkey"),
    _integer("tls-auto-reload-interval", 0, 0, INT_MAX, only="valkey"),
    _flag("tls-prefer-server-ciphers", False),
    _flag("tls-session-caching", True),
    _integer("tls-session-cache-size", 20480, 0, INT_MAX),
    _integer("tls-session-cache-timeout", 300, 0, INT_MAX),
    _flag("tls-cluster", False),
    _flag("tls-replication", False),
    _text("rdma-bind", only="valkey"),
    _integer("rdma-port", 0, 0, 65535, only="valkey"),
    _integer("rdma-rx-size", _MEGABYTE, 65536, 16777216, immutable=True, only="valkey"),
    _integer("rdma-completion-vector", -1, -1, 1024, immutable=True, only="valkey"),
)
